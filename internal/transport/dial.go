package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Dial connects to t and does the TLS and WebSocket handshakes. It tries all addresses of a host
// name. If tr is not nil, Dial fills it in. An error is a *Error, and wraps ctx's error if ctx
// ended.
//
// The connection has a method CloseWrite, which ends the sending half of the stream.
func Dial(ctx context.Context, t *Target, tr *Trace) (net.Conn, error) {
	d := dialer{Target: t, tr: tr, traced: tr != nil}
	if tr == nil {
		d.tr = new(Trace)
	}
	if err := d.prepare(); err != nil {
		return nil, &Error{Phase: Prepare, Addr: t.Addr(), Err: err}
	}
	c, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	d.tr.addrs(c)
	if t.TLS != nil {
		if c, err = d.secure(ctx, c); err != nil {
			return nil, err
		}
	}
	if t.WebSocket != nil {
		return d.upgrade(ctx, c)
	}
	return c, nil
}

// dialer is the state of one call of Dial.
type dialer struct {
	*Target
	tr     *Trace
	traced bool
	tls    *tls.Config
	bind   net.Addr
	system *systemNames // nil means those of this system
}

// prepare checks the target and reads its files.
func (d *dialer) prepare() (err error) {
	if err := d.check(); err != nil {
		return err
	}
	if d.Bind != "" {
		host, zone, _ := strings.Cut(d.Bind, "%")
		d.bind = &net.TCPAddr{IP: net.ParseIP(host), Zone: zone}
	}
	if d.TLS == nil {
		return nil
	}
	if d.tls, err = d.TLS.Config(); err == nil && d.tls.ServerName == "" {
		d.tls = d.tls.Clone()
		d.tls.ServerName, _, _ = strings.Cut(d.host(), "%") // certificates have no zones
	}
	return err
}

// connect connects to the server, through the proxy if there is one.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	if d.Socket != "" {
		defer timed(&d.tr.Connect)()
		c, err := new(net.Dialer).DialContext(ctx, "unix", d.Socket)
		if err != nil {
			return nil, d.fail(ctx, Connect, d.Socket, err)
		}
		return c, nil
	}
	addrs, err := d.addrs(ctx)
	if err != nil {
		return nil, err
	}
	return tryEach(ctx, addrs, d.reach)
}

// addrs returns the addresses to try, in order: that of the target, or those of its SRV records.
func (d *dialer) addrs(ctx context.Context) ([]string, error) {
	if !d.SRV {
		return []string{d.Addr()}, nil
	}
	defer timed(&d.tr.Resolve)()
	service := "mqtt"
	if d.TLS != nil {
		service = "secure-mqtt"
	}
	name := "_" + service + "._tcp." + d.host()
	_, records, err := d.resolver().LookupSRV(ctx, service, "tcp", d.host())
	if err == nil && (len(records) == 0 || len(records) == 1 && records[0].Target == ".") {
		err = errors.New("the record says that the service is not offered") // a target of ".", RFC 2782
	}
	if err != nil {
		return nil, d.fail(ctx, Resolve, name, err)
	}
	addrs := make([]string, len(records))
	for i, r := range records {
		addrs[i] = net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port)))
	}
	return addrs, nil
}

func (d *dialer) resolver() *net.Resolver {
	if d.Resolver != nil {
		return d.Resolver
	}
	return net.DefaultResolver
}

// reach connects to addr, through the proxy if there is one.
func (d *dialer) reach(ctx context.Context, addr string) (net.Conn, error) {
	if d.Proxy != nil {
		return d.dialProxy(ctx, addr)
	}
	return d.tcp(ctx, addr)
}

// tcp connects to addr. The time of the name lookup is measured separately.
func (d *dialer) tcp(ctx context.Context, addr string) (net.Conn, error) {
	nd := net.Dialer{LocalAddr: d.bind, Resolver: d.Resolver}
	inner, start, lookup := ctx, time.Now(), d.tr.Resolve
	if d.traced {
		inner = resolving(ctx, &d.tr.Resolve)
	}
	c, err := d.dialTCP(inner, &nd, addr)
	d.tr.Connect += time.Since(start) - (d.tr.Resolve - lookup)
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			host, _, _ := net.SplitHostPort(addr)
			return nil, d.fail(ctx, Resolve, host, err)
		}
		return nil, d.fail(ctx, Connect, addr, err)
	}
	return c, nil
}

// dialTCP connects to addr. The addresses of localhost are known (RFC 6761, section 6.3); IPv4 is
// tried first. A resolver would read three files to find them, a notable part of the time of a
// short command.
func (d *dialer) dialTCP(ctx context.Context, nd *net.Dialer, addr string) (net.Conn, error) {
	port, local := strings.CutPrefix(addr, "localhost:")
	if !local || nd.Resolver != nil || nd.LocalAddr != nil {
		return d.dialName(ctx, nd, addr)
	}
	c, err := nd.DialContext(ctx, "tcp", "127.0.0.1:"+port)
	if err != nil && ctx.Err() == nil {
		if other, err := nd.DialContext(ctx, "tcp", "[::1]:"+port); err == nil {
			return other, nil
		}
	}
	return c, err
}

// dialName connects to addr. Names that Go's resolver does not find are looked up as the system does.
func (d *dialer) dialName(ctx context.Context, nd *net.Dialer, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if _, notAddr := netip.ParseAddr(host); err != nil || notAddr == nil || d.Resolver != nil || !ownResolver {
		return nd.DialContext(ctx, "tcp", addr)
	}
	dialAll := func(hosts []string) (net.Conn, error) {
		addrs := make([]string, len(hosts))
		for i, h := range hosts {
			addrs[i] = net.JoinHostPort(h, port)
		}
		return tryEach(ctx, addrs, func(ctx context.Context, a string) (net.Conn, error) { return nd.DialContext(ctx, "tcp", a) })
	}
	if isMulticastName(host) {
		if found := d.timedNames(ctx, host, d.names().local); len(found) > 0 {
			return dialAll(found)
		}
	}
	c, err := nd.DialContext(ctx, "tcp", addr)
	if !notFound(err) || ctx.Err() != nil {
		return c, err
	}
	if found := d.timedNames(ctx, host, d.names().modules); len(found) > 0 {
		return dialAll(found)
	}
	return nil, err
}

// lookupHost returns the addresses of host, as dialName finds them.
func (d *dialer) lookupHost(ctx context.Context, host string) ([]string, error) {
	_, notAddr := netip.ParseAddr(host)
	own := notAddr != nil && d.Resolver == nil && ownResolver
	if own && isMulticastName(host) {
		if found := d.names().local(ctx, host); len(found) > 0 {
			return found, nil
		}
	}
	addrs, err := d.resolver().LookupHost(ctx, host)
	if own && notFound(err) && ctx.Err() == nil {
		if found := d.names().modules(ctx, host); len(found) > 0 {
			return found, nil
		}
	}
	return addrs, err
}

// names returns the system's sources of names.
func (d *dialer) names() *systemNames {
	if d.system != nil {
		return d.system
	}
	return system
}

// timedNames calls lookup and adds its time to that of the name lookup.
func (d *dialer) timedNames(ctx context.Context, host string, lookup func(context.Context, string) []string) []string {
	defer timed(&d.tr.Resolve)()
	return lookup(ctx, host)
}

// notFound reports whether err says that no name server knows a host, or that there is none. A name
// server that does not answer is not asked again.
func notFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && !dns.IsTimeout
}

// fail returns the error of a phase. If ctx has ended, the cause is ctx's error.
func (d *dialer) fail(ctx context.Context, p Phase, addr string, err error) error {
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return &Error{Phase: p, Addr: addr, Err: err}
}

// guard makes the end of ctx end reads and writes on c, until release is called. c then has no
// deadline.
func guard(ctx context.Context, c net.Conn) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	return func() {
		if !stop() {
			<-done
		}
		c.SetDeadline(time.Time{})
	}
}
