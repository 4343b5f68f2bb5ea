package format

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"mqtt/internal/proto"
)

// wire returns the corpus of package proto, the values of each block by name.
func wire(t testing.TB) (blocks []map[string]string) {
	t.Helper()
	files, err := filepath.Glob("../proto/testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		block := map[string]string{}
		for line := range strings.Lines(string(b) + "\n\n") {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, "#") {
				continue
			}
			key, value, ok := strings.Cut(line, ":")
			if ok {
				block[key] = strings.TrimSpace(value)
			} else if len(block) > 0 {
				block["file"] = filepath.Base(name)
				blocks = append(blocks, block)
				block = map[string]string{}
			}
		}
	}
	return blocks
}

// wireFrame returns the packet of a block: a byte is two digits, and 78*300 is 300 bytes 0x78.
func wireFrame(t testing.TB, block map[string]string) (proto.Frame, proto.Version) {
	t.Helper()
	var packet []byte
	for _, word := range strings.Fields(block["hex"]) {
		digits, times, repeated := strings.Cut(word, "*")
		b, err := hex.DecodeString(digits)
		n := 1
		if repeated {
			n, _ = strconv.Atoi(times)
		}
		if err != nil || n < 1 {
			t.Fatalf("%s: %q is not hex", block["name"], word)
		}
		packet = append(packet, b[:len(b)-1]...)
		packet = append(packet, bytes.Repeat(b[len(b)-1:], n)...)
	}
	f, n, err := proto.Split(packet, 0)
	if err != nil || n != len(packet) {
		t.Fatalf("%s: %d bytes of %d are a packet: %v", block["name"], n, len(packet), err)
	}
	for _, v := range []proto.Version{proto.V31, proto.V311, proto.V5} {
		if v.String() == block["version"] {
			return f, v
		}
	}
	t.Fatalf("%s: version %q", block["name"], block["version"])
	return f, 0
}

func TestDumpWireCorpus(t *testing.T) {
	types := map[proto.Type]bool{}
	for _, block := range wire(t) {
		f, v := wireFrame(t, block)
		types[f.Type()] = true
		if got := string(appendDump(nil, f, v, false)); got != block["dump"] {
			t.Errorf("%s, %s:\ngot  %.600s\nwant %.600s", block["file"], block["name"], got, block["dump"])
		}
	}
	if len(types) != 15 {
		t.Errorf("the corpus has %d of the 15 packet types", len(types))
	}
}

func frame(t testing.TB, p proto.Packet, v proto.Version) proto.Frame {
	t.Helper()
	b, err := p.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := proto.Split(b, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTraceKeepsSecrets(t *testing.T) {
	var ps proto.Props
	ps = ps.AppendText(proto.AuthenticationMethod, "PLAIN").AppendValue(proto.AuthenticationData, []byte("s3cret"))
	connect := frame(t, &proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "c", Props: ps, HasUsername: true, Username: "u",
		HasPassword: true, Password: []byte("s3cret")}, proto.V5)
	got := string(AppendTrace(nil, true, connect, proto.V5))
	want := `-> CONNECT version=5 clean-start=1 keep-alive=0 client-id="c" authentication-method="PLAIN" authentication-data=***, 6 bytes username="u" password=***`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = string(AppendTrace(nil, false, frame(t, &proto.Auth{Reason: proto.ContinueAuthentication, Props: ps}, proto.V5), proto.V5))
	want = `<- AUTH reason=0x18 "Continue authentication" authentication-method="PLAIN" authentication-data=***, 6 bytes`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// A packet that is cut at any place shows the password neither as text nor in hex.
	for n := range connect.Body {
		cut := proto.Frame{First: connect.First, Body: connect.Body[:n]}
		for _, secret := range []string{"s3cret", hex.EncodeToString([]byte("s3cret")), hex.EncodeToString([]byte("s3c"))} {
			if line := string(AppendPacket(nil, cut, proto.V5)); strings.Contains(line, secret) {
				t.Errorf("cut at %d: %s", n, line)
			}
		}
	}
}

func TestTraceMalformed(t *testing.T) {
	for _, c := range []struct {
		f    proto.Frame
		want string
	}{
		{proto.Frame{First: 0x30, Body: []byte{0, 5, 'a'}}, `PUBLISH malformed: PUBLISH: packet cut short at byte 2, 5 bytes 000561`},
		{proto.Frame{First: 0x00, Body: []byte{1}}, `WILL malformed: reserved packet type, 3 bytes 01`},
		{proto.Frame{First: 0xC1}, `PINGREQ malformed: PINGREQ: reserved bits in the first byte, 2 bytes`},
		{proto.Frame{First: 0x36, Body: bytes.Repeat([]byte{0}, 100)}, `PUBLISH malformed: PUBLISH: QoS 3, 102 bytes ` + strings.Repeat("00", 64) + "..."},
	} {
		if got := string(AppendPacket(nil, c.f, proto.V311)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestTracePayloadPrefix(t *testing.T) {
	for _, c := range []struct{ payload, want string }{
		{"", `payload=0`},
		{strings.Repeat("x", 64), `payload=64 "` + strings.Repeat("x", 64) + `"`},
		{strings.Repeat("x", 65), `payload=65 "` + strings.Repeat("x", 64) + `"...`},
		{strings.Repeat("x", 63) + "éy", `payload=66 "` + strings.Repeat("x", 63) + `"...`},
		{strings.Repeat("x", 63) + "\xc3", `payload=64 ` + strings.Repeat("78", 63) + `c3`}, // not UTF-8, and not because of a cut
		{"\x1b\u202e", `payload=4 "\x1b\u202e"`},
		{"\xff", `payload=1 ff`},
	} {
		f := frame(t, &proto.Publish{Topic: []byte("t"), Payload: []byte(c.payload)}, proto.V311)
		if got, want := string(AppendPacket(nil, f, proto.V311)), `PUBLISH dup=0 qos=0 retain=0 topic="t" `+c.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// FuzzPacket checks that a trace is one line without characters that control a terminal.
func FuzzPacket(f *testing.F) {
	for _, block := range wire(f) {
		frame, v := wireFrame(f, block)
		f.Add(frame.First, frame.Body, byte(v))
	}
	f.Fuzz(func(t *testing.T, first byte, body []byte, v byte) {
		if len(body) > 1<<16 {
			return
		}
		line := AppendPacket(nil, proto.Frame{First: first, Body: body}, proto.Version(3+v%3))
		for _, r := range string(line) {
			if unicode.IsControl(r) || isDirectionMark(r) {
				t.Fatalf("%q", line)
			}
		}
	})
}
