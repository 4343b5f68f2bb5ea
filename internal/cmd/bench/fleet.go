package bench

import (
	"bufio"
	"context"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
	"mqtt/internal/transport"
)

// fleetFlags say who the clients are, and which share of the work this process does.
type fleetFlags struct {
	credentials string
	offset      int
	runName     string
	embedded    bool
}

func (f *fleetFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.credentials, "credentials", "", "read a USER:PASSWORD line for each client from `FILE`")
	fs.IntVar(&f.offset, "client-offset", 0, "number clients from `N`, to split a test between machines")
	fs.StringVar(&f.runName, "run", "", "measure together with processes that have the same `NAME`")
	fs.BoolVar(&f.embedded, "embedded", false, "measure a broker inside this process")
}

// fleet makes the configuration of each client.
type fleet struct {
	users   []credential
	scram   string   // the method by which users authenticate; "" if they send passwords
	sources []string // local addresses, used in turn
	prefix  string   // of client identifiers
	trace   sync.Mutex
}

type credential struct {
	name, password string
	at             string // flag, file and line, for errors
}

// compile reads what differs from client to client, and checks whether this machine can have so many
// connections.
func (f *fleetFlags) compile(e *cli.Env, fs *pflag.FlagSet, c *connect.Flags, b *bench.Plan, clients int) (*fleet, error) {
	t := &fleet{}
	if f.offset < 0 {
		return nil, cli.BadNumber("--client-offset", f.offset, "expected 0 or more")
	}
	if strings.ContainsAny(f.runName, "/+#") || proto.CheckText(f.runName) != nil {
		return nil, cli.BadValue("--run", f.runName, "a name has no / + or #: it becomes a part of topics")
	}
	b.Offset, b.RunName = f.offset, f.runName
	if f.credentials != "" {
		var err error
		if t.users, err = readCredentials(f.credentials); err != nil {
			return nil, err
		}
		if len(t.users) < f.offset+clients {
			what := ": " + strconv.Itoa(len(t.users)) + " lines for " + strconv.Itoa(clients) + " clients"
			if f.offset > 0 {
				what += " from number " + strconv.Itoa(f.offset) + " on (--client-offset)"
			}
			return nil, cli.BadFlag("--credentials", what, "add a line USER:PASSWORD for each")
		}
		t.users = t.users[f.offset:]
		if fs.Changed("username") || fs.Changed("pw") || fs.Changed("password-file") {
			return nil, cli.Conflict("--credentials", "-u", "-P", "--password-file")
		}
		c.Identity.PerClient = true
	}
	if c.Server.Bind != "" {
		for s := range strings.SplitSeq(c.Server.Bind, ",") {
			s = strings.TrimSpace(s)
			if _, err := netip.ParseAddr(s); err != nil {
				return nil, cli.BadValue("--bind", c.Server.Bind, "expected IP addresses of this machine, as in 10.0.0.1,10.0.0.2")
			}
			t.sources = append(t.sources, s)
		}
		c.Server.Bind = t.sources[0]
	}
	t.prefix = c.Identity.Id + c.Identity.IdPrefix
	if t.prefix == "" {
		t.prefix = "bench-" + cli.RandomID("b")[:8]
	}
	descriptors, sources := clients, max(len(t.sources), 1)
	if f.embedded {
		descriptors *= 2
	}
	if c.Server.Unix != "" || strings.HasPrefix(c.Server.URL, "unix:") || c.Server.Proxy != "" && c.Server.Proxy != "none" {
		sources = 0
	}
	if err := bench.Preflight(descriptors, sources); err != nil {
		return nil, err
	}
	return t, nil
}

// readCredentials reads lines of user, colon and password, which is all of the rest. Empty lines, and
// lines that begin with #, do not count.
func readCredentials(name string) ([]credential, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, cli.BadFlag("--credentials", ": "+err.Error(), "check that the file exists and is readable")
	}
	defer file.Close()
	var all []credential
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 2*proto.MaxText)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		at := "--credentials: " + name + ":" + strconv.Itoa(n)
		user, password, ok := strings.Cut(line, ":")
		if !ok {
			return nil, cli.BadFlag(at, ": no colon", "expected USER:PASSWORD")
		}
		if err := cli.CheckText(at, user); err != nil {
			return nil, err
		}
		all = append(all, credential{user, password, at})
	}
	if err := lines.Err(); err != nil {
		return nil, cli.BadFlag("--credentials", ": "+err.Error(), "expected lines of USER:PASSWORD")
	}
	return all, nil
}

// The shortest time that sessions of clients that come back are requested for, and the time if it is
// not known how long the run takes.
const (
	minExpiry     = 5 * time.Minute
	unknownExpiry = 24 * time.Hour
)

// expiryFor returns the Session Expiry Interval, in seconds, with which sessions last for all of the
// run and the wait for its last messages.
func expiryFor(b *bench.Plan) uint32 {
	sending := b.Duration
	if b.Messages > 0 && b.Rate > 0 {
		if d := time.Duration(min(float64(b.Messages)/b.Rate, 1e9) * 1e9); sending == 0 || d < sending {
			sending = d
		}
	}
	if sending == 0 {
		return uint32(unknownExpiry.Seconds())
	}
	last := sending + b.Warmup + 2*b.Drain + time.Minute // the first Drain is for acknowledgements
	if !b.StartAt.IsZero() {
		last += max(time.Until(b.StartAt), 0)
	}
	if b.Ramp > 0 {
		last += time.Duration(float64(b.Publishers+2*b.Subscribers) / b.Ramp * 1e9)
	}
	return uint32(min(max(last, minExpiry).Seconds(), math.MaxUint32-1))
}

// sessions asks for lasting sessions if clients will come back.
func (t *fleet) sessions(f *connect.Flags, fs *pflag.FlagSet, p *connect.Plan, b *bench.Plan) error {
	c := &p.Cfg.Connect
	what := ""
	switch {
	case b.Order == bench.Offline:
		what = "--offline"
	case b.Churn > 0 && b.Clients == 0:
		what = "--churn"
	case p.Backoff.Tries != 0 && b.Clients == 0:
		what = "--reconnect"
	}
	b.Backoff = p.Backoff
	b.Backoff.Notice = nil
	b.Config.Persistent = f.Session.KeepSession || what != "" && c.Version >= proto.V5
	given := c.Props.Has(proto.SessionExpiryInterval)
	switch {
	case what == "":
	case c.Version < proto.V5 && !f.Session.KeepSession && what == "--offline":
		return cli.BadFlag("--offline", " with MQTT "+c.Version.String(), "add -c, so that the sessions last; MQTT 5 does not need it")
	case c.Version < proto.V5:
	case given && c.Props.Num(proto.SessionExpiryInterval, 0) == 0 && what == "--offline":
		return cli.BadFlag("--offline", " with a session expiry of 0", "leave out -x, or give -x the seconds that sessions last")
	default:
		if what == "--offline" && !f.Session.KeepSession {
			if err := p.RequireV5("--offline"); err != nil {
				return err
			}
		}
		if !given {
			c.Props = c.Props.AppendNum(proto.SessionExpiryInterval, expiryFor(b))
		}
		p.TemporarySession = p.TemporarySession || !f.Session.KeepSession && (!given || what == "--offline")
		b.EndSessions = p.TemporarySession
	}
	b.Disconnect = f.Disconnect(p)
	return nil
}

// severalAddresses is the usage of --bind, which takes several addresses here.
const severalAddresses = "connect from local `ADDRESS`es in turn: --bind a,b,c"

// equip gives b the configuration of its clients.
func (t *fleet) equip(f *connect.Flags, p *connect.Plan, b *bench.Plan) error {
	if err := t.checkScram(&f.Identity); err != nil {
		return err
	}
	target := p.Target
	b.Config.Server = string(target.Scheme()) + "://" + target.Addr()
	b.Config.KeepAlive = int(p.Cfg.Connect.KeepAlive)
	show := p.Cfg.Trace
	p.Cfg.Shortened = nil
	if note := p.Cfg.FellBack; note != nil { // once, although each client falls back for itself
		var once sync.Once
		p.Cfg.FellBack = func(why error) { once.Do(func() { note(why) }) }
	}
	b.Configure = func(role bench.Role, number int, took *bench.Phases) (*conn.Config, error) {
		cfg := new(conn.Config)
		*cfg = *p.Cfg
		place := number - b.Offset
		if role == bench.Subscriber {
			place += b.Publishers
		}
		cfg.Connect.ClientID = t.prefix + [...]string{"p", "s", "c", "k"}[role] + strconv.Itoa(number)
		t.identify(cfg, place)
		if w := cfg.Connect.Will; w != nil && b.WillTopic != nil {
			will := *w
			will.Topic = string(b.WillTopic.Append(nil, number, 0))
			cfg.Connect.Will = &will
		}
		if role == bench.ClockClient || b.Clients > 0 && role == bench.Subscriber {
			cfg.Connect.Will = nil
		}
		if show != nil {
			cfg.Trace = func(sent bool, f proto.Frame, v proto.Version) {
				t.trace.Lock()
				defer t.trace.Unlock()
				show(sent, f, v)
			}
		}
		at := target
		if len(t.sources) > 0 {
			own := *target
			own.Bind = t.sources[place%len(t.sources)]
			at = &own
		}
		cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
			trace := new(transport.Trace)
			nc, err := connect.Dial(ctx, at, v, trace)
			*took = bench.Phases{Resolve: trace.Resolve, Connect: trace.Connect, Proxy: trace.Proxy, TLS: trace.TLS, WebSocket: trace.WebSocket}
			if at.Socket != "" {
				took.Connect, took.Unix = 0, trace.Connect
			}
			return nc, err
		}
		return cfg, nil
	}
	return nil
}

// identify sets the credentials of a client.
func (t *fleet) identify(cfg *conn.Config, place int) {
	if len(t.users) == 0 {
		return
	}
	c := &cfg.Connect
	u := &t.users[place%len(t.users)]
	cfg.Password = nil
	c.HasUsername, c.Username = true, u.name
	c.HasPassword, c.Password = true, []byte(u.password)
	if t.scram != "" {
		cfg.Auth = connect.TakeScram(t.scram, c)
	}
}

// checkScram rejects credentials that the SCRAM method of --auth-method cannot carry.
func (t *fleet) checkScram(f *connect.IdentityFlags) error {
	method := strings.ToUpper(f.AuthMethod)
	if len(t.users) == 0 || !scram.Supported(method) {
		return nil
	}
	t.scram = method
	for i := range t.users {
		u := &t.users[i]
		if err := connect.CheckScram(u.at+": user name", u.at+": password", method, u.name, u.password); err != nil {
			return err
		}
	}
	return nil
}

// embeddedVersion returns what the embedded broker is.
func embeddedVersion(e *cli.Env) string {
	return "mqtt " + e.Version() + ", in the generator's process"
}

// embed starts a broker and points the flags to it. stop ends it.
func embed(ctx context.Context, e *cli.Env, f *connect.ServerFlags) (stop func(), err error) {
	for _, name := range []string{"host", "port", "url", "unix", "srv", "proxy"} {
		if e.Typed[name] {
			return nil, cli.BadFlag("--embedded", " with --"+name, "give one of them")
		}
	}
	b := broker.New(broker.Options{Version: "mqtt " + e.Version(), SysInterval: -1})
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop = func() {
		cancel()
		ctx, cancel := context.WithTimeout(context.Background(), embeddedEnds)
		defer cancel()
		b.Close(ctx)
	}
	end := &transport.Endpoint{Host: "127.0.0.1", Port: "0"}
	l, err := transport.Listen(serving, end)
	if err != nil {
		stop()
		return nil, err
	}
	go b.Serve(serving, l)                                                          // until stop is called
	*f = connect.ServerFlags{Host: l.URL().Host, Port: l.URL().Port, Proxy: "none"} // the environment does not matter
	return stop, nil
}

// embeddedEnds limits how long the embedded broker takes to end.
const embeddedEnds = 2 * time.Second
