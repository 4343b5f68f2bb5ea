package rules

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// short are the packets that most scripts begin with, by version.
var short = map[string]map[string]string{
	"5": {
		"C": "10['MQTT'.05.02.003c.00.'c']", "A": "20[0000.00]",
		"S": "82[0001.00.'a/#'.02]", "K": "90[0001.00.02]",
	},
	"3.1.1": {
		"C": "10['MQTT'.04.02.003c.'c']", "A": "20[0000]",
		"S": "82[0001.'a/#'.02]", "K": "90[0001.02]",
	},
	"3.1": {
		"C": "10['MQIsdp'.03.02.003c.'c']", "A": "20[0000]",
		"S": "82[0001.'a/#'.02]", "K": "90[0001.02]",
	},
}

// assemble returns a packet of a script.
func assemble(t *testing.T, s string) []byte {
	t.Helper()
	decode := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		return b
	}
	head, body, ok := strings.Cut(strings.TrimSuffix(s, "]"), "[")
	if !ok {
		return decode(head)
	}
	var b []byte
	for body != "" {
		if text, ok := strings.CutPrefix(body, "'"); ok {
			text, body, _ = strings.Cut(text, "'")
			b = append(b, byte(len(text)>>8), byte(len(text)))
			b = append(b, text...)
			body = strings.TrimPrefix(body, ".")
			continue
		}
		var part string
		part, body, _ = strings.Cut(body, ".")
		b = append(b, decode(part)...)
	}
	return append(proto.AppendUvarint(decode(head), len(b)), b...)
}

// play runs a script. It returns the violations, and those of them that the last step brought.
func play(t *testing.T, version, script string) (all, last []Violation) {
	t.Helper()
	sessions := NewSessions()
	o := sessions.Connection()
	now := time.Unix(1000, 0)
	closed := 0
	for step := range strings.FieldsSeq(script) {
		now = now.Add(time.Millisecond)
		way := In
		if step[0] == '<' || step == "x<" {
			way = Out
		}
		last = nil
		switch {
		case step[0] == '=':
			d, err := time.ParseDuration(step[1:])
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(d)
			continue
		case step == "x!":
			o.Cut(now)
			o = sessions.Connection()
		case step == "+!":
			o = sessions.Connection()
		case step[0] == 'x':
			last = o.Closed(way, now)
			if closed++; closed%2 == 0 {
				o = sessions.Connection()
			}
		case strings.HasPrefix(step[1:], "!"):
			last = o.Broken(way, assemble(t, step[2:]), nil, now)
		default:
			text := step[1:]
			undelivered, unsent := text[0] == '?', text[0] == '+'
			text = strings.TrimLeft(text, "?+")
			if s, ok := short[version][text]; ok {
				text = s
			}
			packet := assemble(t, text)
			if !unsent {
				last = o.Sent(way, packet, now)
			}
			if !undelivered {
				o.Delivered(way, packet, now)
			}
		}
		all = append(all, last...)
	}
	return all, last
}

// scripts returns the lines of a file of scripts, as version, name and script.
func scripts(t *testing.T, name string) (all [][3]string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		version, rest, _ := strings.Cut(line, " ")
		name, script, _ := strings.Cut(rest, " ")
		all = append(all, [3]string{version, name, script})
	}
	return all
}
