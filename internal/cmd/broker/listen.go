package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/transport"
)

// endpoints reads --listen, or --host and --port. A broker for a command takes a free port unless told otherwise.
func (f *flags) endpoints(e *cli.Env, fs *pflag.FlagSet, private bool) ([]*transport.Endpoint, error) {
	given := f.listen
	for _, name := range []string{"host", "port"} {
		if len(given) > 0 && fs.Changed(name) {
			return nil, cli.BadFlag("--listen", " with "+cli.TypedFlag(fs.Lookup(name)), "the address and the port belong into the URL: --listen mqtt://127.0.0.1:1883")
		}
	}
	if len(given) == 0 {
		port := f.port
		if private && !fs.Changed("port") {
			port = "0"
		}
		given = []string{"mqtt://" + net.JoinHostPort(strings.Trim(f.host, "[]"), port)}
	}
	var all []*transport.Endpoint
	secure := false
	for _, s := range given {
		u, err := transport.ParseURL(s)
		if err != nil {
			return nil, cli.BadFlag("--listen", ": "+err.Error(), "expected {mqtt|mqtts|ws|wss}://host:port or unix:///path")
		}
		if err := listenable(u); err != nil {
			return nil, err
		}
		end := u.Endpoint()
		if end.TLS != nil {
			if f.cert == "" {
				return nil, cli.BadFlag("--listen", " "+u.String()+" without a certificate", "name it with --cert, and its key with --key")
			}
			secure = true
			end.TLS.Cert, end.TLS.Key, end.TLS.CAFile = f.cert, f.key, f.cafile
		}
		all = append(all, end)
	}
	for _, name := range []string{"cert", "key", "cafile"} {
		if !secure && e.Typed[name] { // in the environment it may be for clients
			return nil, cli.BadFlag("--"+name, " without a listener with TLS", "add one, as in --listen mqtts://127.0.0.1:8883 or wss://127.0.0.1:8443")
		}
	}
	return all, nil
}

// listenable refuses what a URL says to a client alone.
func listenable(u transport.URL) error {
	switch {
	case u.User != "" || u.HasPassword:
		return cli.BadFlag("--listen", " with a user or a password in the URL", "--passwords names a file of the users that may connect")
	case (u.Scheme == transport.MQTT || u.Scheme == transport.MQTTS) && strings.Trim(u.Path, "/") != "":
		return cli.BadFlag("--listen", " with the topic "+cli.Quote(strings.TrimPrefix(u.Path, "/"))+" in the URL", "leave out what stands behind the port; --acl names a file of the topics that may be used")
	}
	return nil
}

// serve listens everywhere. failed gets the error of a listener that ends before its time; the goroutines end with ctx.
// open tells whether one of the listeners takes connections to any address of this machine.
func serve(ctx context.Context, b *broker.Broker, endpoints []*transport.Endpoint) (urls []transport.URL, open bool, failed <-chan error, err error) {
	listeners := make([]*transport.Listener, 0, len(endpoints))
	for _, end := range endpoints {
		l, err := transport.Listen(ctx, end)
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return nil, false, nil, &cli.Failure{Code: listenStatus(err), Err: err, Hint: transport.Hint(err)}
		}
		listeners = append(listeners, l)
		urls = append(urls, l.URL())
		if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsUnspecified() {
			open = true
		}
	}
	errs := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			if err := b.Serve(ctx, l); err != nil {
				errs <- err
			}
		}()
	}
	return urls, open, errs, nil
}

// listenStatus tells wrong flags from an address that cannot be had.
func listenStatus(err error) int {
	var t *transport.Error
	if errors.As(err, &t) && t.Phase == transport.Prepare {
		return cli.ExitUsage
	}
	return cli.ExitOther
}

// announce tells where the broker is to be found, when it can be.
func (f *flags) announce(e *cli.Env, urls []transport.URL, open, private bool) error {
	var lines strings.Builder
	for _, u := range urls {
		lines.WriteString(u.String())
		lines.WriteByte('\n')
	}
	if f.readyFile != "" {
		if err := writeReady(f.readyFile, []byte(lines.String())); err != nil {
			return fmt.Errorf("--ready-file: %w", err)
		}
	}
	if f.printURL {
		if _, err := e.Out.Write([]byte(lines.String())); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	} else if !private {
		also := ""
		if open {
			also = ", and to other machines at this one's addresses"
		}
		e.Note("serving on %s%s", strings.Join(strings.Fields(lines.String()), ", "), also)
	}
	return nil
}

// writeReady writes a file of which nobody reads half: it is there at once. What is no plain file, as /dev/stdout, /dev/fd/3
// or a FIFO, is written to, and stays what it is.
func writeReady(path string, b []byte) error {
	if is, err := os.Lstat(path); err == nil && !is.Mode().IsRegular() && !is.IsDir() {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		return cli.FirstError(err, f.Close())
	}
	part := path + ".part"
	if err := os.WriteFile(part, b, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}
