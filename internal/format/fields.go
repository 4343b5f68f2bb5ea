package format

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// Warning returns ErrNotJSON, ErrNotFloat or ErrNotDouble if a field could not print the
// payload of the last message, else nil.
func (f *Format) Warning() error { return f.warning }

// Append appends m.
func (f *Format) Append(dst []byte, m *Message) []byte {
	f.warning = nil
	for i := range f.parts {
		switch p := &f.parts[i]; {
		case p.literal != "":
			dst = append(dst, p.literal...)
		case p.verbatim && p.verb == 'p': // the two most frequent fields, and plain copies
			dst = append(dst, m.body()...)
		case p.verbatim && p.verb == 't':
			dst = append(dst, m.Publish.Topic...)
		case p.layout != "":
			f.setTime(m.Received)
			dst = append(dst, p.text...)
		default:
			dst = f.field(dst, p, m)
		}
	}
	return f.end(dst)
}

// field appends the field p of m.
func (f *Format) field(dst []byte, p *part, m *Message) []byte {
	pub := m.Publish
	switch p.verb {
	case 't':
		return f.text(dst, p, pub.Topic)
	case 'p':
		return f.body(dst, p, m.body())
	case 'x', 'X':
		return appendHex(dst, p, pub.Payload)
	case 'l':
		return appendInt(dst, p, uint64(len(pub.Payload)))
	case 'm':
		return appendInt(dst, p, uint64(pub.PacketID))
	case 'q':
		return append(dst, '0'+pub.QoS)
	case 'r':
		if pub.Retain {
			return append(dst, '1')
		}
		return append(dst, '0')
	case 'j', 'J':
		return f.json(dst, m, p.verb == 'J')
	case 'A':
		return appendNum(dst, p, pub.Props, proto.TopicAlias)
	case 'E':
		return appendNum(dst, p, pub.Props, proto.MessageExpiryInterval)
	case 'F':
		return appendNum(dst, p, pub.Props, proto.PayloadFormatIndicator)
	case 'S':
		return appendNum(dst, p, pub.Props, proto.SubscriptionIdentifier)
	case 'C':
		return f.text(dst, p, pub.Props.Value(proto.ContentType))
	case 'R':
		return f.text(dst, p, pub.Props.Value(proto.ResponseTopic))
	case 'D':
		return f.line(dst, pub.Props.Value(proto.CorrelationData))
	case 'P':
		return f.userProperties(dst, pub.Props)
	case 'I':
		f.setTime(m.Received)
		return f.text(dst, p, f.local.iso)
	case 'N':
		return appendNanos(dst, m.Received.Nanosecond())
	case 'U':
		dst = strconv.AppendInt(dst, m.Received.Unix(), 10)
		return appendFraction(dst, m.Received.Nanosecond(), 1e9)
	}
	return f.float(dst, p, pub.Payload)
}

// pad appends c n times.
func pad(dst []byte, c byte, n int) []byte {
	for ; n > 0; n-- {
		dst = append(dst, c)
	}
	return dst
}

// fit pads dst[from:], which is n characters wide, to the width of p. The padding before
// it is fill.
func fit(dst []byte, from, n int, p *part, fill byte) []byte {
	gap := p.width - n
	if gap <= 0 {
		return dst
	}
	end := len(dst)
	if p.leftAlign {
		return pad(dst, ' ', gap)
	}
	dst = pad(dst, fill, gap)
	copy(dst[from+gap:], dst[from:end])
	for i := range min(gap, end-from) {
		dst[from+i] = fill
	}
	return dst
}

// fill returns the padding before a number.
func (p *part) fill() byte {
	if p.zeroFill {
		return '0'
	}
	return ' '
}

// text appends s, cut and padded by characters, so that none is cut in half.
func (f *Format) text(dst []byte, p *part, s []byte) []byte {
	if p.width == 0 && p.precision < 0 {
		return f.line(dst, s)
	}
	if p.precision >= 0 {
		n := 0
		for i := 0; i < len(s); n++ {
			if n == p.precision {
				s = s[:i]
				break
			}
			_, size := utf8.DecodeRune(s[i:])
			i += size
		}
	}
	from := len(dst)
	dst = f.line(dst, s)
	return fit(dst, from, utf8.RuneCount(dst[from:]), p, ' ')
}

// body appends the payload b, in Text at most as many bytes as the width of p.
func (f *Format) body(dst []byte, p *part, b []byte) []byte {
	if p.width == 0 {
		return f.payload(dst, b)
	}
	if f.Payload == Text {
		b = b[:min(len(b), p.width)]
	}
	from := len(dst)
	dst = f.payload(dst, b)
	return fit(dst, from, len(dst)-from, p, p.fill())
}

// appendInt appends n with the width of p.
func appendInt(dst []byte, p *part, n uint64) []byte {
	from := len(dst)
	dst = strconv.AppendUint(dst, n, 10)
	return fit(dst, from, len(dst)-from, p, p.fill())
}

// appendNum appends the integer property id, or padding if there is none.
func appendNum(dst []byte, p *part, ps proto.Props, id proto.PropID) []byte {
	if prop, ok := ps.Get(id); ok {
		return appendInt(dst, p, uint64(prop.Num))
	}
	return fit(dst, len(dst), 0, p, p.fill())
}

// appendHex appends b in groups of digits, at most as many bytes as the width of p.
func appendHex(dst []byte, p *part, b []byte) []byte {
	letters := hexDigits
	if p.verb == 'X' {
		letters = "0123456789ABCDEF"
	}
	if p.width > 0 {
		b = b[:min(len(b), p.width)]
	}
	gap := 0
	if !p.leftAlign {
		gap = max(0, p.width-2*len(b))
	}
	at := 0
	put := func(c byte) {
		if p.precision > 0 && at > 0 && at%p.precision == 0 {
			dst = append(dst, p.separator)
		}
		dst = append(dst, c)
		at++
	}
	for range gap {
		put(p.fill())
	}
	for _, c := range b {
		put(letters[c>>4])
		put(letters[c&15])
	}
	if p.leftAlign {
		dst = pad(dst, ' ', p.width-2*len(b))
	}
	return dst
}

// userProperties appends all user properties as key:value with spaces between them.
func (f *Format) userProperties(dst []byte, ps proto.Props) []byte {
	from := len(dst)
	for p := range ps.All() {
		if p.ID != proto.UserProperty {
			continue
		}
		if len(dst) > from {
			dst = append(dst, ' ')
		}
		dst = append(f.line(dst, p.Key), ':')
		dst = f.line(dst, p.Value)
	}
	return dst
}

// float appends b, a little-endian number of IEEE 754, with six digits after the point
// if p has no precision.
func (f *Format) float(dst []byte, p *part, b []byte) []byte {
	var x float64
	switch {
	case p.verb == 'f' && len(b) == 4:
		x = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case p.verb == 'f':
		f.warning = ErrNotFloat
		return dst
	case len(b) == 8:
		x = math.Float64frombits(binary.LittleEndian.Uint64(b))
	default:
		f.warning = ErrNotDouble
		return dst
	}
	prec := p.precision
	if prec < 0 {
		prec = 6
	}
	from := len(dst)
	fill := p.fill()
	switch {
	case math.IsNaN(x):
		dst, fill = append(dst, "nan"...), ' '
	case math.IsInf(x, 0):
		if x < 0 {
			dst = append(dst, '-')
		}
		dst, fill = append(dst, "inf"...), ' '
	default:
		dst = strconv.AppendFloat(dst, x, 'f', prec, 64)
	}
	if fill == '0' && dst[from] == '-' {
		rest := *p
		rest.width--
		return fit(dst, from+1, len(dst)-from-1, &rest, '0')
	}
	return fit(dst, from, len(dst)-from, p, fill)
}
