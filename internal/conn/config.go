package conn

import (
	"context"
	"net"
	"time"

	"mqtt/internal/proto"
)

// Config describes a connection. It is not changed by Dial, and may serve several connections.
type Config struct {
	// Dial opens the byte stream. A WebSocket offers the subprotocol of the version.
	Dial func(ctx context.Context, v proto.Version) (net.Conn, error)
	// Connect is the CONNECT packet. Connect.Version is the version to use. If the session has a
	// client identifier, it replaces ClientID. In version 5, if the session was established before
	// and the Session Expiry Interval is not 0, CleanStart is false.
	Connect proto.Connect
	// Fallback allows version 3.1.1 if the server refuses version 5, closes the stream twice after
	// CONNECT, or answers in the form of 3.1.1. Version 3.1.1 has no properties.
	Fallback bool
	// FellBack, if not nil, is called when the server has answered a CONNECT of version 3.1.1. why
	// is the error of version 5.
	FellBack func(why error)
	// Window is the largest number of messages in flight, 1 to 65535; 0 means DefaultWindow.
	Window int
	// Timeout bounds Dial, up to CONNACK; 0 means no bound.
	Timeout time.Duration
	// Password, if not nil, returns the password of each connection, instead of Connect.Password. An
	// error ends Dial.
	Password func() ([]byte, error)
	// Auth is the enhanced authentication; nil means none.
	Auth Auth
	// AuthProps are the first properties of every AUTH packet, before method and data.
	AuthProps proto.Props
	// Confirm makes acknowledgements wait for Conn.Confirm. Without it, the next call of Next says that
	// the Message before is safe.
	Confirm bool
	// Trace, if not nil, is called for every packet that is queued or received, in order. The frame
	// is valid during the call.
	Trace func(sent bool, f proto.Frame, v proto.Version)
	// Shortened, if not nil, is called when the server keeps a new session for less time than CONNECT
	// asked for, both in seconds.
	Shortened func(asked, granted uint32)
	// Connected, if not nil, is called when the byte stream is open, before CONNECT.
	Connected func()
}

// DefaultWindow is the number of messages that may be in flight if Config.Window is 0.
const DefaultWindow = 20

// Auth configures enhanced authentication. Connections may share it.
type Auth interface {
	// Method returns the Authentication Method, the same in every packet [MQTT-4.12.0-5].
	Method() string
	// Begin begins an exchange. Every connection and every re-authentication begins its own.
	Begin() (Exchange, error)
}

// Exchange is the client's side of one exchange of AUTH packets. It belongs to the goroutine that
// owns the connection. An error ends the connection: a *Violation if the server broke the method, a
// *Denied if it ended the exchange.
type Exchange interface {
	// Start returns the first Authentication Data, or nil for none.
	Start() []byte
	// Next answers a challenge.
	Next(challenge []byte) ([]byte, error)
	// Finish checks the Authentication Data of the server's success.
	Finish(data []byte) error
}

// Server describes the server as its CONNACK does, with the standard's defaults for absent
// properties.
type Server struct {
	SessionPresent    bool
	AssignedID        string
	ReceiveMaximum    int
	MaximumQoS        byte
	RetainAvailable   bool
	MaximumPacketSize int // in bytes; 0 means the protocol's limit
	TopicAliasMaximum int
	KeepAlive         time.Duration // in force; 0 means off
	Props             proto.Props   // of CONNACK
}

// packetSize returns the Maximum Packet Size of ps, or 0 if there is none. The property allows
// larger values than the protocol.
func packetSize(ps proto.Props) int {
	return int(min(ps.Num(proto.MaximumPacketSize, 0), proto.MaxPacket))
}

// readServer returns the contents of a CONNACK. keepAlive is the Keep Alive of CONNECT, in seconds.
func readServer(p *proto.Connack, keepAlive uint16) Server {
	ps := append(proto.Props(nil), p.Props...)
	return Server{
		SessionPresent:    p.SessionPresent,
		AssignedID:        string(ps.Value(proto.AssignedClientIdentifier)),
		ReceiveMaximum:    int(ps.Num(proto.ReceiveMaximum, 65535)),
		MaximumQoS:        byte(ps.Num(proto.MaximumQoS, 2)),
		RetainAvailable:   ps.Num(proto.RetainAvailable, 1) == 1,
		MaximumPacketSize: packetSize(ps),
		TopicAliasMaximum: int(ps.Num(proto.TopicAliasMaximum, 0)),
		KeepAlive:         time.Duration(ps.Num(proto.ServerKeepAlive, uint32(keepAlive))) * time.Second, // [MQTT-3.1.2-21]
		Props:             ps,
	}
}
