package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// systemNames finds the host names that C programs find and Go's resolver does not: Go reads
// /etc/hosts and asks name servers, but does not use the modules in /etc/nsswitch.conf.
type systemNames struct {
	avahi  string        // socket of avahi-daemon
	mdns   string        // address for multicast DNS
	getent string        // program that asks the modules
	wait   time.Duration // bounds one source of names in .local
}

var system = &systemNames{avahi: "/run/avahi-daemon/socket", mdns: "224.0.0.251:5353", getent: "getent", wait: mdnsWait}

// mdnsWait is the wait for one source of names in .local. A device that sleeps needs about a second.
const mdnsWait = 2500 * time.Millisecond

// ownResolver reports whether Go resolves names without the system's library. On macOS and Windows
// it uses that library.
const ownResolver = runtime.GOOS != "darwin" && runtime.GOOS != "windows"

// isMulticastName reports whether host belongs to multicast DNS (RFC 6762, section 3).
func isMulticastName(host string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".local")
}

// local returns the addresses of a name in .local: from /etc/hosts, avahi-daemon or multicast DNS,
// nil if none of them knows it.
func (s *systemNames) local(ctx context.Context, host string) []string {
	hosts := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("only the file is read")
	}}
	if addrs, err := hosts.LookupHost(ctx, host); err == nil {
		return addrs
	}
	host = strings.TrimSuffix(host, ".")
	if addrs := s.askAvahi(ctx, host); len(addrs) > 0 {
		return addrs
	}
	return s.askMulticast(ctx, host)
}

// askAvahi asks avahi-daemon for the IPv4 and the IPv6 address of host, and returns what comes first.
func (s *systemNames) askAvahi(ctx context.Context, host string) []string {
	if strings.ContainsAny(host, " \t\r\n") {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	found := make(chan string, 2)
	for _, command := range []string{"RESOLVE-HOSTNAME-IPV4 ", "RESOLVE-HOSTNAME-IPV6 "} {
		go func() { found <- s.avahiAnswer(ctx, command+host+"\n") }() // ends with ctx
	}
	for range 2 {
		if addr := <-found; addr != "" {
			return []string{addr}
		}
	}
	return nil
}

// avahiAnswer sends a command to avahi-daemon and returns the address in its answer,
// "+ INTERFACE PROTOCOL NAME ADDRESS", or "".
func (s *systemNames) avahiAnswer(ctx context.Context, command string) string {
	c, err := new(net.Dialer).DialContext(ctx, "unix", s.avahi)
	if err != nil {
		return ""
	}
	defer c.Close()
	defer guard(ctx, c)()
	if _, err := io.WriteString(c, command); err != nil {
		return ""
	}
	line, err := bufio.NewReader(io.LimitReader(c, 1<<10)).ReadString('\n')
	f := strings.Fields(line)
	if err != nil || len(f) < 5 || f[0] != "+" {
		return ""
	}
	addr, err := netip.ParseAddr(f[4])
	if err != nil {
		return ""
	}
	if number, err := strconv.Atoi(f[1]); err == nil && addr.Is6() && addr.IsLinkLocalUnicast() && addr.Zone() == "" {
		if i, err := net.InterfaceByIndex(number); err == nil {
			addr = addr.WithZone(i.Name)
		}
	}
	return addr.String()
}

// askMulticast sends a query of multicast DNS and returns the addresses of the first answer. It is sent
// twice, because packets get lost. Answers come to the port of the query (RFC 6762, section 5.1).
func (s *systemNames) askMulticast(ctx context.Context, host string) []string {
	name, err := dnsmessage.NewName(host + ".")
	if err != nil {
		return nil
	}
	packet, err := question(name)
	to, addrErr := net.ResolveUDPAddr("udp4", s.mdns)
	if err != nil || addrErr != nil {
		return nil
	}
	c, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", ":0")
	if err != nil {
		return nil
	}
	defer c.Close()
	buf := make([]byte, 9000) // the largest packet of multicast DNS
	for range 2 {
		limit := time.Now().Add(s.wait / 2)
		if end, ok := ctx.Deadline(); ok && end.Before(limit) {
			limit = end
		}
		if _, err := c.WriteTo(packet, to); err != nil {
			return nil // no network
		}
		c.SetReadDeadline(limit)
		for ctx.Err() == nil {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				break
			}
			if addrs := answered(buf[:n], name); len(addrs) > 0 {
				return addrs
			}
		}
	}
	return nil
}

// question returns a DNS query for the addresses of name.
func question(name dnsmessage.Name) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	for _, t := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		if err := b.Question(dnsmessage.Question{Name: name, Type: t, Class: dnsmessage.ClassINET}); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// answered returns the addresses of name in a DNS answer, nil if the answer is malformed.
func answered(packet []byte, name dnsmessage.Name) (addrs []string) {
	var p dnsmessage.Parser
	h, err := p.Start(packet)
	if err != nil || !h.Response || p.SkipAllQuestions() != nil {
		return nil
	}
	for {
		r, err := p.AnswerHeader()
		if err == dnsmessage.ErrSectionDone {
			return addrs
		}
		switch {
		case err != nil:
		case !strings.EqualFold(r.Name.String(), name.String()):
			err = p.SkipAnswer()
		case r.Type == dnsmessage.TypeA:
			var a dnsmessage.AResource
			if a, err = p.AResource(); err == nil {
				addrs = append(addrs, netip.AddrFrom4(a.A).String())
			}
		case r.Type == dnsmessage.TypeAAAA:
			var a dnsmessage.AAAAResource
			if a, err = p.AAAAResource(); err == nil {
				if a := netip.AddrFrom16(a.AAAA); !a.IsLinkLocalUnicast() { // its zone is unknown
					addrs = append(addrs, a.String())
				}
			}
		default:
			err = p.SkipAnswer()
		}
		if err != nil {
			return nil
		}
	}
}

// modules returns the addresses of host that the modules of /etc/nsswitch.conf know, nil for none. They
// are C libraries, so a program of the system asks them.
func (s *systemNames) modules(ctx context.Context, host string) (addrs []string) {
	if strings.HasPrefix(host, "-") {
		return nil
	}
	out, err := exec.CommandContext(ctx, s.getent, "ahosts", host).Output()
	if err != nil {
		return nil
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(out) {
		word, _, _ := strings.Cut(string(line), " ")
		if a, err := netip.ParseAddr(word); err == nil && !seen[word] {
			seen[word] = true
			addrs = append(addrs, a.String())
		}
	}
	return addrs
}
