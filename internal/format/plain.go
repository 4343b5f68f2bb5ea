package format

// Plain prints the payload. An empty payload is an empty line, so that each message is a
// line.
type Plain struct{ Options }

// Append appends the payload of m.
func (p *Plain) Append(dst []byte, m *Message) []byte {
	return p.end(p.shown(dst, m.body()))
}

// Warning returns nil.
func (p *Plain) Warning() error { return nil }

// Verbose prints topic and payload with a space between them. If the payload is empty it
// prints the topic without the space, which distinguishes it from every other payload. In color
// it marks retained messages.
type Verbose struct {
	Options
	Null bool // print (null) for an empty payload
}

// Append appends topic and payload of m.
func (v *Verbose) Append(dst []byte, m *Message) []byte {
	body := m.body()
	if v.Null && v.NoNewline && len(body) == 0 {
		return dst // as mosquitto_sub -v -N
	}
	if v.Ink.On() {
		dst = append(dst, v.Ink.Topic(string(v.line(nil, m.Publish.Topic)))...)
		if m.Publish.Retain {
			dst = append(dst, " "+v.Ink.Warning("[retained]")...)
		}
	} else {
		dst = v.line(dst, m.Publish.Topic)
	}
	if len(body) > 0 {
		dst = v.shown(append(dst, ' '), body)
	} else if v.Null {
		dst = append(dst, " (null)"...)
	}
	return v.end(dst)
}

// Warning returns nil.
func (v *Verbose) Warning() error { return nil }
