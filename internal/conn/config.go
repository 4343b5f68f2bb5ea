package conn

import (
	"context"
	"net"
	"time"

	"mqtt/internal/proto"
)

// Config says how to connect.
type Config struct {
	// Dial opens the byte stream. The version tells a WebSocket which
	// subprotocol to offer.
	Dial func(ctx context.Context, v proto.Version) (net.Conn, error)
	// Connect is the CONNECT of the first connection. Connect.Version is the
	// version to speak. Where the session has an identifier, that is sent instead
	// of ClientID. In version 5 a session that was held before, with a Session
	// Expiry Interval that is not 0, is resumed: Clean Start is 0 then.
	Connect proto.Connect
	// Fallback allows 3.1.1 where the server refuses version 5 or hangs up on
	// it. Properties of CONNECT and will are left out then.
	Fallback bool
	// Window is the largest number of messages in flight, 1 to 65535; 0 is 20.
	Window int
	// Timeout bounds a whole Dial up to CONNACK; 0 is no bound.
	Timeout time.Duration
	// Auth is the enhanced authentication; nil is none.
	Auth Auth
	// AuthProps stand in every AUTH packet before method and data.
	AuthProps proto.Props
	// Trace is told every packet that is queued or taken, in order; nil is none.
	// The frame is good for the call.
	Trace func(sent bool, f proto.Frame, v proto.Version)
	// Connected is told when the byte stream is open, before CONNECT; nil is none.
	Connected func()
}

// authProps returns AuthProps for more to be appended.
func (c *Config) authProps() proto.Props { return c.AuthProps[:len(c.AuthProps):len(c.AuthProps)] }

// DefaultWindow is how many messages may be in flight where nothing else is said.
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

// Server is what the server said in its CONNACK, with the standard's defaults where
// it said nothing.
type Server struct {
	SessionPresent    bool
	AssignedID        string
	ReceiveMaximum    int
	MaximumQoS        byte
	RetainAvailable   bool
	MaximumPacketSize int // bytes, 0 is the protocol's own limit
	TopicAliasMaximum int
	KeepAlive         time.Duration // in force; 0 is off
	Props             proto.Props   // the CONNACK's own
}

// packetSize is the Maximum Packet Size, 0 for none; the protocol's own limit is lower
// than what the property can say.
func packetSize(ps proto.Props) int {
	return int(min(ps.Num(proto.MaximumPacketSize, 0), proto.MaxPacket))
}

// readServer takes in a CONNACK. asked is the keep alive of the CONNECT in seconds.
func readServer(p *proto.Connack, asked uint16) Server {
	ps := append(proto.Props(nil), p.Props...)
	return Server{
		SessionPresent:    p.SessionPresent,
		AssignedID:        string(ps.Value(proto.AssignedClientIdentifier)),
		ReceiveMaximum:    int(ps.Num(proto.ReceiveMaximum, 65535)),
		MaximumQoS:        byte(ps.Num(proto.MaximumQoS, 2)),
		RetainAvailable:   ps.Num(proto.RetainAvailable, 1) == 1,
		MaximumPacketSize: packetSize(ps),
		TopicAliasMaximum: int(ps.Num(proto.TopicAliasMaximum, 0)),
		KeepAlive:         time.Duration(ps.Num(proto.ServerKeepAlive, uint32(asked))) * time.Second, // [MQTT-3.1.2-21]
		Props:             ps,
	}
}
