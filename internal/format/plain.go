package format

// Plain prints the payload. An empty one is an empty line, so that lines are
// messages.
type Plain struct{ Options }

// Append appends the payload of m.
func (p *Plain) Append(dst []byte, m *Message) []byte {
	return p.end(p.payload(dst, m.Publish.Payload))
}

// Warning returns nil.
func (p *Plain) Warning() error { return nil }

// Verbose prints topic and payload with a space between them. Where the payload is
// empty the topic stands alone, without the space: no payload looks like it.
type Verbose struct{ Options }

// Append appends topic and payload of m.
func (v *Verbose) Append(dst []byte, m *Message) []byte {
	dst = v.line(dst, m.Publish.Topic)
	if len(m.Publish.Payload) > 0 {
		dst = v.payload(append(dst, ' '), m.Publish.Payload)
	}
	return v.end(dst)
}

// Warning returns nil.
func (v *Verbose) Warning() error { return nil }
