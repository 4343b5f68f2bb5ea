package check

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mqtt/internal/proto"
)

// Closed expects that the server ends the connection because of what was sent last. In version 5 it
// may send a DISCONNECT before, which is returned and must have an error code; one that is not among reasons is
// a choice. A PINGREQ that is answered, and a connection that is open a second after that, prove that it was
// not ended.
func (p *Peer) Closed(expected string, reasons ...proto.Reason) *proto.Disconnect {
	p.watch = nil
	p.conn.SetWriteDeadline(time.Now().Add(time.Second)) //nolint:errcheck // see below
	p.conn.Write([]byte{0xC0, 0})                        //nolint:errcheck // the server may be gone already
	p.note(word(p.sends), "PINGREQ, to see whether the connection is still served")
	return p.Closes(expected, reasons...)
}

// Closes is like Closed, but does not send a PINGREQ.
func (p *Peer) Closes(expected string, reasons ...proto.Reason) (last *proto.Disconnect) {
	end := time.Now().Add(p.c.r.opt.Limit)
	answered := false
	var refused *proto.Suback // what the server answered before it closed
	for {
		packet, err := p.read(time.Until(end))
		switch {
		case err == io.EOF && last != nil && len(reasons) > 0 && !slices.Contains(reasons, last.Reason):
			if reasons[0] == proto.SessionTakenOver {
				p.c.Fail(fmt.Sprintf("DISCONNECT with %s", list(reasons)), "%s", p.describe(last))
			}
			p.c.Choice("the server closes the connection with %s, where the standard names %s, which it may leave out", p.describe(last), list(reasons))
		case err == io.EOF:
			return last
		case err != nil && refused != nil:
			p.open(expected, "%s, and the connection is still open", p.describe(refused))
		case err != nil && answered:
			p.open(expected, "PINGREQ was answered: the connection is still served")
		case err != nil:
			p.open(expected, "the connection is still open after %v", p.c.r.opt.Limit)
		}
		switch a := packet.(type) {
		case *proto.Disconnect:
			if !p.c.V5() { // no rule has a number for it
				p.c.broke("", "the server closes the connection without a DISCONNECT, which it does not send in this version")
				continue
			}
			if a.Reason < 0x80 {
				p.c.Fail(expected+", with an error code", "%s", p.describe(a))
			}
			last = a
		case *proto.Ping:
			answered = true
			end = time.Now().Add(min(time.Second, p.c.r.opt.Limit))
		case *proto.Connack:
			if a.Reason == proto.Success {
				p.open(expected, "%s", p.describe(a))
			}
		case *proto.Suback:
			if a.Kind == proto.UNSUBACK || slices.ContainsFunc(a.Reasons, func(r proto.Reason) bool { return r < 0x80 }) {
				p.open(expected, "%s", p.describe(a))
			}
			refused = a
		case *proto.Publish:
		default:
			p.open(expected, "%s", p.describe(packet))
		}
	}
}

// open fails because the connection was not ended. After a packet that breaks the standard, the rule by which the
// server must end it is broken, too.
func (p *Peer) open(expected, format string, args ...any) {
	if p.closing != "" {
		p.c.broke(p.closing, "")
	}
	p.c.Fail(expected, format, args...)
}

// Refused expects that a CONNECT is refused: by a close, or by a CONNACK with an error code and a close. It
// returns the CONNACK, or nil. If there are reasons, the CONNACK must have one of them.
func (p *Peer) Refused(expected string, reasons ...proto.Reason) (ack *proto.Connack) {
	packet, err := p.read(p.c.r.opt.Limit)
	if err == io.EOF {
		return nil
	}
	if err != nil {
		p.open(expected, "nothing within %v, and the connection is open", p.c.r.opt.Limit)
	}
	ack, ok := packet.(*proto.Connack)
	if !ok || ack.Reason == proto.Success {
		if packet.Type() == proto.DISCONNECT && p.c.V5() {
			p.c.FailRule("MQTT-3.14.0-1", "CONNACK with an error code, or only the end of the connection", "%s", p.describe(packet))
		}
		p.open(expected, "%s", p.describe(packet))
	}
	if len(reasons) > 0 && !slices.Contains(reasons, ack.Reason) {
		want := list(reasons)
		if !p.c.V5() {
			want = fmt.Sprintf("return code %d", reasons[0].ReturnCode())
		}
		if !strings.Contains(expected, want) {
			expected += ", with " + want + " if it sends CONNACK"
		}
		p.c.Fail(expected, "%s", p.describe(ack))
	}
	if _, err := p.read(p.c.r.opt.Limit); err != io.EOF {
		p.c.Fail("the connection is closed after a CONNACK with an error", "it is still open after %v", p.c.r.opt.Limit)
	}
	return ack
}

// list returns reason codes in hex, with "or" between them.
func list(reasons []proto.Reason) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = fmt.Sprintf("0x%02X", byte(r))
	}
	return strings.Join(words, " or ")
}
