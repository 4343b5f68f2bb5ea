package root

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A page is a help text of a certain width. Words are never broken: a line is wider than the page
// only if a single word is.
type page struct {
	b     strings.Builder
	width int // in columns
}

// line writes one line as it is.
func (p *page) line(s string) { p.b.WriteString(strings.TrimRight(s, " ") + "\n") }

// hang writes first, then the words of text from column `from` on: on the same line if first leaves
// room for them, else on the next.
func (p *page) hang(first string, from int, text string) {
	n := utf8.RuneCountInString(first)
	if n > from || n > 0 && n == from && first[n-1] != ' ' {
		p.line(first)
		first, n = "", 0
	}
	var b strings.Builder
	b.WriteString(first + strings.Repeat(" ", from-n))
	at, empty := from, true
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, "MQTT ", "MQTT\x00")) {
		word = strings.ReplaceAll(word, "\x00", " ") // MQTT 5 stays on one line
		size := utf8.RuneCountInString(word)
		switch {
		case empty:
		case at+1+size > p.width:
			p.line(b.String())
			b.Reset()
			b.WriteString(strings.Repeat(" ", from))
			at = from
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at, empty = at+size, false
	}
	p.line(b.String())
}

// command writes an example. A long one is continued after a backslash, as a shell reads it.
func (p *page) command(s string) {
	indent := len(s) - len(strings.TrimLeft(s, " "))
	if utf8.RuneCountInString(s) <= p.width || strings.HasPrefix(strings.TrimSpace(s), "#") {
		p.line(s)
		return
	}
	line := ""
	for _, word := range shellWords(s[indent:]) {
		if line != "" && indent+utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word)+2 > p.width {
			p.line(strings.Repeat(" ", indent) + line + ` \`)
			line = "   "
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	p.line(strings.Repeat(" ", indent) + line)
}

// shellWords splits a command at spaces that are not in quotes. A flag stays with the word after it.
func shellWords(s string) []string {
	var words []string
	var quote rune
	from := 0
	for i, r := range s {
		switch {
		case r == quote:
			quote = 0
		case quote != 0:
		case r == '\'' || r == '"':
			quote = r
		case r == ' ' && (s[from] != '-' || strings.ContainsRune(s[from:i], ' ') || strings.HasPrefix(s[i+1:], "-")):
			words, from = append(words, s[from:i]), i+1
		}
	}
	return append(words, s[from:])
}

// rows writes a table of two columns. The second one is wrapped.
func (p *page) rows(rows [][2]string, indent int) {
	from := 0
	for _, r := range rows {
		if r[1] != "" {
			from = max(from, utf8.RuneCountInString(r[0])+indent+2)
		}
	}
	from = min(from, p.width*2/5)
	for _, r := range rows {
		if r[1] == "" {
			p.command(strings.Repeat(" ", indent) + r[0])
			continue
		}
		first := strings.Repeat(" ", indent) + r[0] + " "
		if n := utf8.RuneCountInString(first); n > p.width && n > from {
			p.command(strings.TrimSuffix(first, " "))
			first = ""
		}
		p.hang(first, from, r[1])
	}
}

// table writes rows between empty lines.
func (p *page) table(rows [][2]string) {
	p.line("")
	p.rows(rows, 2)
	p.line("")
}

// text writes a text whose source has lines of another width. Lines without indent are paragraphs;
// those that begin with "  - " are items; other indented lines are rows of a table if they have two
// spaces between two columns, or else examples. A deeper line continues an item or a row.
func (p *page) text(s string) {
	for i, block := range strings.Split(strings.Trim(s, "\n"), "\n\n") {
		if i > 0 {
			p.line("")
		}
		p.block(strings.Split(block, "\n"))
	}
}

func (p *page) block(lines []string) {
	for len(lines) > 0 {
		n := 1
		switch {
		case !strings.HasPrefix(lines[0], " "):
			for n < len(lines) && !strings.HasPrefix(lines[n], " ") {
				n++
			}
			p.hang("", 0, strings.Join(lines[:n], " "))
		case isItem(lines[0]):
			n = continued(lines)
			p.hang("  -", 4, strings.TrimPrefix(strings.Join(lines[:n], " "), "  - "))
		case isRow(lines[0]):
			var rows [][2]string
			n = 0
			for n < len(lines) && isRow(lines[n]) {
				more := continued(lines[n:])
				key, text, _ := strings.Cut(lines[n][2:], "  ")
				rows = append(rows, [2]string{key, strings.Join(append([]string{text}, lines[n+1:n+more]...), " ")})
				n += more
			}
			p.rows(rows, 2)
		default:
			p.command(lines[0])
		}
		lines = lines[n:]
	}
}

// isItem reports whether line is an item of a list.
func isItem(line string) bool {
	return strings.HasPrefix(line, "  - ") && !strings.HasPrefix(line, "  -  ")
}

// isRow reports whether line is a row of a table.
func isRow(line string) bool {
	return strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") && strings.Contains(strings.TrimSpace(line), "  ")
}

// continued returns the number of lines of an item or row: the first one and the deeper ones after it.
func continued(lines []string) int {
	n := slices.IndexFunc(lines[1:], func(l string) bool { return !strings.HasPrefix(l, "    ") })
	if n < 0 {
		return len(lines)
	}
	return n + 1
}
