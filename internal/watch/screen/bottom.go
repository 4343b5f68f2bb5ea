package screen

import (
	"strconv"
	"strings"

	"mqtt/internal/format"
	"mqtt/internal/terminal"
)

// bottom draws the last lines: keys, a note, or what is typed. The cursor is nil where nothing is
// typed.
func (u *ui) bottom(lines []string, l layout) ([]string, *terminal.Cursor) {
	p := u.s.cfg.Palette
	switch u.mode {
	case filtering:
		return u.typing(lines, "/", nil)
	case publishing:
		var above []string
		if l.typing > 1 {
			retain := "off"
			if u.retain {
				retain = "on"
			}
			options := "  [tab] QoS " + strconv.Itoa(int(u.qos)) + "  [^R] retain " + retain + "  [⏎] send  [esc] cancel"
			what := "publish to "
			if u.width < width(what)+width(options)+minForTopic {
				what = ""
			}
			above = []string{p.Warning(cut(what+cutMiddle(safe([]byte(u.topic)), max(u.width-width(what)-width(options), minForTopic))+options, u.width))}
		}
		return u.typing(lines, "> ", above)
	case clearing:
		question := cutMiddle(safe([]byte(u.topic)), max(u.width-width(clearText)-width(clearAnswers), minForTopic))
		if u.width >= width(clearText)+width(clearAnswers)+minForTopic {
			question = clearText + question
		} else {
			question = "clear " + cutMiddle(safe([]byte(u.topic)), max(u.width-6-width(clearAnswers), 1))
		}
		return append(lines, p.Warning(cut(question+clearAnswers, u.width))), nil
	case helping:
		return append(lines, p.Dim(cut("any key closes the help; ↑ ↓ scroll", u.width))), nil
	}
	if u.note != "" {
		color := p.Topic
		if u.isError {
			color = p.Error
		}
		return append(lines, color(cut(u.note, u.width))), nil
	}
	return append(lines, u.keys()), nil
}

const (
	clearText    = "Clear the retained message of "
	clearAnswers = "? [y/n]"
	minForTopic  = 12
	minForQuit   = 40
)

// typing draws the text that is typed, below other lines.
func (u *ui) typing(lines []string, prompt string, above []string) ([]string, *terminal.Cursor) {
	lines = append(lines, above...)
	text, column := u.text.draw(max(u.width-width(prompt)-1, 2))
	lines = append(lines, prompt+text)
	return lines, &terminal.Cursor{X: width(prompt) + column, Y: len(lines) - 1}
}

// keys draws the most important keys that fit, and the position in the table.
func (u *ui) keys() string {
	p := u.s.cfg.Palette
	position := format.Count(uint64(u.row)) + "/" + format.Count(uint64(u.total))
	if u.scrolling {
		return p.Warning(cut("scrolling the detail: ↑ ↓ PgUp PgDn; tab ends", u.width))
	}
	var b strings.Builder
	used := 0
	last := []key{{keys: "?", short: "help"}, {keys: "q", short: "quit"}} // always there, if there is room
	if u.width < minForQuit {
		last = last[:1]
	}
	help := ""
	for _, k := range last {
		help += "  " + keyText(k.keys, k.short)
	}
	help = help[2:]
	if u.filter != "" {
		text := cut("/"+safe([]byte(u.filter)), max(u.width/4, 4)) + "  "
		b.WriteString(p.Warning(text))
		used = width(text)
	}
	room := u.width - width(position) - 2 - width(help) - 2
	for _, k := range keys {
		if k.short == "" || k.keys == "?" || k.keys == "q" {
			continue
		}
		short := k.short
		switch {
		case k.keys == "s":
			short = "sort:" + u.sort.String()
		case k.keys == "t" && u.flat:
			short = "tree"
		case k.keys == "space" && u.summary.Paused:
			short = "go on"
		}
		w := width(keyText(k.keys, short)) + 2
		if used+w > room {
			break
		}
		b.WriteString(p.Topic(k.keys) + " " + p.Dim(short) + "  ")
		used += w
	}
	for i, k := range last {
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString(p.Topic(k.keys) + " " + p.Dim(k.short))
	}
	gap := u.width - used - width(help) - width(position)
	if gap < 1 {
		return b.String()
	}
	return b.String() + strings.Repeat(" ", gap) + p.Dim(position)
}

func keyText(keys, short string) string { return keys + " " + short }
