package main

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// connection is the flags that every command with a connection has, in groups of one concern.
type connection struct {
	server     serverFlags
	tls        tlsFlags
	identity   identityFlags
	session    sessionFlags
	will       willFlags
	properties propertyFlags
	display    cli.DisplayFlags
	config     cli.ConfigFlags
	mosquitto  mosquittoFlags
}

func (f *connection) register(fs *pflag.FlagSet, publishes bool) {
	f.server.register(fs)
	f.identity.register(fs)
	f.session.register(fs)
	f.will.register(fs)
	f.properties.register(fs, publishes)
	f.tls.register(fs)
	f.config.Register(fs)
	f.display.Register(fs)
	f.mosquitto.register(fs)
}

// plan is how a command will connect.
type plan struct {
	cfg      *conn.Config
	backoff  conn.Backoff
	topic    string // of an mqtt URL's path
	server   string // its address, for errors
	secure   bool   // it is reached by TLS
	auto     bool   // no version was asked for, so that 3.1.1 may be spoken too
	needs5   string // what of the command line only MQTT 5 has
	borrowed bool   // the session is ours for this run, and is given up at its end
}

// plan makes one. home is the packet that plain property flags belong to; standing says that the command reconnects
// unless told otherwise; also are other packets that it sends and -D can be for.
func (f *connection) plan(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, home proto.Type, standing bool, also ...proto.Type) (*plan, error) {
	if err := cli.FirstError(f.display.Apply(e), f.mosquitto.check()); err != nil {
		return nil, err
	}
	p, err := f.packets(e, fs, home, append(also, home))
	if err != nil {
		return nil, err
	}
	cfg := p.cfg
	url, err := f.server.dialer(ctx, e, fs, &f.tls, cfg)
	if err != nil {
		return nil, err
	}
	p.server, p.secure = f.server.target.Addr(), f.server.target.TLS != nil
	if url != nil {
		p.topic = topicOf(url)
	}
	if err := f.identity.apply(ctx, e, fs, url, &cfg.Connect); err != nil {
		return nil, err
	}
	if cfg.Auth, err = f.identity.auth(&cfg.Connect); err != nil {
		return nil, err
	}
	if err := f.session.apply(e, fs, cfg); err != nil {
		return nil, err
	}
	if err := f.will.apply(ctx, e, fs, f.properties.sets[proto.WILL], &cfg.Connect); err != nil {
		return nil, err
	}
	if p.backoff, err = f.session.backoff(standing); err != nil {
		return nil, err
	}
	p.backoff.Notice = func(err error, wait time.Duration) {
		e.Note("%v; next try in %s", p.named(err), format.Duration(wait))
	}
	if err := p.fit(f.properties.sets[proto.DISCONNECT]); err != nil {
		return nil, err
	}
	f.server.warn(e, &f.tls, exposed(&cfg.Connect, &f.identity, f.server.wsHeader))
	return p, nil
}

// packets begins a plan with the version to speak and the properties of all packets. sent are those that some commands
// send and others do not.
func (f *connection) packets(e *cli.Env, fs *pflag.FlagSet, home proto.Type, sent []proto.Type) (*plan, error) {
	cfg := &conn.Config{Trace: f.display.Trace(e)}
	var err error
	if cfg.Connect.Version, cfg.Fallback, err = f.version(e); err != nil {
		return nil, err
	}
	if err := f.properties.compile(fs, home); err != nil {
		return nil, err
	}
	if err := f.identity.takeOver(f.properties.sets); err != nil {
		return nil, err
	}
	if !e.Mosquitto() { // whose own programs send what they can of it, and say nothing
		if err := f.checkSent(fs, sent); err != nil {
			return nil, err
		}
	}
	cfg.Connect.Props = f.properties.sets[proto.CONNECT]
	cfg.AuthProps = f.properties.sets[proto.AUTH]
	p := &plan{cfg: cfg, auto: cfg.Fallback, needs5: f.properties.five()}
	if fs.Changed("session-expiry-interval") {
		p.needs5 = "--session-expiry-interval"
	}
	if f.session.triggerWill {
		p.needs5 = "--trigger-will"
	}
	if f.identity.authMethod != "" {
		p.needs5 = "--auth-method"
	}
	return p, nil
}

// fit refuses what the packets of a plan cannot have together. bye are the properties of DISCONNECT.
func (p *plan) fit(bye proto.Props) error {
	c := &p.cfg.Connect
	if bye.Num(proto.SessionExpiryInterval, 0) > 0 && c.Props.Num(proto.SessionExpiryInterval, 0) == 0 { // 3.14.2.2.2
		return cli.BadFlag("-D", " disconnect session-expiry-interval without a session", "the server keeps one only with -x SECONDS from the start")
	}
	if err := p.settleVersion(); err != nil {
		return err
	}
	if c.Version < proto.V5 {
		c.Props = nil
	}
	if c.HasPassword && !c.HasUsername && (c.Version < proto.V5 || p.cfg.Fallback) {
		if c.Version < proto.V5 {
			return cli.Usage("a password without a user name", "MQTT "+c.Version.String()+" has none: add -u NAME")
		}
		p.needs5, p.cfg.Fallback = "a password without a user name", false
	}
	return nil
}

// version is -V, or mosquitto's own default under its names.
func (f *connection) version(e *cli.Env) (proto.Version, bool, error) {
	v, auto, err := readVersion(f.session.version)
	if err == nil && auto && e.Mosquitto() {
		v, auto = proto.V311, false
		if e.Tool == "mosquitto_rr" || len(f.properties.lines) > 0 || f.session.expiry != "" {
			v = proto.V5
		}
	}
	return v, auto, err
}

// settleVersion lets what only MQTT 5 has forbid the fallback, and refuses it with another version.
func (p *plan) settleVersion() error {
	if p.needs5 == "" {
		return nil
	}
	p.cfg.Fallback = false
	if v := p.cfg.Connect.Version; v < proto.V5 {
		return cli.Usage(p.needs5+" with MQTT "+v.String(), "only MQTT 5 has it: leave out -V, or give -V 5")
	}
	return nil
}

// require5 says that the command needs MQTT 5 for what is named.
func (p *plan) require5(what string) error {
	p.needs5 = what
	return p.settleVersion()
}

// borrowedExpiry is how long a server keeps a session that only this run uses, should the run never come back.
const borrowedExpiry = 300

// keepSession has the server keep the session over a lost connection, so that nothing is lost at QoS 1 and nothing
// comes twice at QoS 2. Where nobody asked for a session, it is given up at the end.
func (p *plan) keepSession() {
	c := &p.cfg.Connect
	if c.Version < proto.V5 || p.backoff.Tries == 0 || c.Props.Has(proto.SessionExpiryInterval) {
		return
	}
	c.Props = c.Props.AppendNum(proto.SessionExpiryInterval, borrowedExpiry)
	p.borrowed = true
}

// goodbye is the DISCONNECT of an ordinary end.
func (f *connection) goodbye(p *plan) *proto.Disconnect {
	d := f.session.disconnect()
	d.Props = append(d.Props, f.properties.sets[proto.DISCONNECT]...)
	if p.borrowed && !d.Props.Has(proto.SessionExpiryInterval) {
		d.Props = d.Props.AppendNum(proto.SessionExpiryInterval, 0)
	}
	return d
}

// bye closes a connection in order although the run's own context has ended.
func bye(c *conn.Conn, d *proto.Disconnect) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c.Close(ctx, d)
}

// lingering is a context that lasts a second longer than ctx: an interrupt that comes when the work is done must not cost
// the DISCONNECT.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
