package watch

import "time"

// A Detail is the selected row in detail.
type Detail struct {
	Topic   string
	Branch  bool
	Topics  int       // at and below it
	Count   uint64    // messages at and below it
	Rate    float64   // of these
	Own     uint64    // messages of the topic itself; 0 if it is only a part of others
	History []Message // of the topic itself, the newest first

	of *node
}

// historyPayload is how much of older payloads a Detail has, in bytes.
const historyPayload = 4 << 10

// Selected returns the topic that is selected, also if it is only a part of others. ok is false if
// there is none.
func (b *Browser) Selected() (topic string, ok bool) {
	if b.selected == nil {
		return "", false
	}
	return b.selected.path(), true
}

// Detail sets d to the selected row. It reports false, and changes only the numbers of d, if no
// message came for the same topic since the last call.
func (b *Browser) Detail(d *Detail) (changed bool) {
	n := b.selected
	if n == nil {
		changed = d.of != nil
		*d = Detail{}
		return changed
	}
	if d.of != n {
		*d = Detail{of: n, Topic: n.path(), History: d.History[:0]}
		changed = true
	}
	d.Branch, d.Topics, d.Count, d.Rate = len(n.kids) > 0, n.topics, n.count, b.m.rate(&n.counter)
	if n.own == nil || n.own.count == 0 || !changed && d.Own == n.own.count {
		return changed
	}
	d.Own = n.own.count
	d.copyHistory(n.own)
	return true
}

// copyHistory copies the messages of t.
func (d *Detail) copyHistory(t *topicData) {
	old := d.History[:cap(d.History)]
	d.History = d.History[:0]
	for i := range t.last {
		from := &t.last[(t.newest-i+len(t.last))%len(t.last)]
		limit := historyPayload
		if i == 0 {
			limit = focusedPayload
		}
		var into Message
		if i < len(old) {
			into = old[i]
		}
		payload, props := into.Payload[:0], into.Props[:0]
		into = *from
		into.Payload = append(payload, from.Payload[:min(len(from.Payload), limit)]...)
		into.Props = append(props, from.Props...)
		d.History = append(d.History, into)
	}
}

// Latest returns the newest message of the topic itself, or nil.
func (d *Detail) Latest() *Message {
	if len(d.History) == 0 {
		return nil
	}
	return &d.History[0]
}

// Age returns how long ago the newest message of the topic itself came.
func (d *Detail) Age(now time.Time) time.Duration {
	if m := d.Latest(); m != nil {
		return now.Sub(m.At)
	}
	return 0
}
