package broker

import (
	"container/list"

	"mqtt/internal/broker/fair"
)

// crowd holds connections by network address, those of one address in the order in which they came.
// The zero value is empty. It is guarded by Broker.mu.
type connList struct {
	n     int
	lines map[fair.Key]*list.List // of *client
}

func (d *connList) add(c *client) *list.Element {
	if d.lines == nil {
		d.lines = make(map[fair.Key]*list.List)
	}
	key := fair.KeyOf(c.conn.RemoteAddr())
	line := d.lines[key]
	if line == nil {
		line = list.New()
		d.lines[key] = line
	}
	d.n++
	return line.PushBack(c)
}

func (d *connList) remove(c *client, e *list.Element) {
	key := fair.KeyOf(c.conn.RemoteAddr())
	line := d.lines[key]
	line.Remove(e)
	d.n--
	if line.Len() == 0 {
		delete(d.lines, key)
	}
}

// first returns the connection that came first of those of the address that has most of them. The crowd
// is not empty.
func (d *connList) first() *client {
	var most *list.List
	for _, line := range d.lines {
		if most == nil || line.Len() > most.Len() {
			most = line
		}
	}
	return most.Front().Value.(*client)
}
