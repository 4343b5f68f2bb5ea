package check

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// Bounds of the evidence of one attempt.
const (
	maxEvidence  = 120 // packets
	maxHexBytes  = 512 // of a packet
	maxTextBytes = 300
)

// Peer is a connection of a script. All methods end the script when the connection does not do what they
// expect.
type Peer struct {
	// Connack is the CONNACK that Connect has received.
	Connack *proto.Connack
	// ClientID is the client identifier of Connect, or the one that the server assigned.
	ClientID string

	// Hello is the CONNECT of a client that Accept has received.
	Hello *proto.Connect

	c       *C
	sends   rules.Way // the direction of what the script sends
	number  int       // counts the connections of the case from 1
	v       proto.Version
	conn    net.Conn
	reader  *proto.Reader
	watch   *rules.Observer // nil when it can judge no more
	lastID  uint16
	sent    time.Time        // when the last write began
	pongs   int              // PINGRESPs that came before they were awaited
	aside   []*proto.Publish // messages that came while something else was awaited
	anyForm bool             // the server may answer in the form of any version
	closing string           // the rule by which the server must close, after a packet that broke the standard; "" before
	odd     proto.Packet     // the last packet whose form is wrong and that was returned nevertheless
	oddText string           // odd as text
	closed  bool             // the server has closed the connection
	discard bool             // close has been called
	partial bool             // a write has failed: the last packet may have been sent in part
	stop    func()           // ends the watch over the context
}

// Open opens a connection without a CONNECT.
func (c *C) Open() *Peer {
	ctx, cancel := context.WithTimeout(c.ctx, c.r.opt.Limit)
	defer cancel()
	conn, err := c.r.dial(ctx, c.Version)
	if err != nil {
		c.Unsure("cannot connect: %v", err)
	}
	return c.peer(conn, rules.In)
}

// peer returns the peer of an open connection.
func (c *C) peer(conn net.Conn, sends rules.Way) *Peer {
	p := &Peer{c: c, sends: sends, number: len(c.peers) + 1, v: c.Version, conn: conn, reader: proto.NewReader(conn, 0), watch: c.sessions.Connection()}
	c.peers = append(c.peers, p)
	// A read or write that waits ends with the context.
	ended := make(chan struct{})
	stop := context.AfterFunc(c.ctx, func() {
		conn.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // of a closed connection
		close(ended)
	})
	p.stop = sync.OnceFunc(func() {
		if !stop() {
			<-ended // so that the deadline is not set again
		}
	})
	return p
}

// now returns the seconds since the case began.
func (c *C) now() float64 { return time.Since(c.began).Seconds() }

// record adds a packet to the evidence, and shows it to the observer.
func (p *Peer) record(way rules.Way, packet []byte) {
	c, at := p.c, time.Now()
	if p.watch != nil {
		for _, v := range p.watch.Observe(way, packet, at) {
			if v.Broken != c.subject {
				p.watch = nil // we broke a rule on purpose: nothing can be said after it
				p.closing, c.wrongAt = p.closingRule(), at
				break
			}
			c.violated(v)
		}
	}
	shown := c.masked(packet)
	text := p.text(shown)
	if len(text) > maxTextBytes {
		text = text[:maxTextBytes] + "…"
	}
	c.keep(Packet{Connection: p.number, Way: word(way), Time: c.now(), Hex: hex.EncodeToString(shown[:min(len(shown), maxHexBytes)]), Text: text})
}

// text returns the packets in b as text.
func (p *Peer) text(b []byte) string {
	var all []byte
	for len(b) > 0 {
		if len(all) > 0 {
			all = append(all, "; "...)
		}
		f, n, err := proto.Split(b, 0)
		if err != nil || n == 0 || n > len(b) {
			return string(fmt.Appendf(all, "%d bytes that are no packet", len(b)))
		}
		all, b = format.AppendPacket(all, f, p.v), b[n:]
	}
	return string(all)
}

// keep adds p to the evidence, and traces it.
func (c *C) keep(p Packet) {
	if r := c.r; r.opt.Trace != nil {
		r.tracing.Lock()
		section, _, _ := c.k.place(c.Version)
		r.opt.Trace(strings.Trim(VersionName(c.Version)+"/"+section+"/"+c.k.Name, "/"), &p)
		r.tracing.Unlock()
	}
	if len(c.packets) == maxEvidence {
		c.lost++
		return
	}
	c.packets = append(c.packets, p)
}

// word returns the name of a direction in results.
func word(w rules.Way) string {
	if w == rules.Out {
		return "out"
	}
	return "in"
}

// receives returns the direction of what the script receives.
func (p *Peer) receives() rules.Way {
	if p.sends == rules.In {
		return rules.Out
	}
	return rules.In
}

// note adds an event that is not a packet to the evidence.
func (p *Peer) note(way, text string) {
	p.c.keep(Packet{Connection: p.number, Way: way, Time: p.c.now(), Text: text})
}

// violated notes a statement that the observer saw broken by who is checked.
func (c *C) violated(v rules.Violation) {
	if v.Level != rules.Must || len(c.broken) == 16 {
		return
	}
	rules := v.Also
	if v.ID != "" {
		rules = append([]string{v.ID}, rules...)
	}
	text := v.Text
	if v.Section != "" && v.ID == "" {
		text = "section " + v.Section + ": " + text
	}
	c.broken = append(c.broken, breach{rules: rules, statement: text, text: v.Name() + ": " + v.Text + ": " + v.Got})
}

// Send sends packets, in one write. They must be correct: what is wrong on purpose goes through Raw.
func (p *Peer) Send(packets ...proto.Packet) {
	var all []byte
	for _, packet := range packets {
		from := len(all)
		var err error
		if all, err = packet.Append(all, p.v); err != nil {
			p.c.Unsure("the case sends a packet that the standard forbids: %v", err)
		}
		p.record(p.sends, all[from:])
	}
	p.write(all)
}

// Raw sends bytes, which may be anything.
func (p *Peer) Raw(b ...byte) {
	p.record(p.sends, b)
	p.watch = nil
	p.write(b)
}

// Dribble sends the bytes of one correct packet with a write for each.
func (p *Peer) Dribble(b []byte) {
	p.record(p.sends, b)
	for i := range b {
		p.write(b[i : i+1])
	}
}

// write writes b. An error is not judged here: what the server said before it closed is read later.
func (p *Peer) write(b []byte) {
	p.sent = time.Now()
	p.conn.SetWriteDeadline(p.sent.Add(p.c.r.opt.Limit)) //nolint:errcheck // the write reports it
	if _, err := p.conn.Write(b); err != nil {
		p.partial = true
		if p.c.ctx.Err() != nil {
			p.c.Unsure("the run was interrupted")
		}
	}
}

// Encode returns the bytes of a packet, to be changed and sent by Raw.
func (p *Peer) Encode(packet proto.Packet) []byte {
	b, err := packet.Append(nil, p.v)
	if err != nil {
		p.c.Unsure("the case makes a packet that cannot be encoded: %v", err)
	}
	return b
}

// errNothing says that nothing was received in the time given.
var errNothing = errors.New("nothing was received")

// read returns the next packet. It fails with io.EOF when the server has closed the connection, and
// with errNothing after limit.
func (p *Peer) read(limit time.Duration) (proto.Packet, error) {
	if p.closed {
		return nil, io.EOF
	}
	p.conn.SetReadDeadline(time.Now().Add(limit)) //nolint:errcheck // the read reports it
	if p.c.ctx.Err() != nil {                     // after the deadline is set, which could have replaced that of the context
		p.c.Unsure("the run was interrupted, or the case took longer than %v", caseLimit)
	}
	f, err := p.reader.Next()
	p.c.silent = false
	var timeout net.Error
	var malformed *proto.Error
	switch {
	case err == nil:
	case p.c.ctx.Err() != nil:
		p.c.Unsure("the run was interrupted, or the case took longer than %v", caseLimit)
	case errors.As(err, &timeout) && timeout.Timeout():
		p.c.silent = true
		return nil, errNothing
	case errors.As(err, &malformed):
		p.malformed(slices.Clone(p.reader.Bytes()), err)
	default:
		p.closed = true
		p.c.closings++
		p.note(word(p.receives()), "connection closed")
		if p.watch != nil {
			for _, v := range p.watch.Closed(p.receives(), time.Now()) {
				if v.Broken == p.c.subject {
					p.c.violated(v)
				}
			}
		}
		return nil, io.EOF
	}
	raw := appendFrame(nil, f)
	p.record(p.receives(), raw)
	f, _, _ = proto.Split(raw, 0) // the reader's buffer is reused
	packet, err := proto.Decode(f, p.v)
	if err == nil {
		return packet, nil
	}
	if packet = p.refusal(f, raw); packet != nil {
		return packet, nil
	}
	if p.watch == nil && p.sends == rules.In && acknowledges(f.Type()) {
		return (*echo)(&raw), nil
	}
	p.malformed(raw, err)
	return nil, nil
}

// echo is the bytes of an acknowledgement that cannot be decoded, since it repeats what was wrong on purpose: the
// identifier 0, or no reason code for no topic filter. The server is wrong to send it, but breaks none of the rules
// of an acknowledgement.
type echo []byte

// Type returns the packet type.
func (e *echo) Type() proto.Type { return proto.Type((*e)[0] >> 4) }

// Append appends the bytes as they came.
func (e *echo) Append(dst []byte, _ proto.Version) ([]byte, error) { return append(dst, *e...), nil }

// Decode does nothing.
func (e *echo) Decode(proto.Frame, proto.Version) error { return nil }

// acknowledges reports whether a packet of type t answers another by its identifier.
func acknowledges(t proto.Type) bool {
	switch t {
	case proto.PUBACK, proto.PUBREC, proto.PUBCOMP, proto.SUBACK, proto.UNSUBACK:
		return true
	}
	return false
}

// closingRule returns the rule by which a server closes the connection after a packet that breaks the standard;
// "" if there is none with a number.
func (p *Peer) closingRule() string {
	switch {
	case p.sends != rules.In || p.v == proto.V31:
		return ""
	case p.Connack == nil: // the form of CONNECT
		return "MQTT-3.1.4-1"
	case p.v == proto.V5:
		return "MQTT-4.13.1-1"
	}
	return "MQTT-4.8.0-1"
}

// refusal returns a CONNACK or SUBACK with an error code that its packet does not have, as the answer to what was
// wrong on purpose; nil if raw is something else. The code is noted as a failure of its own, and the script goes
// on: it asks whether the server refuses, and not how.
func (p *Peer) refusal(f proto.Frame, raw []byte) proto.Packet {
	if p.sends != rules.In || p.watch != nil || len(f.Body) < 2 {
		return nil
	}
	var packet proto.Packet
	code := f.Body[len(f.Body)-1]
	switch {
	case f.Type() == proto.CONNACK && f.First == 0x20 && (len(f.Body) == 2 && f.Body[0] == 0 && code != 0 || p.anyForm):
		code = f.Body[1]
		packet = &proto.Connack{SessionPresent: f.Body[0]&1 != 0, Reason: proto.Reason(code)}
	case f.Type() == proto.SUBACK && f.First == 0x90 && len(f.Body) >= 3 && code >= 0x80:
		packet = &proto.Suback{Kind: proto.SUBACK, PacketID: uint16(f.Body[0])<<8 | uint16(f.Body[1]), Reasons: []proto.Reason{proto.Reason(code)}}
	default:
		return nil
	}
	known := len(p.c.broken)
	p.form(raw)
	if len(p.c.broken) == known && !p.anyForm {
		return nil // what is wrong is not the code
	}
	p.odd, p.oddText = packet, p.text(raw)
	return packet
}

// malformed fails because of bytes that are no packet. The rules are those that the observer names.
func (p *Peer) malformed(b []byte, err error) {
	c := p.c
	known := len(c.broken)
	switch {
	case p.watch == nil: // an answer to what was wrong on purpose
		p.form(b)
	case known == 0:
		for _, v := range p.watch.Broken(p.receives(), b, err, time.Now()) {
			c.violated(v)
		}
	default:
		known = 0 // the observer has seen it already
	}
	expected := "packets that are well-formed"
	if n := len(c.broken); n > known {
		c.observed, expected = true, strings.TrimSuffix(c.broken[n-1].statement, ".")
	}
	c.Fail(expected, "%v", err)
}

// form judges the form of a packet of who is checked, on a connection that can no longer be observed: the answer
// to a CONNECT, or what comes after that.
func (p *Peer) form(b []byte) {
	if len(b) == 0 || p.anyForm {
		return
	}
	watch, now, way := rules.NewSessions().Connection(), time.Now(), p.receives()
	if t := proto.Type(b[0] >> 4); t != proto.CONNECT {
		watch.Observe(rules.In, p.Encode(&proto.Connect{Version: p.v, CleanStart: true, ClientID: "form"}), now)
		if t != proto.CONNACK {
			watch.Observe(rules.Out, p.Encode(&proto.Connack{}), now)
		}
	}
	for _, v := range watch.Observe(way, b, now) {
		if v.Broken == p.c.subject {
			p.c.violated(v)
		}
	}
}

// appendFrame appends the bytes of f.
func appendFrame(dst []byte, f proto.Frame) []byte {
	return append(proto.AppendUvarint(append(dst, f.First), len(f.Body)), f.Body...)
}

// CloseAbruptly closes the connection without a DISCONNECT.
func (p *Peer) CloseAbruptly() {
	if !p.discard {
		p.note(word(p.sends), "connection closed")
		p.close()
	}
}

// Disconnect sends DISCONNECT and closes the connection when the server has.
func (p *Peer) Disconnect() {
	p.Send(&proto.Disconnect{})
	p.awaitClose()
	p.close()
}

// awaitClose reads until the server closes, at most for a second: most servers do at once.
func (p *Peer) awaitClose() {
	end := time.Now().Add(time.Second)
	for time.Now().Before(end) {
		if _, err := p.read(time.Until(end)); err != nil {
			return
		}
	}
}

func (p *Peer) close() {
	if p.discard {
		return
	}
	p.discard, p.closed = true, true
	p.stop()
	if p.watch != nil {
		p.watch.Cut(time.Now())
	}
	p.conn.Close() //nolint:errcheck // nothing was promised to the server
	p.reader.Close()
}

// masked returns packet, or a copy with asterisks in place of passwords: of a CONNECT, and of the run wherever
// their bytes stand as a field, since a CONNECT may be wrong on purpose.
func (c *C) masked(packet []byte) []byte {
	shown := maskPassword(packet)
	for _, u := range []*User{c.r.opt.User, c.r.opt.SecondUser} {
		if u == nil || u.Password == "" {
			continue
		}
		field := text(u.Password)
		for from := 0; ; {
			i := bytes.Index(shown[from:], field)
			if i < 0 {
				break
			}
			if &shown[0] == &packet[0] {
				shown = bytes.Clone(packet)
			}
			from += i + len(field)
			for k := from - len(u.Password); k < from; k++ {
				shown[k] = '*'
			}
		}
	}
	return shown
}

// maskPassword returns packet, or a copy with asterisks in place of the password of a CONNECT.
func maskPassword(packet []byte) []byte {
	if len(packet) == 0 || packet[0]>>4 != byte(proto.CONNECT) {
		return packet
	}
	f, n, err := proto.Split(packet, 0)
	if err != nil || n != len(packet) {
		return packet
	}
	var connect proto.Connect
	if connect.Decode(f, 0) != nil || !connect.HasPassword {
		return packet
	}
	masked := append([]byte(nil), packet...)
	for i := len(masked) - len(connect.Password); i < len(masked); i++ {
		masked[i] = '*'
	}
	return masked
}
