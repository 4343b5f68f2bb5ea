package watch

import "time"

// A Sort is an order of topics.
type Sort byte

// The orders.
const (
	ByName Sort = iota // natural: 9 before 10
	ByRate             // the highest first
	ByAge              // the newest first
)

// String returns the name of the order.
func (s Sort) String() string { return [...]string{"name", "rate", "age"}[s] }

// A Browser is a view of a Model: which nodes are rows, in which order, and which one is selected.
type Browser struct {
	m    *Model
	sort Sort
	flat bool // a list of topics instead of a tree

	rows     []*node
	ranked   []ranked // memory for sorting
	selected *node    // nil while there are no rows
	cursor   int      // index of selected in rows
	top      int      // index of the first row on the screen

	version, rates uint64    // of the model, when rows was made
	made           time.Time // when rows was made
	stale          bool      // rows must be made again
}

// NewBrowser returns a Browser of m that shows the tree in the order of names.
func NewBrowser(m *Model) *Browser { return &Browser{m: m, stale: true} }

// Refresh brings the rows up to date. It does so at once after a method of the Browser changed what
// is shown, and less often for what came from the network if there are many rows.
func (b *Browser) Refresh(now time.Time) {
	changed := b.version != b.m.version || b.sort != ByName && b.rates != b.m.rates
	if !b.stale && (!changed || len(b.rows) > manyRows && now.Sub(b.made) < manyRowsDelay) {
		return
	}
	b.stale, b.version, b.rates, b.made = false, b.m.version, b.m.rates, now
	b.makeRows()
	b.findCursor()
}

// With many rows, making them again for each new topic would take much of a core.
const (
	manyRows      = 2000
	manyRowsDelay = 500 * time.Millisecond
)

// findCursor moves the cursor to the selected node, or to the nearest level above it that has a row.
func (b *Browser) findCursor() {
	if len(b.rows) == 0 {
		b.selected, b.cursor = nil, 0
		b.m.focus(nil)
		return
	}
	if b.selected == nil {
		b.choose(0)
		return
	}
	for n := b.selected; n != nil; n = n.parent {
		for i := range b.rows {
			// Rows rarely move far: look around the old place first.
			for _, j := range [2]int{b.cursor + i, b.cursor - i} {
				if j >= 0 && j < len(b.rows) && b.rows[j] == n {
					b.choose(j)
					return
				}
			}
		}
		if b.flat {
			break
		}
	}
	b.choose(min(b.cursor, len(b.rows)-1))
}

// choose selects the row of that index.
func (b *Browser) choose(i int) {
	b.cursor, b.selected = i, b.rows[i]
	b.m.focus(b.selected)
}

// Move moves the cursor by that many rows, as far as there are some.
func (b *Browser) Move(rows int) {
	if len(b.rows) > 0 {
		b.choose(min(max(b.cursor+rows, 0), len(b.rows)-1))
	}
}

// Expand shows the levels below the selected one, or moves to the first of them.
func (b *Browser) Expand() {
	n := b.selected
	switch {
	case n == nil || b.flat || len(n.kids) == 0:
	case !b.openNow(n):
		n.open, b.stale = opened, true
	case b.cursor+1 < len(b.rows) && b.rows[b.cursor+1].parent == n:
		b.Move(1)
	}
}

// Collapse hides the levels below the selected one, or moves to the level above.
func (b *Browser) Collapse() {
	n := b.selected
	switch {
	case n == nil || b.flat:
	case len(n.kids) > 0 && b.openNow(n) && b.m.wanted.text == "":
		n.open, b.stale = closed, true
	case n.depth > 1:
		b.selected, b.stale = n.parent, true
	}
}

// Toggle shows or hides the levels below the selected one. It reports whether there are some.
func (b *Browser) Toggle() bool {
	n := b.selected
	if n == nil || b.flat || len(n.kids) == 0 {
		return false
	}
	if b.openNow(n) {
		n.open = closed
	} else {
		n.open = opened
	}
	b.stale = true
	return true
}

// ExpandAll shows all levels; CollapseAll only the first.
func (b *Browser) ExpandAll() { b.setAll(&b.m.root, opened) }

// CollapseAll shows only the first level.
func (b *Browser) CollapseAll() { b.setAll(&b.m.root, closed) }

func (b *Browser) setAll(n *node, o openness) {
	for _, k := range n.kids {
		k.open = o
		b.setAll(k, o)
	}
	b.stale = true
}

// SetFilter shows only topics that contain text; see Model.SetFilter.
func (b *Browser) SetFilter(text string) {
	b.m.SetFilter(text)
	b.stale = true
}

// NextSort changes to the next order and returns it.
func (b *Browser) NextSort() Sort {
	b.sort = (b.sort + 1) % 3
	b.stale = true
	return b.sort
}

// Sort returns the order.
func (b *Browser) Sort() Sort { return b.sort }

// ToggleFlat changes between the tree and a list of topics. It reports whether it is a list now.
func (b *Browser) ToggleFlat() bool {
	b.flat, b.stale = !b.flat, true
	return b.flat
}

// openNow reports whether the levels below n have rows. A filter shows all that it matches.
func (b *Browser) openNow(n *node) bool { return b.m.wanted.text != "" || n.isOpen(len(b.m.list)) }
