package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Dial connects to t and returns a connection on which MQTT can begin: TLS and WebSocket
// handshakes are done. All addresses of a name are tried. tr takes times and facts and
// may be nil. An error is a *Error; where ctx ended, it wraps ctx's error.
//
// The connection has CloseWrite: it says that nothing more will be sent while reading
// goes on.
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

// dialer is one Dial under way.
type dialer struct {
	*Target
	tr     *Trace
	traced bool
	tls    *tls.Config
	bind   net.Addr
}

// prepare is what can go wrong before any connection.
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
		d.tls.ServerName, _, _ = strings.Cut(d.host(), "%") // a zone is in no certificate
	}
	return err
}

// connect reaches the server, or the proxy and through it the server.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	if d.Socket != "" {
		defer timed(&d.tr.Connect)()
		c, err := new(net.Dialer).DialContext(ctx, "unix", d.Socket)
		if err != nil {
			return nil, d.fail(ctx, Connect, d.Socket, err)
		}
		return c, nil
	}
	places, err := d.places(ctx)
	if err != nil {
		return nil, err
	}
	var last error
	for _, place := range places {
		c, err := d.reach(ctx, place)
		if err == nil {
			return c, nil
		}
		if last = err; ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// places returns the addresses to try, in order: one, or what the SRV record names.
func (d *dialer) places(ctx context.Context) ([]string, error) {
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
		err = errors.New("the record says that the service is not offered") // RFC 2782: a target of "."
	}
	if err != nil {
		return nil, d.fail(ctx, Resolve, name, err)
	}
	places := make([]string, len(records))
	for i, r := range records {
		places[i] = net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port)))
	}
	return places, nil
}

func (d *dialer) resolver() *net.Resolver {
	if d.Resolver != nil {
		return d.Resolver
	}
	return net.DefaultResolver
}

// reach connects to place.
func (d *dialer) reach(ctx context.Context, place string) (net.Conn, error) {
	if d.Proxy != nil {
		return d.throughProxy(ctx, place)
	}
	return d.tcp(ctx, place)
}

// tcp connects to addr; the name lookup is timed apart.
func (d *dialer) tcp(ctx context.Context, addr string) (net.Conn, error) {
	nd := net.Dialer{LocalAddr: d.bind, Resolver: d.Resolver}
	inner, start, lookup := ctx, time.Now(), d.tr.Resolve
	if d.traced {
		inner = resolving(ctx, &d.tr.Resolve)
	}
	c, err := dialTCP(inner, &nd, addr)
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

// dialTCP has nd connect to addr. The addresses of localhost are known (RFC 6761, 6.3), IPv4's is tried first: a resolver would
// read three files to tell them, which a short command notices.
func dialTCP(ctx context.Context, nd *net.Dialer, addr string) (net.Conn, error) {
	port, local := strings.CutPrefix(addr, "localhost:")
	if !local || nd.Resolver != nil || nd.LocalAddr != nil {
		return nd.DialContext(ctx, "tcp", addr)
	}
	c, err := nd.DialContext(ctx, "tcp", "127.0.0.1:"+port)
	if err != nil && ctx.Err() == nil {
		if other, err := nd.DialContext(ctx, "tcp", "[::1]:"+port); err == nil {
			return other, nil
		}
	}
	return c, err
}

// secure does the TLS handshake.
func (d *dialer) secure(ctx context.Context, c net.Conn) (net.Conn, error) {
	defer timed(&d.tr.TLS)()
	tc := tls.Client(c, d.tls)
	if err := tc.HandshakeContext(ctx); err != nil {
		c.Close()
		if errors.Is(err, io.EOF) {
			err = errHungUp
		}
		return nil, d.fail(ctx, Secure, d.Addr(), err)
	}
	d.tr.tls(tc.ConnectionState())
	return tc, nil
}

// fail makes the error of a phase. What ctx's end broke is ctx's error.
func (d *dialer) fail(ctx context.Context, p Phase, addr string, err error) error {
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return &Error{Phase: p, Addr: addr, Err: err}
}

// guard lets the end of ctx break reads and writes on c. release ends that; after it,
// c has no deadline.
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
