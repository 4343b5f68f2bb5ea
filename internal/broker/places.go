package broker

// Clients that were let in have Options.Connections places, which Broker.stats.connected counts.
// Connections whose CONNECT has not come have a bound of their own, so that they cannot take a
// place from anybody: when there are too many, the one that was silent longest is closed. A client
// that takes over another one's session takes over its place, too.

// mostSilent returns how many connections there may be whose CONNECT has not come.
func (o *Options) mostSilent() int { return max(64, o.Connections/4) }

// mostOpening returns how many connections there may be that were not let in.
func (o *Options) mostOpening() int { return o.Connections + o.mostSilent() }

// arrive enters a new connection, and reports whether there is room for it.
func (b *Broker) arrive(c *client) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.clients)-int(b.stats.connected.Load()) >= b.opt.mostOpening() {
		return false
	}
	if b.silent.Len() >= b.opt.mostSilent() {
		e := b.silent.Front()
		b.silent.Remove(e)
		old := e.Value.(*client)
		old.silent = nil
		old.given.Store(true)
		old.conn.SetReadDeadline(past()) // its reader closes it
	}
	c.silent = b.silent.PushBack(c)
	b.clients[c] = struct{}{}
	b.wg.Add(1)
	return true
}

// introduced notes that the client's CONNECT has come.
func (b *Broker) introduced(c *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unlist(c)
}

// unlist takes c off the list of silent connections. b.mu is held.
func (b *Broker) unlist(c *client) {
	if c.silent != nil {
		b.silent.Remove(c.silent)
		c.silent = nil
	}
}

// full reports whether there is no place for c. b.mu is held.
func (b *Broker) full(c *client) bool {
	return !c.placed && b.stats.connected.Load() >= int64(b.opt.Connections)
}

// busy reports whether c will find no place, unless it takes one over. attach has the last word:
// this is to know before anything else is done for the client.
func (b *Broker) busy(c *client) bool {
	if b.stats.connected.Load() < int64(b.opt.Connections) {
		return false
	}
	b.mu.Lock()
	s := b.sessions[c.who.ClientID]
	b.mu.Unlock()
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client == nil
}

// place gives c a place. b.mu is held.
func (b *Broker) place(c *client) {
	if c.placed {
		return
	}
	c.placed = true
	now := b.stats.connected.Add(1)
	if now > b.stats.connectedMost.Load() {
		b.stats.connectedMost.Store(now)
	}
}

// vacate takes the connection off the broker's lists, and its place from it.
func (b *Broker) vacate(c *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unlist(c)
	delete(b.clients, c)
	if c.placed {
		c.placed = false
		b.stats.connected.Add(-1)
	}
}

// takePlace gives c the place of the client that it takes over. b.mu is held.
func (c *client) takePlace(old *client) {
	if old.placed && !c.placed {
		old.placed, c.placed = false, true
	}
}
