package bench

import (
	"bytes"
	"cmp"
	"compress/flate"
	"io"
	"math/bits"
	"slices"
	"sort"
)

// Receipt says which messages of a publisher a shared subscription received in one process.
// Its members in other processes received others, so that only Merge knows what was lost.
type Receipt struct {
	Publisher uint32 `json:"publisher"`
	Next      uint64 `json:"next"`              // one more than the highest sequence received
	Missing   []byte `json:"missing,omitempty"` // a bit for each sequence below Next that was not received, lowest first, compressed with DEFLATE
}

// maxReceipts is the largest number of sequences of the receipts of a result.
const maxReceipts = 1 << 29

// export returns the receipts of all publishers in their order. It returns nil if they
// are not known, or are more than maxReceipts.
func (l *receipts) export() []Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Receipt
	var total uint64
	for publisher, t := range l.tracks {
		if total += t.next; t.blind || t.next > maxReceipts || total > maxReceipts {
			return nil
		}
		missing := make([]byte, (t.next+7)/8)
		t.each(func(g gap) {
			for seq := g.from; seq < g.to; seq++ {
				missing[seq/8] |= 1 << (seq % 8)
			}
		})
		all = append(all, Receipt{publisher, t.next, deflate(missing)})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Publisher < all[j].Publisher })
	return all
}

// deflate compresses bits, to nothing if none is set.
func deflate(b []byte) []byte {
	if !slices.ContainsFunc(b, func(x byte) bool { return x != 0 }) {
		return nil
	}
	var to bytes.Buffer
	w, err := flate.NewWriter(&to, flate.DefaultCompression)
	if err != nil {
		return nil // the level is valid
	}
	w.Write(b) // a buffer has no errors
	w.Close()
	return to.Bytes()
}

// inflate returns the bits of r. It returns false if they are damaged.
func (r *Receipt) inflate() ([]byte, bool) {
	b := make([]byte, (r.Next+7)/8)
	if len(r.Missing) == 0 {
		return b, true
	}
	from := flate.NewReader(bytes.NewReader(r.Missing))
	defer from.Close()
	_, err := io.ReadFull(from, b)
	return b, err == nil
}

// union returns the receipts of two processes together, and how many messages were received
// in at least one of them. ok says that both are known.
func union(a, b *FilterCount) (all []Receipt, unique uint64, ok bool) {
	if !a.receiptsKnown() || !b.receiptsKnown() {
		return nil, 0, false
	}
	var total uint64
	for _, r := range slices.Concat(a.Receipts, b.Receipts) {
		if total += r.Next; r.Next > maxReceipts || total > 2*maxReceipts {
			return nil, 0, false
		}
	}
	all = slices.Clone(a.Receipts)
	for _, r := range b.Receipts {
		i, found := slices.BinarySearchFunc(all, r.Publisher, func(x Receipt, p uint32) int { return cmp.Compare(x.Publisher, p) })
		if !found {
			all = slices.Insert(all, i, r)
			continue
		}
		if all[i], ok = all[i].union(&r); !ok {
			return nil, 0, false
		}
	}
	for i := range all {
		missing, ok := all[i].inflate()
		if !ok {
			return nil, 0, false
		}
		unique += all[i].Next
		for _, x := range missing {
			unique -= uint64(bits.OnesCount8(x))
		}
	}
	return all, unique, true
}

// union returns what r or q, which is of the same publisher, received.
func (r *Receipt) union(q *Receipt) (Receipt, bool) {
	if r.Next < q.Next {
		return q.union(r)
	}
	x, ok1 := r.inflate()
	y, ok2 := q.inflate()
	for seq := q.Next; seq < min(q.Next+7, uint64(len(y))*8); seq++ { // the rest of the last byte was not received
		y[seq/8] |= 1 << (seq % 8)
	}
	for i := range y {
		x[i] &= y[i]
	}
	return Receipt{r.Publisher, r.Next, deflate(x)}, ok1 && ok2
}

// receiptsKnown reports whether f has the receipts of all its messages.
func (f *FilterCount) receiptsKnown() bool { return f.Unique == 0 || len(f.Receipts) > 0 }
