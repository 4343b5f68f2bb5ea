package decode

import (
	"bytes"
	"fmt"
)

// Limits on what is kept of all BIRTH messages.
const (
	mostNames     = 1 << 20  // metrics
	mostNameBytes = 64 << 20 // of their names
)

// births is what the last BIRTH of each edge node and device said of its metrics.
type births struct {
	places map[string]*place
	names  int // metrics in all places
	bytes  int // of their names, and of those of places
	full   bool
	key    []byte // of the last place
}

// place is an edge node, or one of its devices.
type place struct {
	name    string // GROUP/NODE or GROUP/NODE/DEVICE
	node    *place // of a device; may be nil
	birth   bool   // the message is a BIRTH
	noted   bool   // that no BIRTH was seen
	known   bool   // places has it
	byAlias map[uint64]birthMetric
	types   map[string]uint32 // datatypes by name
	bytes   int               // counted in births
}

// birthMetric is what a BIRTH says of a metric.
type birthMetric struct {
	name     []byte
	datatype uint32
}

// place returns the edge node or device that a topic such as spBv1.0/GROUP/DDATA/NODE/DEVICE names, nil
// for none.
func (b *births) place(topic []byte) *place {
	rest, ok := bytes.CutPrefix(topic, []byte("spBv1.0/"))
	if !ok {
		return nil
	}
	group, rest, ok := bytes.Cut(rest, []byte("/"))
	if !ok {
		return nil
	}
	kind, rest, ok := bytes.Cut(rest, []byte("/"))
	if !ok || len(kind) < 2 {
		return nil
	}
	b.key = append(append(append(b.key[:0], group...), '/'), rest...)
	p := b.places[string(b.key)]
	if p == nil {
		p = b.add()
	}
	if node, _, device := bytes.Cut(rest, []byte("/")); device && (p.node == nil || !p.node.known) {
		p.node = b.places[string(b.key[:len(group)+1+len(node)])]
	}
	p.birth = string(kind) == "NBIRTH" || string(kind) == "DBIRTH"
	return p
}

// add adds the place b.key, or returns one that is not kept if there are too many.
func (b *births) add() *place {
	p := &place{name: string(b.key)}
	if len(b.places) >= mostNames || b.bytes+len(b.key) > mostNameBytes {
		p.noted = true // it would be noted with every message
		return p
	}
	if b.places == nil {
		b.places = make(map[string]*place)
	}
	b.places[p.name], p.known = p, true
	b.bytes += len(p.name)
	return p
}

// learn keeps the names of metrics if they are those of a BIRTH, in the place of what an earlier one
// said. The note says once that there are too many.
func (b *births) learn(p *place, metrics []metric, note func(string)) error {
	if !p.birth {
		return nil
	}
	p.noted = true
	b.names -= max(len(p.byAlias), len(p.types))
	b.bytes -= p.bytes
	p.byAlias, p.types, p.bytes = make(map[uint64]birthMetric), make(map[string]uint32), 0
	for i := range metrics {
		m := &metrics[i]
		if !p.known || b.names+len(p.types) >= mostNames || b.bytes+p.bytes+len(m.name) > mostNameBytes {
			if !b.full {
				b.full = true
				note(fmt.Sprintf("the BIRTH messages name more than %d metrics: the names of the others are not kept", len(p.types)+b.names))
			}
			break
		}
		name := bytes.Clone(m.name)
		p.bytes += len(name)
		p.types[string(name)] = m.datatype
		if m.has&(1<<2) != 0 {
			p.byAlias[m.alias] = birthMetric{name: name, datatype: m.datatype}
		}
	}
	b.names += max(len(p.byAlias), len(p.types))
	b.bytes += p.bytes
	return nil
}

// find returns what a BIRTH said of the metric with that name or alias. Aliases are unique within an
// edge node and its devices.
func (p *place) find(named bool, name []byte, aliased bool, alias uint64) (m birthMetric, ok bool) {
	for ; p != nil; p = p.node {
		if named {
			if t, ok := p.types[string(name)]; ok {
				return birthMetric{name: name, datatype: t}, true
			}
			continue
		}
		if aliased {
			if m, ok := p.byAlias[alias]; ok {
				return m, true
			}
		}
	}
	return m, false
}
