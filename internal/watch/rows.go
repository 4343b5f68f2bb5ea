package watch

import (
	"cmp"
	"slices"
	"time"
)

// makeRows makes the rows.
func (b *Browser) makeRows() {
	b.rows = b.rows[:0]
	if b.flat {
		b.makeList()
		return
	}
	b.addKids(&b.m.root)
}

// addKids adds the rows below n. The depth is at most maxDepth.
func (b *Browser) addKids(n *node) {
	n.sorted = mergeSorted(n.kids, n.sorted, byName)
	if b.sort == ByName {
		for _, k := range n.kids {
			b.add(k)
		}
		return
	}
	from := b.rank(n.kids)
	for i := from; i < from+len(n.kids); i++ {
		b.add(b.ranked[i].n) // b.ranked may be moved, and what follows in it is used
	}
	b.ranked = b.ranked[:from]
}

// add adds the row of n, and the rows below it that are shown.
func (b *Browser) add(n *node) {
	if !b.m.shows(n) {
		return
	}
	b.rows = append(b.rows, n)
	if len(n.kids) > 0 && b.openNow(n) {
		b.addKids(n)
	}
}

// makeList makes the rows of a list of topics.
func (b *Browser) makeList() {
	b.addTopics(&b.m.root)
	if b.sort != ByName {
		from := b.rank(b.rows)
		for i := range b.rows {
			b.rows[i] = b.ranked[from+i].n
		}
		b.ranked = b.ranked[:from]
	}
}

// addTopics adds the rows of all topics below n, in the order of the tree.
func (b *Browser) addTopics(n *node) {
	n.sorted = mergeSorted(n.kids, n.sorted, byName)
	for _, k := range n.kids {
		if !b.m.shows(k) {
			continue
		}
		if k.own != nil && k.own.count > 0 && b.m.wanted.matches(k.topic) {
			b.rows = append(b.rows, k)
		}
		if len(k.kids) > 0 {
			b.addTopics(k)
		}
	}
}

// ranked is a node with what it is ordered by: comparing these values is faster by far than looking
// at two nodes.
type ranked struct {
	n     *node
	key   int64
	place int // in the order of names, for equal keys
}

// rank appends nodes, which are in the order of names, to b.ranked in the order of rates or ages. It
// returns the index of the first one.
func (b *Browser) rank(nodes []*node) (from int) {
	from = len(b.ranked)
	for i, n := range nodes {
		key := int64(n.recent())
		if b.sort == ByAge {
			key = n.last.UnixNano()
		}
		b.ranked = append(b.ranked, ranked{n, key, i})
	}
	slices.SortFunc(b.ranked[from:], func(x, y ranked) int {
		if c := cmp.Compare(y.key, x.key); c != 0 {
			return c
		}
		return cmp.Compare(x.place, y.place)
	})
	return from
}

// recent returns the messages of the last intervals, by which nodes are in the order of their rates.
func (c *counter) recent() (n uint64) {
	for _, d := range c.deltas {
		n += uint64(d)
	}
	return n
}

func byName(x, y *node) int { return Natural(x.name, y.name) }

// mergeSorted sorts nodes, of which the first ones are in order, and returns their number. New topics
// come in small numbers: sorting these and merging is a fraction of sorting all.
func mergeSorted(nodes []*node, sorted int, compare func(x, y *node) int) int {
	if sorted == len(nodes) {
		return sorted
	}
	fresh := slices.Clone(nodes[sorted:])
	slices.SortFunc(fresh, compare)
	for at := len(nodes) - 1; len(fresh) > 0; at-- {
		last := len(fresh) - 1
		if sorted > 0 && compare(nodes[sorted-1], fresh[last]) > 0 {
			sorted--
			nodes[at] = nodes[sorted]
		} else {
			nodes[at] = fresh[last]
			fresh = fresh[:last]
		}
	}
	return len(nodes)
}

// A Row is a line of the table. Its byte slices are valid until the next call of Rows.
type Row struct {
	Name     string // of the level, or the whole topic in a list
	Depth    int    // 0 for the first level
	Branch   bool   // there are levels below it
	Open     bool   // and they are shown
	Topics   int    // at and below it
	Count    uint64 // messages at and below it
	Rate     float64
	Age      time.Duration // since the last of these messages
	Changed  bool          // less than a second ago
	Selected bool
	Own      bool   // a message came for this topic itself
	Payload  []byte // the first bytes of the last such message
	Retain   bool   // of that message
}

// rowPayload is how much of a payload a row has, in bytes. It fills any line.
const rowPayload = 512

// Rows returns the rows that fit on height lines, with the selected one among them. It appends to
// rows, whose memory it uses again.
func (b *Browser) Rows(rows []Row, height int, now time.Time) []Row {
	b.top = min(b.top, max(len(b.rows)-height, 0), b.cursor)
	b.top = max(b.top, b.cursor-height+1, 0)
	for i := b.top; i < len(b.rows) && i < b.top+height; i++ {
		if len(rows) < cap(rows) {
			rows = rows[:len(rows)+1]
		} else {
			rows = append(rows, Row{})
		}
		b.fill(&rows[len(rows)-1], b.rows[i], now)
	}
	return rows
}

// fill describes n.
func (b *Browser) fill(r *Row, n *node, now time.Time) {
	*r = Row{Name: n.name, Depth: n.depth - 1, Branch: len(n.kids) > 0, Topics: n.topics, Count: n.count, Rate: b.m.rate(&n.counter),
		Age: now.Sub(n.last), Selected: n == b.selected, Payload: r.Payload[:0]}
	r.Open = r.Branch && b.openNow(n)
	if b.flat {
		r.Name, r.Depth, r.Branch, r.Open = n.topic, 0, false, false
	}
	r.Changed = r.Age < time.Second
	if n.own != nil && n.own.count > 0 {
		last := n.own.latest()
		r.Own, r.Retain = true, last.Retain
		r.Payload = append(r.Payload, last.Payload[:min(len(last.Payload), rowPayload)]...)
		if b.flat {
			r.Count = n.own.count
		}
	}
}

// Position returns the number of the selected row, from 1, and the number of rows.
func (b *Browser) Position() (row, rows int) {
	if len(b.rows) == 0 {
		return 0, 0
	}
	return b.cursor + 1, len(b.rows)
}
