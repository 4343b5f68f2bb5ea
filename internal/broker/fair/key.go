package fair

import (
	"net"
	"net/netip"
)

// Key names a party that gets a share of its own: a network address, or a user. The zero Key is
// the party of all connections that have no IP address, such as those of a Unix socket.
type Key struct {
	Addr netip.Prefix
	User string
}

// KeyOf returns the Key of a network address. One IPv4 address is one party. One IPv6 network of
// 64 bits is one party too, because a single host may use all addresses of such a network.
func KeyOf(a net.Addr) Key {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return Key{}
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	if !ok {
		return Key{}
	}
	ip = ip.Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return Key{}
	}
	return Key{Addr: p}
}
