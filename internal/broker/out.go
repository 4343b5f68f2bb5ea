package broker

import "sync"

const (
	smallBlock     = 4 << 10
	largeBlock     = 64 << 10
	maxPooledBlock = 512 << 10 // capacity up to which a block is pooled
	shareFrom      = 2 << 10   // bytes from which many receivers share one copy
)

// block is memory for outgoing bytes. It comes from a pool, so that an idle connection has none.
type block struct{ b []byte }

// blocks is the pool of blocks.
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

// insert is a shared slice that is written at a position inside a block.
type insert struct {
	at int
	b  []byte
}

// out holds the bytes to be written to one connection.
type out struct {
	block   *block
	inserts []insert
	n       int  // bytes, inserts included
	sync    bool // Store.Commit must come before the write
}

// buffer returns the bytes of the block to append to, with room for about n more; setBuffer stores
// the result.
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

// add copies b to the output.
func (o *out) add(p *blocks, b []byte) { o.setBuffer(append(o.buffer(p, len(b)), b...)) }

// share adds b without copying it: b must not be changed any more.
func (o *out) share(p *blocks, b []byte) {
	at := 0
	if o.block != nil {
		at = len(o.block.b)
	}
	o.inserts = append(o.inserts, insert{at, b})
	o.n += len(b)
}

// buffers appends to vec the slices to be written, in order.
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

// free returns the block to the pool.
func (o *out) free(p *blocks) {
	if o.block != nil {
		p.put(o.block)
	}
	*o = out{}
}
