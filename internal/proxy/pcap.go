package proxy

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// Pcap is a Watcher that writes a pcapng file: each connection as TCP between the client's address
// and port 1883 of 127.0.0.1, in clear text, whatever the transports were. The packets are as their
// senders sent them, with passwords and authentication data masked. A fault is a comment.
type Pcap struct {
	*Log
	mu    sync.Mutex // held while the order of segments matters
	flows map[uint64]*flow
}

// NewPcap returns a Pcap that writes to l.
func NewPcap(l *Log) *Pcap {
	l.Append(appendPcapHead)
	return &Pcap{Log: l, flows: make(map[uint64]*flow)}
}

// flow is the TCP connection that a file shows.
type flow struct {
	client   netip.AddrPort
	seq      [2]uint32 // of the next byte, from the server and from the client
	finished [2]bool
}

// Blocks and options of pcapng (draft-ietf-opsawg-pcapng).
const (
	sectionBlock   = 0x0A0D0D0A
	interfaceBlock = 1
	packetBlock    = 6
	byteOrder      = 0x1A2B3C4D
	linkRaw        = 101 // packets begin with the IP header
	optComment     = 1
	optResolution  = 9
)

// TCP flags.
const (
	tcpFin = 1
	tcpSyn = 2
	tcpPsh = 8
	tcpAck = 16
)

const (
	ipHeader   = 20
	tcpHeader  = 20
	mostInTCP  = 32 << 10 // payload of one segment
	serverPort = 1883
)

var le = binary.LittleEndian

// appendPcapHead appends the section and the interface, whose times are in nanoseconds.
func appendPcapHead(b []byte) []byte {
	b = le.AppendUint32(b, sectionBlock)
	b = le.AppendUint32(b, 28)
	b = le.AppendUint32(b, byteOrder)
	b = le.AppendUint32(b, 1)          // version 1.0
	b = le.AppendUint64(b, ^uint64(0)) // length of the section: not known
	b = le.AppendUint32(b, 28)

	b = le.AppendUint32(b, interfaceBlock)
	b = le.AppendUint32(b, 32)
	b = le.AppendUint32(b, linkRaw)
	b = le.AppendUint32(b, 0) // packets of any length
	b = le.AppendUint16(b, optResolution)
	b = le.AppendUint16(b, 1)
	b = append(b, 9, 0, 0, 0)
	b = le.AppendUint32(b, 0) // end of options
	return le.AppendUint32(b, 32)
}

// Packet implements Watcher.
func (x *Pcap) Packet(p *Packet) {
	comment := ""
	if word := p.Fault(); word != "" {
		comment = "fault: " + word
	}
	x.add(p.Source, p.In, p.Masked(), p.Time, comment)
}

// Rest implements Watcher.
func (x *Pcap) Rest(s *Source, in bool, b []byte) { x.add(s, in, b, time.Now(), "") }

// add writes the bytes of one direction.
func (x *Pcap) add(s *Source, in bool, b []byte, at time.Time, comment string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Append(func(dst []byte) []byte {
		f := x.flows[s.Connection]
		if f == nil {
			f = newFlow(s)
			x.flows[s.Connection] = f
			dst = f.handshake(dst, at)
		}
		for len(b) > 0 {
			n := min(len(b), mostInTCP)
			dst = f.segment(dst, in, tcpPsh|tcpAck, b[:n], at, comment)
			b, comment = b[n:], ""
		}
		return dst
	})
}

// End implements Watcher.
func (x *Pcap) End(s *Source, in bool, _ string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.flows[s.Connection]
	if f == nil {
		return
	}
	x.Append(func(dst []byte) []byte { return f.segment(dst, in, tcpFin|tcpAck, nil, time.Now(), "") })
	f.finished[index(in)] = true
	if f.finished[0] && f.finished[1] {
		delete(x.flows, s.Connection)
	}
}

func index(in bool) int {
	if in {
		return 1
	}
	return 0
}

// newFlow returns the TCP connection of a client. A client without an IPv4 address has 127.0.0.1 and
// a port made of the connection's number.
func newFlow(s *Source) *flow {
	client, err := netip.ParseAddrPort(s.Address)
	client = netip.AddrPortFrom(client.Addr().Unmap(), client.Port())
	if err != nil || !client.Addr().Is4() {
		client = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(10_000+s.Connection%50_000))
	}
	return &flow{client: client, seq: [2]uint32{1, 1}}
}

func (f *flow) handshake(dst []byte, at time.Time) []byte {
	f.seq = [2]uint32{}
	dst = f.segment(dst, true, tcpSyn, nil, at, "")
	dst = f.segment(dst, false, tcpSyn|tcpAck, nil, at, "")
	return f.segment(dst, true, tcpAck, nil, at, "")
}

// segment appends a block with one TCP segment.
func (f *flow) segment(dst []byte, in bool, flags byte, b []byte, at time.Time, comment string) []byte {
	from, to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), serverPort), f.client
	if in {
		from, to = to, from
	}
	size := ipHeader + tcpHeader + len(b)
	padded := (size + 3) &^ 3
	options := 0
	if comment != "" {
		options = 4 + (len(comment)+3)&^3 + 4
	}
	total := uint32(28 + padded + options + 4)
	ns := uint64(at.UnixNano())
	dst = le.AppendUint32(dst, packetBlock)
	dst = le.AppendUint32(dst, total)
	dst = le.AppendUint32(dst, 0) // interface
	dst = le.AppendUint32(dst, uint32(ns>>32))
	dst = le.AppendUint32(dst, uint32(ns))
	dst = le.AppendUint32(dst, uint32(size))
	dst = le.AppendUint32(dst, uint32(size))
	dst = f.appendIP(dst, from, to, flags, b, in)
	dst = append(dst, make([]byte, padded-size)...)
	if comment != "" {
		dst = le.AppendUint16(dst, optComment)
		dst = le.AppendUint16(dst, uint16(len(comment)))
		dst = append(dst, comment...)
		dst = append(dst, make([]byte, -len(comment)&3)...)
		dst = le.AppendUint32(dst, 0) // end of options
	}
	dst = le.AppendUint32(dst, total)
	f.seq[index(in)] += uint32(len(b))
	if flags&(tcpSyn|tcpFin) != 0 {
		f.seq[index(in)]++
	}
	return dst
}

// appendIP appends an IPv4 packet with a TCP segment.
func (f *flow) appendIP(dst []byte, from, to netip.AddrPort, flags byte, b []byte, in bool) []byte {
	be := binary.BigEndian
	start := len(dst)
	src, target := from.Addr().As4(), to.Addr().As4()
	dst = append(dst, 0x45, 0)
	dst = be.AppendUint16(dst, uint16(ipHeader+tcpHeader+len(b)))
	dst = append(dst, 0, 0, 0x40, 0, 64, 6, 0, 0) // do not fragment; TTL 64; TCP; checksum below
	dst = append(append(dst, src[:]...), target[:]...)
	be.PutUint16(dst[start+10:], checksum(0, dst[start:]))

	at := len(dst)
	dst = be.AppendUint16(dst, from.Port())
	dst = be.AppendUint16(dst, to.Port())
	dst = be.AppendUint32(dst, f.seq[index(in)])
	ack := uint32(0)
	if flags&tcpAck != 0 {
		ack = f.seq[index(!in)]
	}
	dst = be.AppendUint32(dst, ack)
	dst = append(dst, 0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0)
	dst = append(dst, b...)
	pseudo := sum(sum(6+uint32(tcpHeader+len(b)), src[:]), target[:])
	be.PutUint16(dst[at+16:], checksum(pseudo, dst[at:]))
	return dst
}

// sum adds the 16-bit words of b to x.
func sum(x uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		x += uint32(b[0])<<8 | uint32(b[1])
		x = x&0xFFFF + x>>16
	}
	if len(b) == 1 {
		x += uint32(b[0]) << 8
	}
	return x&0xFFFF + x>>16
}

// checksum returns the internet checksum (RFC 1071) of b, continued from x.
func checksum(x uint32, b []byte) uint16 { return ^uint16(sum(x, b)) }
