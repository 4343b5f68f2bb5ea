package screen

import (
	"strconv"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/watch"
)

// bodyKey says what the lines of a detail were made of.
type bodyKey struct {
	updates uint64
	form    watch.Form
	field   string
	width   int
}

// drawDetail draws the detail of the selected topic.
func (u *ui) drawDetail(l layout) []string {
	p, d := u.s.cfg.Palette, &u.detail
	if d.Topic == "" && d.Count == 0 {
		return []string{p.Dim("no topic is selected")}
	}
	lines := []string{p.Bold(cutMiddle(safe([]byte(d.Topic)), l.detailWidth))}
	total := format.Plural(d.Count, "message") + "  " + format.Rate(d.Rate)
	if d.Branch {
		total += "  " + format.Plural(uint64(d.Topics), "topic")
	}
	lines = append(lines, cut(total, l.detailWidth))
	if key := (bodyKey{u.updates, u.form, u.field[d.Topic], l.detailWidth}); key != u.bodyOf {
		u.bodyOf, u.body = key, u.makeBody(l.detailWidth)
	}
	room := max(l.detail-len(lines), 0)
	u.scroll = max(min(u.scroll, len(u.body)-room), 0)
	body := u.body[u.scroll:]
	if len(body) > room {
		body = body[:room]
	}
	lines = append(lines, body...)
	return lines[:min(len(lines), l.detail)]
}

// makeBody makes the lines that scroll.
func (u *ui) makeBody(columns int) (lines []string) {
	p, d := u.s.cfg.Palette, &u.detail
	last := d.Latest()
	if last == nil {
		return []string{p.Dim(cut("no message came for this topic itself", columns))}
	}
	facts := "QoS " + strconv.Itoa(int(last.QoS))
	if last.Retain {
		facts += "  retained"
	}
	if last.Dup {
		facts += "  DUP"
	}
	facts += "  " + format.Bytes(uint64(last.Size)) + "  " + clock(last.At)
	lines = append(lines, cut(facts, columns))
	for prop := range last.Props.All() {
		name, value := property(prop)
		lines = append(lines, p.Hint(cut(name, columns))+cut(" "+value, columns-width(name)))
	}
	if last.NoProps {
		lines = append(lines, p.Dim(cut("properties: too large to keep", columns)))
	}
	field := u.field[d.Topic]
	if numbers := d.Numbers(field); len(numbers) > 1 {
		curve, low, high := watch.Sparkline(numbers, max(columns-24, 8))
		text := "  " + number(low) + " to " + number(high)
		if field != "" {
			text += "  " + safe([]byte(field))
		}
		lines = append(lines, cut(curve+text, columns))
	}
	lines = append(lines, u.payload(last, columns)...)
	lines = append(lines, p.Dim(cut("LAST MESSAGES", columns)))
	for i := range d.History {
		m := &d.History[i]
		lines = append(lines, cut(clock(m.At)+"  "+cut(safe(m.Payload), columns), columns))
	}
	return lines
}

// payload returns the lines of a payload, after a heading.
func (u *ui) payload(m *watch.Message, columns int) []string {
	var decoded string
	var ok bool
	if decode := u.s.cfg.Decode; decode != nil && !m.Cut() && (u.form == watch.Auto || u.form == watch.Decoded) {
		decoded, ok = decode(&proto.Publish{Topic: []byte(u.detail.Topic), QoS: m.QoS, Retain: m.Retain, Dup: m.Dup, Props: m.Props, Payload: m.Payload})
	}
	text, used := watch.Lines(u.form, m.Payload, decoded, ok, columns)
	heading := "PAYLOAD  " + used.String()
	if u.form != watch.Auto && u.form != used {
		heading += " (not " + u.form.String() + ")"
	}
	if m.Cut() {
		heading += "  the first " + format.Bytes(uint64(len(m.Payload)))
	}
	lines := []string{u.s.cfg.Palette.Dim(cut(heading, columns))}
	for _, l := range text {
		lines = append(lines, wrap(l, columns)...)
	}
	if m.Size == 0 {
		lines = append(lines, u.s.cfg.Palette.Dim(cut("(empty)", columns)))
	}
	return lines
}

// property returns the name and the value of a property, safe for a terminal.
func property(p proto.Prop) (name, value string) {
	row := p.ID.Property()
	switch row.Kind {
	case proto.Pair:
		return row.Name + ":", safe(p.Key) + ": " + safe(p.Value)
	case proto.Text, proto.Binary:
		return row.Name + ":", safe(p.Value)
	}
	return row.Name + ":", strconv.FormatUint(uint64(p.Num), 10)
}

// clock returns the time of day, with milliseconds.
func clock(t time.Time) string { return t.Format("15:04:05.000") }

// number returns x as people write it.
func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// help draws the keys.
func (u *ui) help(lines []string, height int) []string {
	p := u.s.cfg.Palette
	u.scroll = max(min(u.scroll, len(keys)-height), 0)
	column := 0
	for _, k := range keys {
		column = max(column, width(k.keys))
	}
	for i := u.scroll; i < len(keys) && i < u.scroll+height; i++ {
		name := cut(left(keys[i].keys, column)+"  ", u.width-2)
		lines = append(lines, "  "+p.Topic(name)+cut(keys[i].help, u.width-2-width(name)))
	}
	return lines
}
