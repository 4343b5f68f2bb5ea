package proxy

// Records is a Watcher that writes each packet as a line of JSON.
type Records struct{ *Log }

// Packet implements Watcher.
func (r Records) Packet(p *Packet) {
	r.Append(func(dst []byte) []byte { return append(AppendJSON(dst, p), '\n') })
}

// Rest implements Watcher.
func (r Records) Rest(*Source, bool, []byte) {}

// End implements Watcher.
func (r Records) End(*Source, bool, string) {}
