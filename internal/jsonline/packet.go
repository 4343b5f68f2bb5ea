package jsonline

// PacketLine says which packet a line of mqtt proxy describes. A field is "" or false if the line
// does not have its key.
type PacketLine struct {
	Way       string // in or out
	Type      string // such as PUBLISH
	Truncated bool   // the line has only the beginning of the packet
	Malformed bool   // the packet could not be decoded
}

// ParsePacketLine reads the keys of a PacketLine from line, an object. It uses the buffers of r, whose
// other fields stay as they are. An error is an *Error.
func (r *Record) ParsePacketLine(line []byte) (p PacketLine, err error) {
	in := &r.in
	in.reset(line)
	if in.peek() != '{' {
		return p, in.fail("", "want an object")
	}
	for in.open(); in.next(); {
		switch key := string(in.key); key {
		case "way", "type":
			if r.value, err = in.string(r.value[:0], key); err != nil {
				return p, err
			}
			if key == "way" {
				p.Way = string(r.value)
			} else {
				p.Type = string(r.value)
			}
		case "truncated":
			if p.Truncated, err = in.bool(key); err != nil {
				return p, err
			}
		case "malformed":
			p.Malformed = true
			if err := in.skip(); err != nil {
				return p, err
			}
		default:
			if err := in.skip(); err != nil {
				return p, err
			}
		}
	}
	if in.why != "" {
		return p, in.syntax(in.why)
	}
	return p, nil
}
