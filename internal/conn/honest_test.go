package conn

import (
	"fmt"
	"net"
	"slices"
	"testing"

	"mqtt/internal/proto"
)

// honest is a server that follows the rules of QoS 1 and 2, and keeps its session as long as forget
// is false. It checks that the client follows them too. It appends what the client publishes to
// got, and sends its own messages to the client.
type honest struct {
	t      *testing.T
	v      proto.Version
	forget bool // loses its session whenever a client connects

	held  bool
	got   []string        // payloads, in the order of taking
	inbox map[uint16]bool // QoS 2 identifiers that await PUBREL
	freed map[uint16]bool // of exchanges whose PUBREL came: no PUBLISH again without a new message
	out   []*outgoing
}

// outgoing is a message to the client.
type outgoing struct {
	id                   uint16
	qos                  byte
	payload              string
	sent, received, done bool
}

// serve is one connection; it ends with the stream.
func (h *honest) serve(nc net.Conn) {
	defer nc.Close()
	r := proto.NewReader(nc, 0)
	put := func(p proto.Packet) bool {
		_, err := nc.Write(wire(h.t, h.v, p))
		return err == nil
	}
	for first := true; ; first = false {
		f, err := r.Next()
		if err != nil {
			return
		}
		if first != (f.Type() == proto.CONNECT) {
			h.t.Errorf("server: %v in the wrong place", f.Type())
			return
		}
		ok := true
		switch f.Type() {
		case proto.CONNECT:
			ok = h.connect(f, put)
		case proto.PUBLISH:
			ok = h.publish(f, put)
		case proto.DISCONNECT:
			if r.Len() > 0 || r.Fill() == nil {
				h.t.Error("server: bytes after DISCONNECT")
			}
			return
		default:
			ok = h.ack(f, put)
		}
		if !ok {
			return
		}
	}
}

func (h *honest) connect(f proto.Frame, put func(proto.Packet) bool) bool {
	var hello proto.Connect
	if err := hello.Decode(f, h.v); err != nil {
		h.t.Errorf("server: %v", err)
		return false
	}
	present := h.held && !h.forget && !hello.CleanStart
	if !present {
		// Unfinished messages are sent again as new ones, with other identifiers.
		h.inbox, h.freed = map[uint16]bool{}, map[uint16]bool{}
		id := uint16(0)
		for _, o := range h.out {
			o.sent, o.received = false, false
			if !o.done {
				id++
				o.id = id
			}
		}
	}
	h.held = true
	if !put(&proto.Connack{SessionPresent: present}) {
		return false
	}
	for _, o := range h.out {
		if o.received && !o.done && !put(ack(proto.PUBREL, o.id)) {
			return false
		}
	}
	return h.deliver(put) && h.goodbye(put)
}

// deliver sends what awaits PUBACK or PUBREC. A server that forgets sends one message
// at a time, so that an identifier is used for another message.
func (h *honest) deliver(put func(proto.Packet) bool) bool {
	for _, o := range h.out {
		if o.done || o.received {
			continue
		}
		p := msg(o.qos, o.id, "t", o.payload)
		p.Dup = o.sent
		o.sent = true
		if !put(p) {
			return false
		}
		if h.forget {
			break
		}
	}
	return true
}

// goodbye tells a subscriber that all exchanges have ended.
func (h *honest) goodbye(put func(proto.Packet) bool) bool {
	if len(h.out) == 0 || slices.ContainsFunc(h.out, func(o *outgoing) bool { return !o.done }) {
		return true
	}
	return put(msg(0, 0, "t", "end"))
}

func (h *honest) publish(f proto.Frame, put func(proto.Packet) bool) bool {
	var p proto.Publish
	if err := p.Decode(f, h.v); err != nil {
		h.t.Errorf("server: %v", err)
		return false
	}
	id := p.PacketID
	switch p.QoS {
	case 1:
		h.got = append(h.got, string(p.Payload))
		return put(ack(proto.PUBACK, id))
	case 2:
		if p.Dup && h.freed[id] {
			h.t.Errorf("server: PUBLISH %d again after its PUBREL", id)
		}
		if !p.Dup && h.inbox[id] {
			h.t.Errorf("server: identifier %d is in use", id)
		}
		if !h.inbox[id] {
			h.inbox[id] = true
			delete(h.freed, id)
			h.got = append(h.got, string(p.Payload))
		}
		return put(ack(proto.PUBREC, id))
	}
	return true
}

func (h *honest) ack(f proto.Frame, put func(proto.Packet) bool) bool {
	a := proto.Ack{Kind: f.Type()}
	if err := a.Decode(f, h.v); err != nil {
		h.t.Errorf("server: %v", err)
		return false
	}
	if a.Kind == proto.PUBREL {
		answer := ack(proto.PUBCOMP, a.PacketID)
		if !h.inbox[a.PacketID] && h.v == proto.V5 {
			answer.Reason = proto.PacketIdentifierNotFound
		}
		delete(h.inbox, a.PacketID)
		h.freed[a.PacketID] = true
		return put(answer)
	}
	i := slices.IndexFunc(h.out, func(o *outgoing) bool { return o.id == a.PacketID && !o.done && o.sent })
	if i < 0 {
		h.t.Errorf("server: unexpected %v %d", a.Kind, a.PacketID)
		return false
	}
	switch o := h.out[i]; {
	case a.Kind == proto.PUBACK && o.qos == 1, a.Kind == proto.PUBCOMP && o.received:
		o.done = true
		return (!h.forget || h.deliver(put)) && h.goodbye(put)
	case a.Kind == proto.PUBREC && o.qos == 2:
		o.received = true
		return put(ack(proto.PUBREL, o.id))
	default:
		h.t.Errorf("server: %v %d at the wrong time", a.Kind, a.PacketID)
		return false
	}
}

// messages returns the payloads that a test sends.
func messages(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("m", i))
	}
	return all
}
