package format

import (
	"testing"

	"mqtt/internal/proto"
)

func TestPlainAndVerbose(t *testing.T) {
	for _, c := range []struct {
		name, topic, payload string
		o                    Options
		plain, verbose       string
	}{
		{"text", "a/b", "hello", Options{}, "hello\n", "a/b hello\n"},
		{"trap 17: an empty payload is an empty line, the topic stands alone", "a/b", "", Options{}, "\n", "a/b\n"},
		{"trap 17: the text (null) is itself", "a/b", "(null)", Options{}, "(null)\n", "a/b (null)\n"},
		{"no newline", "a", "x", Options{NoNewline: true}, "x", "a x"},
		{"no newline, empty", "a", "", Options{NoNewline: true}, "", "a"},
		{"bytes untouched", "a\tb", "\x1b[2J\xff\x00", Options{}, "\x1b[2J\xff\x00\n", "a\tb \x1b[2J\xff\x00\n"},
		{"visible", "a\tb", "\x1b[2J\xff\x00\n", Options{Visible: true}, `\x1b[2J\xff\x00` + "\n\n", `a\tb \x1b[2J\xff\x00` + "\n\n"},
		{"hex", "a", "\x00\xffA", Options{Payload: Hex}, "00ff41\n", "a 00ff41\n"},
		{"base64", "a", "\x00\xffA", Options{Payload: Base64, Visible: true}, "AP9B\n", "a AP9B\n"},
	} {
		m := message(proto.Publish{Topic: []byte(c.topic), Payload: []byte(c.payload)})
		if got := string((&Plain{c.o}).Append([]byte("<"), m)); got != "<"+c.plain {
			t.Errorf("%s: plain %q, want %q", c.name, got, c.plain)
		}
		if got := string((&Verbose{Options: c.o}).Append([]byte("<"), m)); got != "<"+c.verbose {
			t.Errorf("%s: verbose %q, want %q", c.name, got, c.verbose)
		}
	}
}

func TestEncodings(t *testing.T) {
	for _, e := range []Encoding{Text, Hex, Base64} {
		if got, err := ParseEncoding(e.String()); got != e || err != nil {
			t.Errorf("ParseEncoding(%q) = %v, %v", e, got, err)
		}
		in := []byte("\x00\x01\xfe\xffmore")
		out, err := e.Decode([]byte("<"), e.Append(nil, in))
		if err != nil || string(out) != "<"+string(in) {
			t.Errorf("%v: %q, %v", e, out, err)
		}
	}
	if _, err := ParseEncoding("octal"); err == nil || err.Error() != `payload encoding "octal": want text, hex or base64` {
		t.Errorf("ParseEncoding(octal): %v", err)
	}
	for e, bad := range map[Encoding]string{Hex: "0x", Base64: "a*=="} {
		if out, err := e.Decode([]byte("<"), []byte(bad)); err == nil || string(out) != "<" {
			t.Errorf("%v: %q decodes to %q", e, bad, out)
		}
	}
}
