package terminal

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Event is a key that was pressed, or a text that was pasted.
type Event struct {
	Name  string // "a", "A", "space", "up", "ctrl+c", "shift+tab", "alt+x"; "" if a text was pasted
	Text  string // what the key types, or what was pasted; it may have any characters
	Paste bool
}

const (
	longestSequence = 64      // bytes: a longer one is not a key
	longestPaste    = 1 << 20 // bytes: the rest of a longer one is dropped
	pasteEnd        = "\x1b[201~"
)

// decoder turns what a terminal sends into events.
type decoder struct {
	rest     []byte // of a sequence, a character or a paste that is not complete
	skipping bool   // the rest of a sequence that is too long
	pasting  bool
	text     []byte // that is being pasted
}

// open reports whether the last bytes may be the beginning of a sequence, or be keys.
func (d *decoder) open() bool { return d.skipping || !d.pasting && len(d.rest) > 0 }

// decode returns the events that b completes.
func (d *decoder) decode(b []byte) (events []Event) {
	b = append(d.rest, b...)
	d.rest = nil
	for len(b) > 0 {
		if d.pasting {
			n := d.paste(b)
			if b = b[n:]; d.pasting {
				break
			}
			events = append(events, d.pasted())
			continue
		}
		if d.skipping {
			b = d.skip(b)
			continue
		}
		e, n := key(b)
		if n == 0 {
			break
		}
		d.skipping = n > longestSequence
		if bytes.Equal(b[:n], []byte("\x1b[200~")) {
			d.pasting = true
		} else if e.Name != "" {
			events = append(events, e)
		}
		b = b[n:]
	}
	d.rest = bytes.Clone(b)
	return events
}

// flush returns the events of a sequence that was not continued: Escape, and the keys after it.
func (d *decoder) flush() (events []Event) {
	b := d.rest
	d.rest, d.skipping = nil, false
	if len(b) > 0 && b[0] == '\x1b' {
		events = append(events, Event{Name: "esc"})
		b = b[1:]
	}
	for len(b) > 0 {
		e, n := key(b)
		if n == 0 {
			e, n = Event{}, 1
		}
		if e.Name != "" {
			events = append(events, e)
		}
		b = b[n:]
	}
	return events
}

// skip returns what follows a sequence that is too long: its other parameters and its final byte are
// dropped.
func (d *decoder) skip(b []byte) []byte {
	for len(b) > 0 && isParameter(b[0]) {
		b = b[1:]
	}
	if len(b) == 0 {
		return nil
	}
	d.skipping = false
	if b[0] >= ' ' && b[0] <= '~' {
		b = b[1:]
	}
	return b
}

// isParameter reports whether c may come before the final byte of a control sequence.
func isParameter(c byte) bool { return c >= ' ' && c < '@' }

// paste takes what belongs to a pasted text, and its end, and returns the length.
func (d *decoder) paste(b []byte) (n int) {
	text, n := b, len(b)
	if end := bytes.Index(b, []byte(pasteEnd)); end >= 0 {
		text, n = b[:end], end+len(pasteEnd)
		d.pasting = false
	} else if at := bytes.LastIndexByte(b, '\x1b'); at >= 0 && strings.HasPrefix(pasteEnd, string(b[at:])) {
		text, n = b[:at], at // it may be the end
	}
	d.text = append(d.text, text[:min(len(text), longestPaste-len(d.text))]...)
	return n
}

// pasted returns the text that was pasted.
func (d *decoder) pasted() Event {
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n") // a terminal sends the Enter key for a line end
	e := Event{Text: lines.Replace(string(d.text)), Paste: true}
	d.text = nil
	return e
}

// key decodes the first key of b, and returns its length: 0 if more bytes may belong to it. The name is
// empty if the bytes are not known as a key.
func key(b []byte) (e Event, n int) {
	switch c := b[0]; {
	case c == '\x1b':
		return escape(b)
	case c == '\r':
		return Event{Name: "enter"}, 1
	case c == '\t':
		return Event{Name: "tab"}, 1
	case c == 0x7F:
		return Event{Name: "backspace"}, 1
	case c == ' ':
		return Event{Name: "space", Text: " "}, 1
	case c == 0:
		return Event{Name: "ctrl+space"}, 1
	case c < ' ':
		return Event{Name: "ctrl+" + strings.ToLower(string(rune(c|0x40)))}, 1
	}
	if !utf8.FullRune(b) {
		return Event{}, 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 || unicode.IsControl(r) {
		return Event{}, n
	}
	return Event{Name: string(r), Text: string(r)}, n
}

// escape decodes a sequence that begins with Escape.
func escape(b []byte) (e Event, n int) {
	if len(b) == 1 {
		return Event{}, 0
	}
	switch b[1] {
	case '\x1b':
		return Event{Name: "esc"}, 1
	case '[':
		return control(b)
	case 'O':
		if len(b) == 2 {
			return Event{}, 0
		}
		return Event{Name: finals[b[2]]}, 3
	}
	if e, n = key(b[1:]); n == 0 {
		return Event{}, 0
	}
	if e.Name != "" {
		e = Event{Name: "alt+" + e.Name}
	}
	return e, 1 + n
}

// control decodes a control sequence: ESC [, parameters, a final byte. Of one that is too long it takes
// longestSequence+1 bytes.
func control(b []byte) (e Event, n int) {
	at := 2
	for at < len(b) && at <= longestSequence && isParameter(b[at]) {
		at++
	}
	switch {
	case at > longestSequence:
		return Event{}, at
	case at == len(b):
		return Event{}, 0
	case b[at] < ' ' || b[at] > '~': // cut off
		return Event{}, at
	case b[at] == '[' && at == 2: // a function key of the Linux console: one byte more
		if len(b) == 3 {
			return Event{}, 0
		}
		return Event{}, 4
	}
	first, second, _ := strings.Cut(string(b[2:at]), ";")
	name := finals[b[at]]
	if b[at] == '~' {
		if i, err := strconv.Atoi(first); err == nil && i > 0 && i < len(numbers) {
			name = numbers[i]
		}
	}
	if name != "" {
		name = modifiers(second) + name
	}
	return Event{Name: name}, at + 1
}

// modifiers returns the prefix of a name for the second parameter of a sequence, such as "5" for Ctrl.
func modifiers(parameter string) (prefix string) {
	n, err := strconv.Atoi(parameter)
	if err != nil || n < 2 {
		return ""
	}
	for i, name := range [...]string{"shift+", "alt+", "ctrl+"} {
		if (n-1)&(1<<i) != 0 {
			prefix = name + prefix
		}
	}
	return prefix
}

// finals are the keys of sequences by their final bytes.
var finals = [256]string{'A': "up", 'B': "down", 'C': "right", 'D': "left", 'H': "home", 'F': "end", 'M': "enter", 'Z': "shift+tab"}

// numbers are the keys of sequences that end with ~, by their first parameters.
var numbers = [...]string{1: "home", 2: "insert", 3: "delete", 4: "end", 5: "pgup", 6: "pgdown", 7: "home", 8: "end"}
