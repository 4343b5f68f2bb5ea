package broker

import (
	"container/list"

	"mqtt/internal/broker/fair"
)

// connList holds connections by network address, and those of one address in order of arrival. The
// zero value is empty. Broker.mu guards it.
type connList struct {
	n         int
	byAddress map[fair.Key]*list.List // of *client
}

func (l *connList) add(c *client) *list.Element {
	if l.byAddress == nil {
		l.byAddress = make(map[fair.Key]*list.List)
	}
	key := fair.KeyOf(c.conn.RemoteAddr())
	line := l.byAddress[key]
	if line == nil {
		line = list.New()
		l.byAddress[key] = line
	}
	l.n++
	return line.PushBack(c)
}

func (l *connList) remove(c *client, e *list.Element) {
	key := fair.KeyOf(c.conn.RemoteAddr())
	line := l.byAddress[key]
	line.Remove(e)
	l.n--
	if line.Len() == 0 {
		delete(l.byAddress, key)
	}
}

// first returns the oldest connection of the address that has most connections. The list must not
// be empty.
func (l *connList) first() *client {
	var most *list.List
	for _, line := range l.byAddress {
		if most == nil || line.Len() > most.Len() {
			most = line
		}
	}
	return most.Front().Value.(*client)
}
