package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"mqtt/internal/proto"
)

// rightPeer is one end of a connection. It keeps to the standard, and where the standard leaves a
// choice it takes any. What a relay does to packets can confuse it: it may then ignore a packet,
// answer it, or end the connection.
type rightPeer struct {
	*ledger
	random *rand.Rand
	v      proto.Version
	server bool
	in     [][]byte  // delivered to it and not read
	out    []written // written by it and not read by the relay
	now    *int      // the step
	ended  bool      // nothing comes from the other side any more
	gone   bool      // it has closed its side, and reads nothing more

	ready   bool            // CONNACK was sent or received
	quota   int             // PUBLISH packets above QoS 0 that it may send
	most    int             // its largest value
	aliases map[int]string  // topic aliases that it has set
	alias   int             // how many it may set
	theirs  map[int]string  // those of the other side
	waiting [3][]ack        // PUBACK, PUBREC and PUBREL packets to be sent, each kind in order
	resend  []*message      // messages of an earlier connection to be sent again, in order
	ids     map[uint16]bool // of its SUBSCRIBE and UNSUBSCRIBE packets that are not answered

	connected func(p *proto.Connect) // of a server: what to do with CONNECT
}

// ledger is what one side keeps of a session.
type ledger struct {
	sending   []*message
	receiving map[uint16]bool // QoS 2
	filters   map[string]*granted
	known     bool // a client's: the server has accepted a connection with it
	brief     bool // it ends with its connection: Clean Session of 3.1 and 3.1.1
}

func newLedger() *ledger {
	return &ledger{receiving: make(map[uint16]bool), filters: make(map[string]*granted)}
}

// message is a message above QoS 0 in flight.
type message struct {
	proto.Publish
	released bool
}

type ack struct {
	kind   proto.Type
	id     uint16
	reason proto.Reason
}

// granted is a subscription.
type granted struct {
	qos, handling byte
	asPublished   bool
	id            uint32
}

// written is a packet and the step in which it was written.
type written struct {
	packet []byte
	step   int
}

// topics are few, and so are packet identifiers: they are used again soon.
const (
	topics = 3
	ids    = 5
)

func (p *rightPeer) chance(n int) bool { return p.random.IntN(n) == 0 }

func (p *rightPeer) write(packet interface {
	Append([]byte, proto.Version) ([]byte, error)
}) {
	b, err := packet.Append(nil, p.v)
	if err != nil {
		panic(err)
	}
	p.out = append(p.out, written{b, *p.now})
}

// read handles the next packet.
func (p *rightPeer) read() {
	b := p.in[0]
	p.in = p.in[1:]
	f, size, err := proto.Split(b, 0)
	if err != nil || size != len(b) {
		p.bye(proto.MalformedPacket)
		return
	}
	v := p.v
	if f.Type() == proto.CONNECT {
		v = 0
	}
	packet, err := proto.Decode(f, v)
	if err != nil || p.server == (f.Type() == proto.CONNACK || f.Type() == proto.SUBACK || f.Type() == proto.UNSUBACK || f.Type() == proto.PINGRESP) {
		if err != nil || p.server || f.Type() != proto.PUBLISH && !isAck(f.Type()) && f.Type() != proto.DISCONNECT {
			p.bye(proto.ProtocolError)
			return
		}
	}
	if p.server && !p.ready && f.Type() != proto.CONNECT {
		p.bye(proto.ProtocolError)
		return
	}
	switch packet := packet.(type) {
	case *proto.Connect:
		if p.ready {
			p.bye(proto.ProtocolError)
			return
		}
		p.connected(packet)
	case *proto.Connack:
		p.accepted(packet)
	case *proto.Publish:
		p.received(packet)
	case *proto.Ack:
		p.acknowledged(packet)
	case *proto.Subscribe:
		p.subscribe(packet)
	case *proto.Unsubscribe:
		p.unsubscribe(packet)
	case *proto.Suback:
		if !p.ids[packet.PacketID] && p.chance(2) {
			p.bye(proto.ProtocolError)
			return
		}
		delete(p.ids, packet.PacketID)
	case *proto.Ping:
		if packet.Kind == proto.PINGREQ {
			p.write(&proto.Ping{Kind: proto.PINGRESP})
		}
	default:
		p.gone = true
	}
}

func isAck(t proto.Type) bool {
	return t == proto.PUBACK || t == proto.PUBREC || t == proto.PUBREL || t == proto.PUBCOMP
}

// bye ends the connection because of a packet that makes no sense.
func (p *rightPeer) bye(r proto.Reason) {
	if p.v == proto.V5 && p.chance(2) && p.ready {
		p.write(&proto.Disconnect{Reason: r})
	}
	p.gone = true
}

// received handles a PUBLISH.
func (p *rightPeer) received(m *proto.Publish) {
	if alias, ok := m.Props.Get(proto.TopicAlias); ok {
		if len(m.Topic) > 0 {
			p.theirs[int(alias.Num)] = string(m.Topic)
		} else if p.theirs[int(alias.Num)] == "" {
			p.bye(proto.ProtocolError)
			return
		}
	}
	reason := proto.Success
	if p.v == proto.V5 && p.chance(6) {
		reason = proto.QuotaExceeded
	}
	switch {
	case m.QoS == 1:
		p.waiting[0] = append(p.waiting[0], ack{proto.PUBACK, m.PacketID, reason})
	case m.QoS == 2 && p.receiving[m.PacketID]:
		p.waiting[1] = append(p.waiting[1], ack{proto.PUBREC, m.PacketID, proto.Success})
	case m.QoS == 2:
		p.receiving[m.PacketID] = !reason.Failed()
		p.waiting[1] = append(p.waiting[1], ack{proto.PUBREC, m.PacketID, reason})
	}
}

// find returns the message in flight with that packet identifier.
func (p *rightPeer) find(id uint16) int {
	return slices.IndexFunc(p.sending, func(m *message) bool { return m.PacketID == id })
}

// acknowledged handles an acknowledgement.
func (p *rightPeer) acknowledged(a *proto.Ack) {
	if a.Kind == proto.PUBREL {
		reason := proto.Success
		if !p.receiving[a.PacketID] && p.v == proto.V5 {
			reason = proto.PacketIdentifierNotFound
		}
		delete(p.receiving, a.PacketID)
		p.write(&proto.Ack{Kind: proto.PUBCOMP, PacketID: a.PacketID, Reason: reason})
		return
	}
	i := p.find(a.PacketID)
	var m *message
	if i >= 0 {
		m = p.sending[i]
	}
	switch {
	case a.Kind == proto.PUBACK && m != nil && m.QoS == 1, a.Kind == proto.PUBCOMP && m != nil && m.released,
		a.Kind == proto.PUBREC && a.Reason.Failed() && m != nil && m.QoS == 2 && !m.released:
		p.sending = slices.Delete(p.sending, i, i+1)
		p.quota = min(p.most, p.quota+1)
	case a.Kind == proto.PUBREC && !a.Reason.Failed() && m != nil && m.QoS == 2:
		if !m.released || p.chance(2) {
			p.waiting[2] = append(p.waiting[2], ack{proto.PUBREL, a.PacketID, proto.Success})
		}
		m.released = true
	case p.chance(4):
		p.bye(proto.ProtocolError)
	default:
		if a.Kind != proto.PUBREC || a.Reason.Failed() {
			p.quota = min(p.most, p.quota+1)
		}
		if a.Kind == proto.PUBREC && !a.Reason.Failed() && m == nil && p.chance(2) {
			r := proto.PacketIdentifierNotFound
			if p.v < proto.V5 {
				r = proto.Success
			}
			p.waiting[2] = append(p.waiting[2], ack{proto.PUBREL, a.PacketID, r})
		}
	}
}

// flush sends the next acknowledgement of a kind. A server may answer in any order.
func (p *rightPeer) flush(kind int) {
	q := p.waiting[kind]
	i := 0
	if p.server && p.chance(3) {
		i = p.random.IntN(len(q))
	}
	a := q[i]
	p.waiting[kind] = slices.Delete(q, i, i+1)
	p.write(&proto.Ack{Kind: a.kind, PacketID: a.id, Reason: a.reason})
}

// again sends the next message of an earlier connection. It reports whether there was one.
func (p *rightPeer) again() bool {
	if len(p.resend) == 0 {
		return false
	}
	m := p.resend[0]
	if !slices.Contains(p.sending, m) { // it was acknowledged since
		p.resend = p.resend[1:]
		return true
	}
	if m.released {
		p.write(&proto.Ack{Kind: proto.PUBREL, PacketID: m.PacketID})
		p.resend = p.resend[1:]
		return true
	}
	if p.quota <= 0 {
		return true
	}
	p.quota--
	m.Dup = true
	p.write(&m.Publish)
	p.resend = p.resend[1:]
	return true
}

// publish sends a message with a topic, qos and retain flag.
func (p *rightPeer) publish(m proto.Publish) {
	if p.again() || m.QoS > 0 && p.quota <= 0 {
		return
	}
	m.Payload = fmt.Appendf(nil, "%d", p.random.Uint32())
	if m.QoS > 0 {
		if m.PacketID = p.free(); m.PacketID == 0 {
			return
		}
		p.quota--
		p.sending = append(p.sending, &message{Publish: m})
	}
	if p.alias > 0 && p.chance(2) {
		n := 1 + p.random.IntN(p.alias)
		m.Props = m.Props.AppendNum(proto.TopicAlias, uint32(n))
		if p.aliases[n] == string(m.Topic) {
			m.Topic = nil
		} else {
			p.aliases[n] = string(m.Topic)
		}
	}
	p.write(&m)
}

// free returns a packet identifier that is not in use, 0 for none.
func (p *rightPeer) free() uint16 {
	for range 2 * ids {
		id := uint16(1 + p.random.IntN(ids))
		if p.find(id) < 0 && !p.ids[id] && !slices.ContainsFunc(p.waiting[2], func(a ack) bool { return a.id == id }) {
			return id
		}
	}
	return 0
}
