package broker

// Clients that were let in have Options.Connections places, which Broker.stats.connected counts.
// Connections that were not let in yet have bounds of their own, so that they cannot take a place from
// anybody: one for those whose CONNECT has not come, one for all of them. When there are too many, the
// oldest one of the address that has most of them is closed: no address can keep out another one. A
// client that takes over another one's session takes over its place, too.

// mostSilent returns how many connections there may be whose CONNECT has not come.
func (o *Options) maxSilent() int { return max(64, o.Connections/4) }

// mostOpening returns how many connections there may be that were not let in.
func (o *Options) maxUnadmitted() int { return o.Connections + o.maxSilent() }

// arrive registers a new connection, and reports whether the limits allow it.
func (b *Broker) register(c *client) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.clients)-int(b.stats.connected.Load()) >= 2*b.opt.maxUnadmitted() { // many are being closed
		return false
	}
	if b.silent.n >= b.opt.maxSilent() {
		b.evictConn(b.silent.first())
	}
	if b.unadmitted.n >= b.opt.maxUnadmitted() {
		b.evictConn(b.unadmitted.first())
	}
	c.silent, c.unadmitted = b.silent.add(c), b.unadmitted.add(c)
	b.clients[c] = struct{}{}
	b.wg.Add(1)
	return true
}

// dismiss has a connection that was not let in closed by the goroutine that reads from it. b.mu is held.
func (b *Broker) evictConn(c *client) {
	b.removeSilent(c)
	b.removeUnadmitted(c)
	c.evicted.Store(true)
	c.conn.SetReadDeadline(past())
}

// connectArrived takes the client off the list of those that have not sent their CONNECT.
func (b *Broker) connectArrived(c *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.removeSilent(c)
}

// unlist takes c off the list of silent connections. b.mu is held.
func (b *Broker) removeSilent(c *client) {
	if c.silent != nil {
		b.silent.remove(c, c.silent)
		c.silent = nil
	}
}

// admitted takes c off the list of connections that were not let in. b.mu is held.
func (b *Broker) removeUnadmitted(c *client) {
	if c.unadmitted != nil {
		b.unadmitted.remove(c, c.unadmitted)
		c.unadmitted = nil
	}
}

// full reports whether there is no place for c. b.mu is held.
func (b *Broker) full(c *client) bool {
	return !c.placed && b.stats.connected.Load() >= int64(b.opt.Connections)
}

// busy reports whether there is no place for c and no client that it would take over. attach
// decides again; busy spares the work in between, such as checking the password.
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
func (b *Broker) assignPlace(c *client) {
	if c.placed {
		return
	}
	c.placed = true
	b.removeUnadmitted(c)
	now := b.stats.connected.Add(1)
	if now > b.stats.connectedMax.Load() {
		b.stats.connectedMax.Store(now)
	}
}

// vacate removes the connection from the broker's lists and frees its place.
func (b *Broker) unregister(c *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.removeSilent(c)
	b.removeUnadmitted(c)
	delete(b.clients, c)
	if c.placed {
		c.placed = false
		b.stats.connected.Add(-1)
	}
}

// takePlace gives c the place of the client that it takes over. b.mu is held.
func (c *client) inheritPlace(old *client) {
	if old.placed && !c.placed {
		old.placed, c.placed = false, true
		c.b.removeUnadmitted(c)
	}
}
