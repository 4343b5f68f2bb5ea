package proxy

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// schema compiles packet.schema.json.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	s, err := c.Compile("packet.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid checks a line against the schema, and returns its members.
func valid(t *testing.T, s *jsonschema.Schema, line []byte) map[string]any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if err := s.Validate(doc); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return doc.(map[string]any)
}

// All packets of the wire samples, well-formed and malformed, are lines of the schema whose hex is
// the packet.
func TestJSONOfSamples(t *testing.T) {
	s := schema(t)
	for _, folder := range []string{"wire", "wrong"} {
		files, err := filepath.Glob(filepath.Join("..", "proto", "testdata", folder, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no samples in %s: %v", folder, err)
		}
		n := 0
		for _, file := range files {
			for _, b := range samples(t, file) {
				for _, v := range []proto.Version{proto.V31, proto.V311, proto.V5} {
					size, err := proto.PacketSize(b)
					if err != nil || size != len(b) {
						continue
					}
					n++
					p := &Packet{Source: &Source{Connection: 1, Client: "c\x1b[2J"}, Time: time.Unix(1, 2), In: true, Version: v, Bytes: b, Size: size}
					line := AppendJSON(nil, p)
					m := valid(t, s, line)
					got, err := hex.DecodeString(m["hex"].(string))
					if err != nil || !bytes.Equal(got, mask(b, v)) || len(got) != size {
						t.Errorf("%s: hex %x (%v), packet %x", file, got, err, b)
					}
					if bytes.ContainsRune(line, 0x1b) {
						t.Errorf("%s: a control character in %q", file, line)
					}
				}
			}
		}
		if n < 100 {
			t.Errorf("%d samples in %s", n, folder)
		}
	}
}

// samples returns the packets in hex of a file, which may also have other words.
func samples(t *testing.T, file string) (all [][]byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		var packet []byte
		for _, word := range strings.Fields(line) {
			part, err := hex.DecodeString(word)
			if err != nil {
				packet = nil
				continue
			}
			packet = append(packet, part...)
		}
		if len(packet) > 1 {
			all = append(all, packet)
		}
	}
	return all
}

func packet(t *testing.T, in bool, x proto.Packet) *Packet {
	b := packets(t, x)
	return &Packet{Source: &Source{Connection: 7, Client: "c"}, Time: time.Unix(1, 2), In: in, Version: proto.V5, Bytes: b, Size: len(b)}
}

// Secrets are in no output: not in the fields, not in hex, not in the trace, not in the pcapng file.
func TestSecrets(t *testing.T) {
	const secret = "geheimnis"
	auth := proto.Props{}.AppendText(proto.AuthenticationMethod, "m").AppendValue(proto.AuthenticationData, []byte(secret))
	c := connect("c")
	c.HasUsername, c.Username, c.HasPassword, c.Password, c.Props = true, "user", true, []byte(secret), auth
	connectBytes := packets(t, c)
	all := []*Packet{
		packet(t, true, c),
		packet(t, false, &proto.Connack{Props: auth}),
		packet(t, true, &proto.Auth{Reason: proto.ContinueAuthentication, Props: auth}),
		{Bytes: connectBytes[:len(connectBytes)-2], Size: 1 << 25}, // a beginning
		{Bytes: append([]byte{0x10, byte(len(connectBytes) - 2 + 1)}, append(connectBytes[2:len(connectBytes):len(connectBytes)], 0)...)},
	}
	s := schema(t)
	for _, p := range all {
		p.Source, p.Version = &Source{Connection: 7}, proto.V5
		if p.Size == 0 {
			p.Size = len(p.Bytes)
		}
		if !bytes.Contains(p.Bytes, []byte(secret[:5])) {
			t.Fatalf("%x has no secret", p.Bytes)
		}
		before := bytes.Clone(p.Bytes)
		line := AppendJSON(nil, p)
		valid(t, s, line)
		var out bytes.Buffer
		log := NewLog(&out, func(err error) { t.Error(err) })
		Trace{Log: log}.Packet(p)
		NewPcap(log).Packet(p)
		if err := log.Close(patience); err != nil {
			t.Error(err)
		}
		for _, text := range []string{string(line), out.String()} {
			if strings.Contains(text, secret[:5]) || strings.Contains(text, hex.EncodeToString([]byte(secret[:5]))) {
				t.Errorf("the secret is in %q", text)
			}
		}
		if !bytes.Equal(before, p.Bytes) {
			t.Error("the packet itself was changed")
		}
	}
}

// A line has the topic behind an alias, and the word of a fault.
func TestJSONOfMessages(t *testing.T) {
	s := schema(t)
	p := packet(t, true, &proto.Publish{QoS: 1, PacketID: 3, Payload: []byte{0xFF}, Props: proto.Props{}.AppendNum(proto.TopicAlias, 2).AppendPair("k", "v")})
	p.Topic, p.Action = []byte("a/b"), faults.Action{Corrupt: true, Bit: 17, Delay: time.Second}
	m := valid(t, s, AppendJSON(nil, p))
	if m["topic"] != "a/b" || m["payload_base64"] != "/w==" || m["fault"] != "corrupt" || m["corrupt_bit"].(json.Number) != "17" {
		t.Errorf("%v", m)
	}
	p.Size = 1 << 26
	m = valid(t, s, AppendJSON(nil, p))
	if m["topic"] != "a/b" || m["truncated"] != true || m["payload"] != nil {
		t.Errorf("%v", m)
	}
}
