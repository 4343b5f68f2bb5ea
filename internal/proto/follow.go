package proto

// Follower follows the packets of one connection as an observer between the two ends: it knows the
// version, the client identifier, and the topics that topic aliases replace. It accepts packets of
// which only the beginning is known. The zero value is at the beginning of a connection. A Follower
// is not safe for concurrent use.
type Follower struct {
	version Version
	client  string
	sent    aliasNames // by the client
	got     aliasNames // by the server
}

// Version returns the version of CONNECT, or 3.1.1 before there was a CONNECT that could be decoded.
func (f *Follower) Version() Version {
	if f.version == 0 {
		return V311
	}
	return f.version
}

// Client returns the Client Identifier of CONNECT or, if that is empty, the one that the server
// assigned. It returns "" if it is not known.
func (f *Follower) Client() string { return f.client }

// Packet tells about the next packet of a direction. in is true if the client sent it. b is the
// packet, or its beginning if it is long. For a PUBLISH it returns the topic, with a topic alias
// resolved, and nil if that is not known. The topic aliases b or is valid until the next call.
func (f *Follower) Packet(in bool, b []byte) (topic []byte) {
	if len(b) == 0 {
		return nil
	}
	switch t := Type(b[0] >> 4); {
	case t == PUBLISH && in:
		return f.sent.topic(b, f.version)
	case t == PUBLISH:
		return f.got.topic(b, f.version)
	case t == CONNECT && in && f.version == 0:
		var p Connect
		frame, n, err := Split(b, 0)
		if n == 0 || err != nil {
			return nil
		}
		if err := p.Decode(frame, 0); err == nil {
			f.version, f.client = p.Version, p.ClientID
		}
	case t == CONNACK && !in && f.client == "" && f.version >= V5:
		var p Connack
		frame, n, err := Split(b, 0)
		if n == 0 || err != nil {
			return nil
		}
		if err := p.Decode(frame, f.version); err == nil {
			f.client = string(p.Props.Value(AssignedClientIdentifier))
		}
	}
	return nil
}

// Bounds of what an aliasNames keeps, in bytes. A topic beyond them is not kept.
const (
	aliasBytes    = 256 << 10
	aliasOverhead = 64 // of one topic
)

// aliasNames are the topics of the topic aliases of one direction.
type aliasNames struct {
	topics map[uint16]string
	bytes  int
}

// topic returns the topic of a PUBLISH of which at least the beginning is known.
func (a *aliasNames) topic(b []byte, v Version) []byte {
	_, size := uvarint(b[1:])
	if size <= 0 {
		return nil
	}
	at := 1 + size
	topic, end := field(b, at)
	if end == 0 || v < V5 {
		return topic
	}
	if b[0]&6 != 0 {
		end += 2 // packet identifier
	}
	alias := aliasOf(b, end)
	switch {
	case alias == 0:
		return topic
	case len(topic) == 0:
		return []byte(a.topics[alias])
	}
	if old, known := a.topics[alias]; known {
		a.bytes -= len(old) + aliasOverhead
		delete(a.topics, alias)
	}
	if a.bytes+len(topic)+aliasOverhead <= aliasBytes {
		if a.topics == nil {
			a.topics = make(map[uint16]string)
		}
		a.bytes += len(topic) + aliasOverhead
		a.topics[alias] = string(topic)
	}
	return topic
}

// aliasOf returns the Topic Alias in the properties at b[at:], 0 if there is none or the properties
// are not complete.
func aliasOf(b []byte, at int) uint16 {
	if at > len(b) {
		return 0
	}
	n, size := uvarint(b[at:])
	if at += size; size <= 0 || n > len(b)-at {
		return 0
	}
	ps := Props(b[at : at+n])
	if ps.check(PUBLISH, 0) != nil {
		return 0
	}
	return uint16(ps.Num(TopicAlias, 0))
}

// PacketSize returns the size of the packet that b begins with, as its fixed header says. size is 0
// if more bytes are needed. The error is an *Error if the fixed header is malformed.
func PacketSize(b []byte) (size int, err error) {
	if len(b) < 2 {
		return 0, nil
	}
	n, w := uvarint(b[1:])
	if w < 0 {
		return 0, &Error{Type: Type(b[0] >> 4), Offset: 1, Reason: MalformedPacket, What: "malformed Remaining Length"}
	}
	if w == 0 {
		return 0, nil
	}
	return 1 + w + n, nil
}
