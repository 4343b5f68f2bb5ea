package format

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// The number of bytes that a trace shows of a field.
const (
	maxBinary = 64 // of a payload or binary data
	maxText   = 256
)

// AppendTrace appends an arrow, -> if the packet was sent and <- if it was received, and
// the line of AppendPacket.
func AppendTrace(dst []byte, sent bool, f proto.Frame, v proto.Version) []byte {
	if sent {
		return AppendPacket(append(dst, "-> "...), f, v)
	}
	return AppendPacket(append(dst, "<- "...), f, v)
}

// AppendTrace is AppendTrace of the package with arrow and name in a colour of their direction.
func (p Palette) AppendTrace(dst []byte, sent bool, f proto.Frame, v proto.Version) []byte {
	if p == (Palette{}) {
		return AppendTrace(dst, sent, f, v)
	}
	color := p.Topic
	if sent {
		color = p.Hint
	}
	line := AppendTrace(nil, sent, f, v)
	head := len("-> ") + len(f.Type().String())
	return append(append(dst, color(string(line[:head]))...), line[head:]...)
}

// AppendPacket appends f, a packet of version v, as one line without a newline: the name
// of the packet, then key=value in the order of the fields. Text is quoted, so that it
// cannot control a terminal. At most the first 64 bytes of a payload are included. A
// password is replaced by ***, and authentication data by its length. A malformed packet
// is described by the reason and its first bytes in hex. AppendPacket is for traces: it
// allocates.
func AppendPacket(dst []byte, f proto.Frame, v proto.Version) []byte {
	return appendDump(dst, f, v, true)
}

// dump is the line of a packet.
type dump struct {
	b    []byte
	mask bool // hide secrets; only tests do not
}

func appendDump(dst []byte, f proto.Frame, v proto.Version, mask bool) []byte {
	d := dump{append(dst, f.Type().String()...), mask}
	p, err := proto.Decode(f, v)
	if err != nil {
		d.malformed(f, err)
		return d.b
	}
	switch p := p.(type) {
	case *proto.Connect:
		d.connect(p)
	case *proto.Connack:
		d.flag(" session-present=", p.SessionPresent)
		if v < proto.V5 {
			code := p.Reason.ReturnCode()
			d.num(" return-code=", uint64(code))
			d.b = strconv.AppendQuote(append(d.b, ' '), proto.ReturnCodeName(code))
		} else {
			d.reason(p.Reason, proto.CONNACK)
		}
		d.props(p.Props)
	case *proto.Publish:
		d.publish(p)
	case *proto.Ack:
		d.num(" mid=", uint64(p.PacketID))
		d.failure(p.Reason, p.Kind)
		d.props(p.Props)
	case *proto.Subscribe:
		d.num(" mid=", uint64(p.PacketID))
		d.props(p.Props)
		for i := range p.Filters {
			d.subscription(&p.Filters[i])
		}
	case *proto.Unsubscribe:
		d.num(" mid=", uint64(p.PacketID))
		d.props(p.Props)
		for _, s := range p.Filters {
			d.text(" filter=", s)
		}
	case *proto.Suback:
		d.num(" mid=", uint64(p.PacketID))
		d.props(p.Props)
		for _, r := range p.Reasons {
			d.reason(r, p.Kind)
		}
	case *proto.Disconnect:
		d.failure(p.Reason, proto.DISCONNECT)
		d.props(p.Props)
	case *proto.Auth:
		d.failure(p.Reason, proto.AUTH)
		d.props(p.Props)
	}
	return d.b
}

// malformed appends the reason why f is not a packet. It omits the bytes of packets that
// could contain a password or authentication data.
func (d *dump) malformed(f proto.Frame, err error) {
	d.b = append(d.b, " malformed: "...)
	d.b = VisibleLine(d.b, []byte(err.Error()))
	d.num(", ", uint64(f.Size()))
	d.b = append(d.b, " bytes"...)
	if t := f.Type(); len(f.Body) == 0 || d.mask && (t == proto.CONNECT || t == proto.CONNACK || t == proto.AUTH) {
		return
	}
	d.b = append(d.b, ' ')
	d.hex(f.Body)
}

// hex appends the first bytes of b in hex.
func (d *dump) hex(b []byte) {
	d.b = hex.AppendEncode(d.b, b[:min(len(b), maxBinary)])
	if len(b) > maxBinary {
		d.b = append(d.b, "..."...)
	}
}

// quote appends the first bytes of s in quotes.
func (d *dump) quote(s []byte) {
	d.b = strconv.AppendQuote(d.b, string(prefix(s, maxText)))
	if len(s) > maxText {
		d.b = append(d.b, "..."...)
	}
}

func (d *dump) connect(p *proto.Connect) {
	d.b = append(append(d.b, " version="...), p.Version.String()...)
	if p.Bridge {
		d.b = append(d.b, " bridge"...)
	}
	d.flag(" clean-start=", p.CleanStart)
	d.num(" keep-alive=", uint64(p.KeepAlive))
	d.text(" client-id=", p.ClientID)
	d.props(p.Props)
	if w := p.Will; w != nil {
		d.num(" will-qos=", uint64(w.QoS))
		d.flag(" will-retain=", w.Retain)
		d.text(" will-topic=", w.Topic)
		d.payload(" will-payload=", w.Payload)
		d.props(w.Props)
	}
	if p.HasUsername {
		d.text(" username=", p.Username)
	}
	if p.HasPassword {
		if d.mask {
			d.b = append(d.b, " password=***"...)
		} else {
			d.num(" password=", uint64(len(p.Password)))
		}
	}
}

func (d *dump) publish(p *proto.Publish) {
	d.flag(" dup=", p.Dup)
	d.num(" qos=", uint64(p.QoS))
	d.flag(" retain=", p.Retain)
	if p.QoS > 0 {
		d.num(" mid=", uint64(p.PacketID))
	}
	d.text(" topic=", string(p.Topic))
	d.payload(" payload=", p.Payload)
	d.props(p.Props)
}

func (d *dump) subscription(s *proto.Subscription) {
	d.text(" filter=", s.Filter)
	d.num(" qos=", uint64(s.QoS))
	if s.NoLocal {
		d.flag(" no-local=", true)
	}
	if s.RetainAsPublished {
		d.flag(" retain-as-published=", true)
	}
	if s.RetainHandling != 0 {
		d.num(" retain-handling=", uint64(s.RetainHandling))
	}
}

func (d *dump) flag(name string, on bool) {
	n := uint64(0)
	if on {
		n = 1
	}
	d.num(name, n)
}

func (d *dump) num(name string, n uint64) {
	d.b = strconv.AppendUint(append(d.b, name...), n, 10)
}

func (d *dump) text(name, s string) {
	d.b = append(d.b, name...)
	d.quote([]byte(s))
}

// failure appends a reason that is not Success, which a packet may omit.
func (d *dump) failure(r proto.Reason, t proto.Type) {
	if r != proto.Success {
		d.reason(r, t)
	}
}

func (d *dump) reason(r proto.Reason, t proto.Type) {
	name := r.Name(t)
	name = name[:len(name)-len(" (0x00)")]
	d.b = append(d.b, " reason=0x"...)
	d.b = append(d.b, hexDigits[r>>4], hexDigits[r&15], ' ')
	d.b = strconv.AppendQuote(d.b, name)
}

// payload appends the length of b and its first bytes: in quotes if they are UTF-8 up to
// the last complete character, else in hex.
func (d *dump) payload(name string, b []byte) {
	d.num(name, uint64(len(b)))
	if len(b) == 0 {
		return
	}
	d.b = append(d.b, ' ')
	head := prefix(b, maxBinary)
	if !utf8.Valid(head) {
		d.hex(b)
		return
	}
	d.b = strconv.AppendQuote(d.b, string(head))
	if len(b) > maxBinary {
		d.b = append(d.b, "..."...)
	}
}

// prefix returns the first n bytes of b, without an incomplete character at their end.
func prefix(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	b = b[:n]
	for i := 1; i < utf8.UTFMax && i <= n; i++ {
		if utf8.RuneStart(b[n-i]) {
			if !utf8.FullRune(b[n-i:]) {
				return b[:n-i]
			}
			break
		}
	}
	return b
}

// props appends all properties.
func (d *dump) props(ps proto.Props) {
	for p := range ps.All() {
		d.b = append(append(append(d.b, ' '), p.ID.String()...), '=')
		switch p.ID.Property().Kind {
		case proto.Pair:
			d.quote(p.Key)
			d.b = append(d.b, '=')
			d.quote(p.Value)
		case proto.Text:
			d.quote(p.Value)
		case proto.Binary:
			if d.mask && p.ID == proto.AuthenticationData {
				d.num("***, ", uint64(len(p.Value)))
				d.b = append(d.b, " bytes"...)
			} else {
				d.hex(p.Value)
			}
		default:
			d.num("", uint64(p.Num))
		}
	}
}
