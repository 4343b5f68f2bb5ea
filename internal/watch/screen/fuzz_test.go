package screen

import (
	"fmt"
	"testing"
	"time"
)

// FuzzKeys presses keys, changes sizes and lets messages arrive in any order. Every frame must fit the
// screen and be safe for a terminal; look checks that.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x40\x41\x42\x80\x81\xc0\xc1"))
	f.Add([]byte("\x43\x50\x04\x05\x60\x06\x07\xff\x08\x09\x90\x0a\x0b"))
	keys := []string{"up", "down", "left", "right", "enter", "esc", "tab", "space", "/", "s", "t", "p", "c", "y", "v", "f", "+", "-", "?", "home", "end", "pgup",
		"pgdown", "backspace", "delete", "ctrl+r", "ctrl+u", "ctrl+w", "日", "e\u0301", "#", "j"}
	payloads := []string{"", "1.5", `{"a":[1,{"b":2}]}`, "\x1b[2J\x9b", "two\nlines\twith a tab", "広い文字", "\u202eleft", "{"}
	f.Fuzz(func(t *testing.T, ops []byte) {
		r := newRig(t, 80, 24)
		for i, op := range ops[:min(len(ops), 200)] {
			switch {
			case op < 0x80:
				r.press(keys[int(op)%len(keys)])
			case op < 0xC0:
				topics := []string{"a", "a/b", "a/b/c", "/", "日本/東京", "bad\x1b[2J\u202e", "a//b", fmt.Sprint("n/", i)}
				r.put(topics[op&7] + "=" + payloads[op>>3&7])
			case op < 0xF0:
				r.size(20+int(op-0xC0)*3, 5+i%40)
			default:
				r.pass(time.Duration(op) * 10 * time.Millisecond)
			}
			r.look()
		}
	})
}
