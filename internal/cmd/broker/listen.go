package broker

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/serve"
	"mqtt/internal/transport"
)

// endpoints returns where to listen, from --listen, or from --host and --port. certs is nil if none of
// the endpoints has TLS.
func (f *flags) endpoints(e *cli.Env, fs *pflag.FlagSet, private bool) (all []*transport.Endpoint, certs *certificates, err error) {
	given := f.listen
	for _, name := range []string{"host", "port"} {
		if len(given) > 0 && fs.Changed(name) {
			return nil, nil, cli.BadFlag("--listen", " with "+cli.TypedFlag(fs.Lookup(name)), "the address and the port are part of the URL: --listen mqtt://127.0.0.1:1883")
		}
	}
	if len(given) == 0 {
		u, err := f.defaultURL(fs, private)
		if err != nil {
			return nil, nil, err
		}
		given = []string{u}
	}
	var hosts, urls []string
	secure := false
	for _, s := range given {
		u, err := transport.ParseURL(s)
		if err != nil {
			return nil, nil, cli.BadFlag("--listen", ": "+err.Error(), "expected {mqtt|mqtts|ws|wss}://host:port or unix:///path")
		}
		if err := checkURL(u); err != nil {
			return nil, nil, err
		}
		end := u.Endpoint()
		if end.TLS != nil {
			if f.tls.cert == "" && f.tls.selfSigned == "" {
				return nil, nil, cli.BadFlag("--listen", " "+u.String()+" without a certificate", "use --cert and --key, or --tls-self-signed DIR to create one")
			}
			secure = true
			hosts = append(hosts, end.Host)
		}
		all, urls = append(all, end), append(urls, u.String())
	}
	if err := checkDistinct(all, urls); err != nil {
		return nil, nil, err
	}
	if err := f.tls.check(e, secure); err != nil || !secure {
		return all, nil, err
	}
	certs = f.tls.config(hosts)
	if secure {
		e.WarnOpenKey(f.tls.key)
	}
	for _, end := range all {
		if end.TLS != nil {
			end.TLS = certs.TLS
		}
	}
	return all, certs, nil
}

// checkURL rejects a URL with parts that concern clients only, or with a path that no socket can have.
func checkURL(u transport.URL) error {
	switch {
	case u.Scheme == transport.Unix && len(u.Path) > transport.LongestSocket:
		return cli.BadFlag("--listen", fmt.Sprintf(" %s: the path has %d bytes, and a socket has at most %d", u.String(), len(u.Path), transport.LongestSocket), "choose a shorter path")
	case u.User != "" || u.HasPassword:
		return cli.BadFlag("--listen", " with a user or a password in the URL", "--passwords FILE sets the users that may connect")
	case (u.Scheme == transport.MQTT || u.Scheme == transport.MQTTS) && strings.Trim(u.Path, "/") != "":
		return cli.BadFlag("--listen", " with the topic "+cli.Quote(strings.TrimPrefix(u.Path, "/"))+" in the URL", "leave out the path; --acl FILE sets the rights to topics")
	}
	return nil
}

// listenAll listens at all endpoints. failed receives the error of a listener that ends early; the goroutines end
// with ctx.
func listenAll(ctx context.Context, b *broker.Broker, endpoints []*transport.Endpoint) (listeners []*transport.Listener, failed <-chan error, err error) {
	for _, end := range endpoints {
		l, err := transport.Listen(ctx, end)
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return nil, nil, serve.ListenFailure(err)
		}
		listeners = append(listeners, l)
	}
	errs := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			if err := b.Serve(ctx, l); err != nil {
				errs <- err
			}
		}()
	}
	return listeners, errs, nil
}

// reach is from where the listeners can be reached.
type reach struct {
	others  bool // from other machines
	open    bool // at every address of this machine
	refused bool // but clients from other machines are not let in
}

// reachOf returns the reach of listeners. certs is nil if there are no listeners with TLS.
func (f *flags) reachOf(listeners []*transport.Listener, certs *certificates) (r reach) {
	for _, l := range listeners {
		a, ok := l.Addr().(*net.TCPAddr)
		if !ok || a.IP.IsLoopback() {
			continue
		}
		r.others = true
		r.open = r.open || a.IP.IsUnspecified()
		secure := certs != nil && (l.URL().Scheme == transport.MQTTS || l.URL().Scheme == transport.WSS)
		if f.access.passwords == "" && !f.access.allowAnonymous && !(secure && f.tls.cafile != "") {
			r.refused = true
		}
	}
	return r
}

// announce writes the URLs of the broker to where the flags say, once it listens.
func (f *flags) announce(e *cli.Env, listeners []*transport.Listener, certs *certificates, private bool) error {
	var lines strings.Builder
	for _, l := range listeners {
		lines.WriteString(l.URL().String())
		lines.WriteByte('\n')
	}
	if f.readyFile != "" {
		if err := serve.WriteReady(f.readyFile, []byte(lines.String())); err != nil {
			return err
		}
	}
	if f.printURL {
		if _, err := e.Out.Write([]byte(lines.String())); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	} else if !private {
		also := ""
		reach := f.reachOf(listeners, certs)
		if reach.open && !reach.refused {
			also = ", and to other machines at this one's addresses"
		}
		e.Note("serving on %s%s", strings.Join(strings.Fields(lines.String()), ", "), also)
		if e.TTYIn {
			e.Note("type help for the commands of the console")
		}
		if reach.refused {
			e.Note("clients on other machines are refused: they need --passwords, or --allow-anonymous")
		}
	}
	if certs != nil && certs.ca != "" && !private {
		e.Note("clients need --cafile %s", certs.ca)
	}
	return nil
}
