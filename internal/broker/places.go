package broker

// Connections after CONNACK are limited by Options.Connections, and counted in
// Broker.stats.connected: each has a place. Connections before CONNACK have limits of their own, so
// that they cannot take a place: one limit for those that have not sent CONNECT, and one for all of
// them. If there are too many, the oldest one of the address with most of them is closed, so no
// address can keep out another one. A client that takes over another client's session also takes
// over its place.

// maxSilent returns the limit of connections that have not sent CONNECT.
func (o *Options) maxSilent() int { return max(64, o.Connections/4) }

// maxUnadmitted returns the limit of connections before CONNACK.
func (o *Options) maxUnadmitted() int { return o.Connections + o.maxSilent() }

// register adds a new connection to the lists, and reports whether the limits allow it.
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

// evictConn makes the reading goroutine close a connection before CONNACK. b.mu is held.
func (b *Broker) evictConn(c *client) {
	b.removeSilent(c)
	b.removeUnadmitted(c)
	c.evicted.Store(true)
	c.conn.SetReadDeadline(past())
}

// connectArrived removes the client from the connections that have not sent CONNECT.
func (b *Broker) connectArrived(c *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.removeSilent(c)
}

// removeSilent removes c from the connections that have not sent CONNECT. b.mu is held.
func (b *Broker) removeSilent(c *client) {
	if c.silent != nil {
		b.silent.remove(c, c.silent)
		c.silent = nil
	}
}

// removeUnadmitted removes c from the connections before CONNACK. b.mu is held.
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

// busy reports whether there is no place for c, and no client whose place it would take over.
// attach decides this again; busy avoids useless work before, such as checking the password.
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

// assignPlace gives c a place. b.mu is held.
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

// unregister removes the connection from the lists and frees its place.
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

// inheritPlace gives c the place of the client that it takes over. b.mu is held.
func (c *client) inheritPlace(old *client) {
	if old.placed && !c.placed {
		old.placed, c.placed = false, true
		c.b.removeUnadmitted(c)
	}
}
