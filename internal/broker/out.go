package broker

import "sync"

const (
	smallBlock     = 4 << 10
	largeBlock     = 64 << 10
	maxPooledBlock = 512 << 10 // a block that has grown beyond is left to the collector
	shareFrom      = 2 << 10   // bytes from which many receivers share one copy
)

// block is memory for bytes on their way out. It is borrowed, so that a connection
// at rest has none.
type block struct{ b []byte }

// blocks lends blocks.
type blocks struct{ small, large sync.Pool }

// get returns an empty block with room for n bytes.
func (p *blocks) get(n int) *block {
	if n <= smallBlock {
		if x, ok := p.small.Get().(*block); ok {
			return x
		}
		return &block{make([]byte, 0, smallBlock)}
	}
	if x, ok := p.large.Get().(*block); ok {
		return x
	}
	return &block{make([]byte, 0, max(largeBlock, n))}
}

func (p *blocks) put(x *block) {
	x.b = x.b[:0]
	switch c := cap(x.b); {
	case c > maxPooledBlock:
	case c >= largeBlock:
		p.large.Put(x)
	case c <= 2*smallBlock:
		p.small.Put(x)
	}
}

// cut is a piece of shared memory that goes out at a place inside a block.
type insert struct {
	at int
	b  []byte
}

// out is what waits to be written to one connection.
type out struct {
	block   *block
	inserts []insert
	n       int  // bytes in all
	sync    bool // the Store must have it before it leaves
}

// room returns the block's bytes to append to; set puts them back.
func (o *out) buffer(p *blocks, n int) []byte {
	if o.block == nil {
		o.block = p.get(n)
	} else if have := len(o.block.b); have+n > cap(o.block.b) && cap(o.block.b) < largeBlock {
		grown := p.get(max(have+n, smallBlock+1))
		grown.b = append(grown.b, o.block.b...)
		p.put(o.block)
		o.block = grown
	}
	return o.block.b
}

func (o *out) setBuffer(b []byte) {
	o.n += len(b) - len(o.block.b)
	o.block.b = b
}

// add copies b in.
func (o *out) add(p *blocks, b []byte) { o.setBuffer(append(o.buffer(p, len(b)), b...)) }

// share puts b in without copying it: it must not change any more.
func (o *out) share(p *blocks, b []byte) {
	at := 0
	if o.block != nil {
		at = len(o.block.b)
	}
	o.inserts = append(o.inserts, insert{at, b})
	o.n += len(b)
}

// pieces appends to vec what is to be written, in order.
func (o *out) buffers(vec [][]byte) [][]byte {
	var b []byte
	if o.block != nil {
		b = o.block.b
	}
	from := 0
	for _, c := range o.inserts {
		if c.at > from {
			vec = append(vec, b[from:c.at])
			from = c.at
		}
		vec = append(vec, c.b)
	}
	if from < len(b) {
		vec = append(vec, b[from:])
	}
	return vec
}

// free gives back what was borrowed.
func (o *out) free(p *blocks) {
	if o.block != nil {
		p.put(o.block)
	}
	*o = out{}
}
