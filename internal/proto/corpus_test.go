package proto

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// block is a packet of testdata/wire or testdata/wrong. The READMEs there say what
// the lines are.
type block struct {
	file    string
	name    string
	v       Version
	hex     []byte
	append  []byte // nil: refused
	dump    string
	err     string
	refused bool
}

func (b *block) String() string { return b.v.String() + "/" + b.name }

// corpus reads all the blocks of a folder of testdata.
func corpus(t testing.TB, folder string) []block {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata/%s: %v", folder, err)
	}
	var all []block
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		for _, part := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			b, err := parseBlock(part)
			if err != nil {
				t.Fatalf("%s: %v in\n%.300s", file, err, part)
			}
			if b.file = filepath.Base(file); seen[b.String()] {
				t.Fatalf("%s: %s twice", file, b.String())
			}
			seen[b.String()] = true
			all = append(all, b)
		}
	}
	return all
}

func parseBlock(text string) (b block, err error) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimLeft(value, " ")
		switch key {
		case "name":
			b.name = value
		case "version":
			for _, v := range []Version{V31, V311, V5} {
				if v.String() == value {
					b.v = v
				}
			}
		case "hex":
			b.hex, err = unhex(value)
			b.append = b.hex
		case "append":
			if b.append, b.refused = nil, value == "refused"; !b.refused {
				b.append, err = unhex(value)
			}
		case "dump":
			b.dump = value
		case "error":
			b.err = value
		default:
			return b, fmt.Errorf("line %q", line)
		}
		if err != nil {
			return b, err
		}
	}
	if b.name == "" || b.v == 0 || b.hex == nil || (b.dump == "") == (b.err == "") {
		return b, fmt.Errorf("a line is missing")
	}
	return b, nil
}

// unhex reads two digits a byte; 78*300 is the byte 78 three hundred times.
func unhex(s string) ([]byte, error) {
	var out []byte
	for _, word := range strings.Fields(s) {
		digits, times, many := strings.Cut(word, "*")
		b, err := hex.DecodeString(digits)
		if err != nil {
			return nil, err
		}
		if many {
			n, err := strconv.Atoi(times)
			if err != nil || len(b) != 1 {
				return nil, fmt.Errorf("repetition %q", word)
			}
			b = bytes.Repeat(b, n)
		}
		out = append(out, b...)
	}
	return out, nil
}

func dump(p Packet) string { return dumpAt(p, V5) }

// dumpAt is the one-line form of p that testdata/wire/README describes, written a
// second time and plainly: it checks the decoder here and package format there.
func dumpAt(p Packet, v Version) string {
	var b strings.Builder
	pair := func(form string, a ...any) { fmt.Fprintf(&b, " "+form, a...) }
	reason := func(r Reason) {
		name, _, _ := strings.Cut(r.Name(p.Type()), " (0x")
		pair("reason=0x%02x %q", byte(r), name)
	}
	unlessSuccess := func(r Reason) {
		if r != Success {
			reason(r)
		}
	}
	props := func(ps Props) {
		for p := range ps.All() {
			switch row := p.ID.Property(); row.Kind {
			case Pair:
				pair("%s=%s=%s", row.Name, quoted(p.Key), quoted(p.Value))
			case Text:
				pair("%s=%s", row.Name, quoted(p.Value))
			case Binary:
				pair("%s=%s", row.Name, shortHex(p.Value))
			default:
				pair("%s=%d", row.Name, p.Num)
			}
		}
	}
	b.WriteString(p.Type().String())
	switch p := p.(type) {
	case *Connect:
		bridge := ""
		if p.Bridge {
			bridge = " bridge"
		}
		pair("version=%s%s clean-start=%d keep-alive=%d client-id=%s", p.Version, bridge, bit(p.CleanStart), p.KeepAlive, quoted([]byte(p.ClientID)))
		props(p.Props)
		if w := p.Will; w != nil {
			pair("will-qos=%d will-retain=%d will-topic=%s will-payload=%s", w.QoS, bit(w.Retain), quoted([]byte(w.Topic)), shortPayload(w.Payload))
			props(w.Props)
		}
		if p.HasUsername {
			pair("username=%s", quoted([]byte(p.Username)))
		}
		if p.HasPassword {
			pair("password=%d", len(p.Password))
		}
	case *Connack:
		pair("session-present=%d", bit(p.SessionPresent))
		if code := p.Reason.ReturnCode(); v < V5 {
			pair("return-code=%d %q", code, ReturnCodeName(code))
		} else {
			reason(p.Reason)
		}
		props(p.Props)
	case *Publish:
		pair("dup=%d qos=%d retain=%d", bit(p.Dup), p.QoS, bit(p.Retain))
		if p.QoS > 0 {
			pair("mid=%d", p.PacketID)
		}
		pair("topic=%s payload=%s", quoted(p.Topic), shortPayload(p.Payload))
		props(p.Props)
	case *Ack:
		pair("mid=%d", p.PacketID)
		unlessSuccess(p.Reason)
		props(p.Props)
	case *Subscribe:
		pair("mid=%d", p.PacketID)
		props(p.Props)
		for _, s := range p.Filters {
			pair("filter=%s qos=%d", quoted([]byte(s.Filter)), s.QoS)
			for _, o := range []struct {
				name string
				n    byte
			}{{"no-local", bit(s.NoLocal)}, {"retain-as-published", bit(s.RetainAsPublished)}, {"retain-handling", s.RetainHandling}} {
				if o.n != 0 {
					pair("%s=%d", o.name, o.n)
				}
			}
		}
	case *Unsubscribe:
		pair("mid=%d", p.PacketID)
		props(p.Props)
		for _, s := range p.Filters {
			pair("filter=%s", quoted([]byte(s)))
		}
	case *Suback:
		pair("mid=%d", p.PacketID)
		props(p.Props)
		for _, r := range p.Reasons {
			reason(r)
		}
	case *Disconnect:
		unlessSuccess(p.Reason)
		props(p.Props)
	case *Auth:
		unlessSuccess(p.Reason)
		props(p.Props)
	}
	return b.String()
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func shortHex(b []byte) string {
	if len(b) > 64 {
		return hex.EncodeToString(b[:64]) + "..."
	}
	return hex.EncodeToString(b)
}

// whole cuts s to n bytes and back to a whole character.
func whole(s []byte, n int) []byte {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

func quoted(s []byte) string {
	if len(s) > 256 {
		return strconv.Quote(string(whole(s, 256))) + "..."
	}
	return strconv.Quote(string(s))
}

func shortPayload(b []byte) string {
	if len(b) == 0 {
		return "0"
	}
	n := strconv.Itoa(len(b))
	head := whole(b, 64)
	if bytes.ContainsRune(head, '\uFFFD') || string([]rune(string(head))) != string(head) {
		return n + " " + shortHex(b)
	}
	s := strconv.Quote(string(head))
	if len(b) > 64 {
		s += "..."
	}
	return n + " " + s
}

// errorLine is e as the error lines of testdata/wrong have it.
func errorLine(e *Error) string {
	return fmt.Sprintf("%s %d 0x%02x %s", e.Type, e.Offset, byte(e.Reason), e.What)
}
