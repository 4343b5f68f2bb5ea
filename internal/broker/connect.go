package broker

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// connectRequest holds what a CONNECT asks for, except for what is stored in the client.
type connectRequest struct {
	clean    bool
	expiry   uint32 // granted
	asked    uint32 // Session Expiry Interval of CONNECT
	keep     uint16 // Keep Alive of CONNECT, seconds
	assigned bool   // the broker made the client identifier
	will     *will
	info     bool // Request Response Information
	done     []byte
}

// connect reads CONNECT, which must be the first packet [MQTT-3.1.0-1], and answers it. c.s remains
// nil if the client was refused.
func (c *client) connect() error {
	b := c.b
	by := time.Now().Add(b.opt.ConnectTimeout)
	c.conn.SetDeadline(by)
	c.in.SetMax(min(firstPacket, b.opt.MaxPacket))
	f, err := c.readConnect()
	if err != nil {
		return err
	}
	if c.lastLook { // it arrived in time, and the process was suspended
		by = time.Now().Add(b.opt.ConnectTimeout)
		c.conn.SetDeadline(by)
	}
	b.connectArrived(c)
	c.accountConn(connMemory(c.conn, true))
	c.finished = true
	b.stats.bytesReceived.Add(int64(f.Size() + c.in.Len()))
	b.stats.packetsReceived.Add(1)
	b.stats.logins.Add(1)
	var p proto.Connect
	if err := p.Decode(f, 0); err != nil {
		return c.refuseConnect(&p, err)
	}
	c.v = p.Version
	o := &connectRequest{clean: p.CleanStart, keep: p.KeepAlive}
	if r, text := c.accept(&p, o); r != proto.Success {
		return c.refuse(r, text)
	}
	revision := b.revision.Load()
	if r, text, err := c.permit(&p, o, by); err != nil {
		return err
	} else if r != proto.Success {
		return c.refuse(r, text)
	}
	if c.maxPacket > 0 && len(c.connack(o, false)) > c.maxPacket {
		return c.refuse(proto.PacketTooLarge, "CONNACK exceeds the client's Maximum Packet Size") // [MQTT-3.1.2-24]
	}
	c.in.SetMax(b.opt.MaxPacket)
	if err := b.attach(c, o); err != nil {
		return err
	}
	if b.revision.Load() != revision {
		c.recheckStamp() // Revise may have run before the client was listed
	}
	b.opt.Log.Info("client connected", "client", escaped(c.who.ClientID), "user", escaped(c.user()), "version", c.v.String(), "remote", c.who.Remote)
	c.last, c.lastLook = time.Now(), false
	c.conn.SetWriteDeadline(time.Time{})
	return c.rearm()
}

// handshaking reports whether the connection uses TLS, and its handshake is not complete.
func (c *client) handshaking() bool {
	var nc net.Conn = c.conn
	for {
		switch at := nc.(type) {
		case *tls.Conn:
			return !at.ConnectionState().HandshakeComplete
		case *faultConn:
			nc = at.Conn
		case interface{ NetConn() net.Conn }: // a WebSocket
			nc = at.NetConn()
		default:
			return false
		}
	}
}

// readConnect returns the first packet. It fails at once if the first byte is not that of a
// CONNECT, because the peer speaks another protocol.
func (c *client) readConnect() (proto.Frame, error) {
	if c.in.Len() == 0 {
		err := c.in.Fill()
		if e := (tls.RecordHeaderError{}); errors.As(err, &e) {
			c.foreign = true
			return proto.Frame{}, fmt.Errorf("no TLS handshake: %s", guessProtocol(e.RecordHeader[:]))
		}
		if spoken, ok := transport.SpokenBy(err); ok {
			c.foreign = true
			if spoken == "" {
				return proto.Frame{}, fmt.Errorf("no WebSocket handshake: the client does not speak WebSocket")
			}
			if spoken == "PROXY" {
				spoken = proxyProtocol
			}
			return proto.Frame{}, fmt.Errorf("no WebSocket handshake: it looks like %s", spoken)
		}
		if err != nil && !timedOut(err) && !errors.Is(err, io.EOF) && c.handshaking() {
			c.foreign = true
			return proto.Frame{}, fmt.Errorf("TLS handshake failed: %w", withoutAddress(err))
		}
		if err != nil && !timedOut(err) {
			return proto.Frame{}, fmt.Errorf("wait for CONNECT: %w", withoutAddress(err))
		}
	}
	if b := c.in.Bytes(); len(b) > 0 && b[0] != byte(proto.CONNECT)<<4 {
		c.foreign = true
		return proto.Frame{}, fmt.Errorf("no CONNECT: %s", guessProtocol(b))
	}
	f, err := c.readPacket()
	if err != nil {
		return f, fmt.Errorf("wait for CONNECT: %w", withoutAddress(err))
	}
	if f.Type() != proto.CONNECT {
		return f, fmt.Errorf("%s before CONNECT", f.Type())
	}
	return f, nil
}

// proxyProtocol is what load balancers speak that are to tell the address of the client.
const proxyProtocol = "the PROXY protocol, which is not supported"

// guessProtocol names the protocol that begins with these bytes.
func guessProtocol(b []byte) string {
	for _, p := range [...]struct{ begins, name string }{
		{"PROXY", proxyProtocol}, {"\r\n\r\n\x00", proxyProtocol}, {"\x10", "MQTT without TLS"},
		{"\x16\x03", "TLS on a port without TLS"}, {"SSH-", "SSH"}, {"GET ", "HTTP"}, {"POST ", "HTTP"}, {"HEAD ", "HTTP"}, {"PUT ", "HTTP"}, {"OPTIONS ", "HTTP"}, {"CONNECT ", "HTTP"},
	} {
		if len(b) >= len(p.begins) && string(b[:len(p.begins)]) == p.begins {
			return "it looks like " + p.name
		}
	}
	return fmt.Sprintf("the first byte is 0x%02x", b[0])
}

// refuseConnect answers a CONNECT that could not be decoded, where the standard allows an answer:
// to an unsupported version [MQTT-3.1.2-2], and to any CONNECT of version 5 [MQTT-3.1.4-1].
func (c *client) refuseConnect(p *proto.Connect, err error) error {
	var e *proto.Error
	if !errors.As(err, &e) {
		return err
	}
	c.v, c.problem = p.Version, true
	switch {
	case e.Reason == proto.UnsupportedProtocolVersion && (p.Version < proto.V5 || p.Version >= 0x80):
		c.v = proto.V311 // bit 7 of the level marks bridges, which use older versions
	case e.Reason == proto.UnsupportedProtocolVersion:
		c.v = proto.V5
	case c.v < proto.V5:
		return err
	}
	if r := e.Reason; !r.Allowed(proto.CONNACK) {
		e.Reason = proto.ProtocolError
	}
	return c.refuse(e.Reason, e.What)
}

// accept checks CONNECT against the limits, without the hooks, and stores the client's own limits.
func (c *client) accept(p *proto.Connect, o *connectRequest) (proto.Reason, string) {
	b := c.b
	opt := &b.opt
	c.limit, c.problem = opt.Inflight, false
	o.asked, o.expiry = 0, 0
	if c.v5() {
		c.problem = p.Props.Num(proto.RequestProblemInformation, 1) == 1 // [MQTT-3.1.2-29]
		c.limit = min(c.limit, int(p.Props.Num(proto.ReceiveMaximum, 65535)))
		c.maxPacket = int(p.Props.Num(proto.MaximumPacketSize, 0))
		c.aliasMax = min(int(opt.TopicAliasMaximum), int(p.Props.Num(proto.TopicAliasMaximum, 0)))
		o.asked = p.Props.Num(proto.SessionExpiryInterval, 0)
		o.info = p.Props.Num(proto.RequestResponseInformation, 0) == 1
	} else if !p.CleanStart {
		o.asked = never
	}
	o.expiry = min(o.asked, opt.SessionExpiryMaximum)
	if c.refused != proto.Success {
		return c.refused, ""
	}
	if c.connFaults != nil {
		if r := c.connFaults.Refuse(p.ClientID); r != proto.Success {
			return r, "refused by a fault"
		}
	}
	c.who = &Identity{ClientID: p.ClientID, HasUsername: p.HasUsername, Username: p.Username, Version: c.v,
		Remote: c.conn.RemoteAddr(), Local: c.conn.LocalAddr()}
	if t, ok := c.conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 {
			c.who.Certificate = certs[0]
		}
	}
	if p.ClientID == "" {
		switch {
		case c.v == proto.V31:
			return proto.ClientIdentifierNotValid, "empty client identifier"
		case c.v == proto.V311 && !p.CleanStart:
			return proto.ClientIdentifierNotValid, "empty client identifier without Clean Session" // 3.1.1 [MQTT-3.1.3-8]
		}
		c.who.ClientID = "auto-" + rand.Text() // [MQTT-3.1.3-6], [MQTT-3.1.3-7]
		o.assigned = true
	}
	if b.busy(c) {
		return proto.ServerBusy, ""
	}
	c.bridge = p.Bridge
	if w := p.Will; w != nil {
		switch {
		case isSys(w.Topic) && !c.v5(): // older versions cannot be told that retained messages are not available
		case w.QoS > opt.Without.maximumQoS():
			return proto.QoSNotSupported, "will QoS" // [MQTT-3.2.2-12]
		case w.Retain && opt.Without.Retain:
			return proto.RetainNotSupported, "retained will" // [MQTT-3.2.2-13]
		case isSys(w.Topic):
		case opt.reserved(w.Topic), strings.Count(w.Topic, "/") >= opt.TopicLevels:
			return proto.TopicNameInvalid, "will topic"
		}
		if !isSys(w.Topic) { // by default bridges have a will below $SYS: it is never published
			o.will = newWill(c.who, w)
		}
	}
	if c.keepAlive(o.keep) > 0 {
		c.silenceLimit = c.keepAlive(o.keep) * 3 / 2
	}
	return proto.Success, ""
}

// keepAlive returns the effective keep alive: the client's own or, in version 5, the smaller one of
// the server [MQTT-3.1.2-21].
func (c *client) keepAlive(asked uint16) time.Duration {
	most := c.b.opt.KeepAliveMaximum
	if c.v5() && most > 0 && (asked == 0 || asked > most) {
		asked = most
	}
	return time.Duration(asked) * time.Second
}

// refuse answers CONNECT with a reason code, and a reason string if the client wants one. It
// returns the reason as an error. The caller closes the connection [MQTT-3.2.2-7].
func (c *client) refuse(r proto.Reason, text string) error {
	c.answered = true
	err := fmt.Errorf("%s: %s", r.Name(proto.CONNACK), text)
	if text == "" {
		err = errors.New(r.Name(proto.CONNACK))
	}
	ack := proto.Connack{Reason: r}
	if c.v5() && c.problem && text != "" {
		ack.Props = ack.Props.AppendText(proto.ReasonString, clip(text))
	}
	buf, e := ack.Append(nil, c.v)
	if e == nil && c.maxPacket > 0 && len(buf) > c.maxPacket {
		ack.Props = nil // [MQTT-3.2.2-19]
		buf, e = ack.Append(nil, c.v)
	}
	if e != nil {
		return errors.Join(err, e)
	}
	if c.maxPacket > 0 && len(buf) > c.maxPacket {
		return err // even that is too large: only close [MQTT-3.1.2-24]
	}
	c.conn.SetDeadline(time.Now().Add(closeTimeout))
	if _, e := c.conn.Write(buf); e != nil {
		return errors.Join(err, e)
	}
	c.b.stats.connectsRefused.Add(1)
	c.b.stats.answers.Add(1)
	transport.Linger(c.conn, lingerTime, lingerBytes)
	return err
}

// connack returns the CONNACK that accepts the client. Its properties list what differs from the
// standard's defaults.
func (c *client) connack(o *connectRequest, present bool) []byte {
	ack := proto.Connack{SessionPresent: present}
	opt := &c.b.opt
	if c.v5() {
		ps := proto.Props{}
		flag := func(without bool, id proto.PropID) {
			if without {
				ps = ps.AppendNum(id, 0)
			}
		}
		if o.expiry != o.asked {
			ps = ps.AppendNum(proto.SessionExpiryInterval, o.expiry)
		}
		ps = ps.AppendNum(proto.ReceiveMaximum, uint32(opt.ReceiveMaximum))
		if q := opt.Without.maximumQoS(); q < 2 {
			ps = ps.AppendNum(proto.MaximumQoS, uint32(q))
		}
		flag(opt.Without.Retain, proto.RetainAvailable)
		if opt.MaxPacket < proto.MaxPacket {
			ps = ps.AppendNum(proto.MaximumPacketSize, uint32(opt.MaxPacket))
		}
		if o.assigned {
			ps = ps.AppendText(proto.AssignedClientIdentifier, c.who.ClientID) // [MQTT-3.2.2-16]
		}
		ps = ps.AppendNum(proto.TopicAliasMaximum, uint32(opt.TopicAliasMaximum))
		flag(opt.Without.Wildcards, proto.WildcardSubscriptionAvailable)
		flag(opt.Without.Identifiers, proto.SubscriptionIdentifierAvailable)
		flag(opt.Without.Shared, proto.SharedSubscriptionAvailable)
		if k := c.keepAlive(o.keep); k != time.Duration(o.keep)*time.Second {
			ps = ps.AppendNum(proto.ServerKeepAlive, uint32(k/time.Second))
		}
		if o.info && opt.ResponseInformation != nil {
			ps = ps.AppendText(proto.ResponseInformation, opt.ResponseInformation(c.who))
		}
		if c.method != "" {
			ps = ps.AppendText(proto.AuthenticationMethod, c.method)
			if o.done != nil {
				ps = ps.AppendValue(proto.AuthenticationData, o.done)
			}
		}
		ack.Props = ps
	}
	buf, err := ack.Append(nil, c.v)
	if err != nil { // a hook returned more than a packet can hold
		ack.Props = nil
		buf, _ = ack.Append(nil, c.v)
	}
	return buf
}
