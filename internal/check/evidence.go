package check

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

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

// maskPassword returns packet, or of a CONNECT a copy with asterisks in place of what is secret.
func maskPassword(packet []byte) []byte {
	if len(packet) == 0 || packet[0]>>4 != byte(proto.CONNECT) {
		return packet
	}
	masked := bytes.Clone(packet)
	f, n, err := proto.Split(masked, 0)
	if err != nil || n != len(masked) {
		return packet
	}
	var connect proto.Connect
	if connect.Decode(f, 0) != nil {
		return packet
	}
	proto.HideSecrets(&connect)
	return masked
}
