package proxy

import (
	"strconv"

	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// Trace is a Watcher that writes each packet as a line for people: the number of the connection, the
// client identifier, the direction (-> to the server, <- to the client), and the packet as in the
// traces of the clients.
type Trace struct {
	*Log
	Ink format.Palette
}

// longestName is how many bytes of a client identifier a line shows.
const longestName = 64

func appendSource(dst []byte, s *Source) []byte {
	dst = strconv.AppendUint(dst, s.Connection, 10)
	name := s.Client
	if len(name) > longestName {
		name = name[:longestName] + "..."
	}
	return append(strconv.AppendQuote(append(dst, ' '), name), ' ')
}

// Packet implements Watcher.
func (t Trace) Packet(p *Packet) {
	t.Append(func(dst []byte) []byte {
		dst = appendSource(dst, p.Source)
		f, size, err := proto.Split(p.Bytes, 0)
		if err == nil && size > 0 {
			dst = t.Ink.AppendTrace(dst, p.In, f, p.Version)
		} else {
			dst = append(append(arrow(dst, p.In), p.Type().String()...), " of "...)
			dst = append(strconv.AppendInt(dst, int64(p.Size), 10), " bytes, too large to be shown"...)
			if p.Topic != nil {
				dst = strconv.AppendQuote(append(dst, ", topic="...), string(p.Topic))
			}
		}
		if p.Decoded != nil {
			dst = append(append(dst, " decoded="...), p.Decoded...)
		}
		if word := p.Fault(); word != "" {
			dst = append(append(dst, " fault="...), word...)
		}
		return append(dst, '\n')
	})
}

func arrow(dst []byte, in bool) []byte {
	if in {
		return append(dst, "-> "...)
	}
	return append(dst, "<- "...)
}

// Rest implements Watcher.
func (t Trace) Rest(*Source, bool, []byte) {}

// End implements Watcher.
func (t Trace) End(s *Source, in bool, how string) {
	t.Append(func(dst []byte) []byte {
		dst = appendSource(dst, s)
		dst = arrow(dst, in)
		switch {
		case how == "cut":
			return append(dst, "cut by the proxy\n"...)
		case in:
			return append(append(append(dst, "client "...), how...), '\n')
		}
		return append(append(append(dst, "server "...), how...), '\n')
	})
}
