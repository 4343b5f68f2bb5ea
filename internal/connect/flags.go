package connect

import (
	"context"
	"net"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// Flags are the flags of every command with a connection, in groups of one concern.
type Flags struct {
	Server     ServerFlags
	TLS        tlsFlags
	Identity   IdentityFlags
	Session    SessionFlags
	Will       willFlags
	Properties PropertyFlags
	display    cli.DisplayFlags
	config     cli.ConfigFlags
	mosquitto  mosquittoFlags
}

// Register adds the flags to fs. publishes reports whether plain property flags belong to PUBLISH;
// otherwise --user-property belongs to SUBSCRIBE.
func (f *Flags) Register(fs *pflag.FlagSet, publishes bool) {
	f.Server.register(fs)
	f.Identity.register(fs)
	f.Session.register(fs)
	f.Will.register(fs)
	f.Properties.register(fs, publishes)
	f.TLS.register(fs)
	f.config.Register(fs)
	f.display.Register(fs)
	f.mosquitto.register(fs)
}

// RegisterServer adds the flags that say where to connect, as whom and in which version, for a command
// that makes its own packets.
func (f *Flags) RegisterServer(fs *pflag.FlagSet) {
	f.Server.register(fs)
	f.Identity.registerUser(fs)
	f.Session.registerVersion(fs)
	f.TLS.register(fs)
	f.config.Register(fs)
	f.display.Register(fs)
}

// Display checks the flags of what is shown, and applies them to e. Plan does it, too.
func (f *Flags) Display(e *cli.Env) error { return f.display.Apply(e) }

// A Plan says how a command connects. It is checked, and only KeepSession and RequireV5 change it.
type Plan struct {
	Cfg              *conn.Config
	Backoff          conn.Backoff
	Target           *transport.Target
	Topic            string // from the path of an mqtt URL
	TemporarySession bool   // the session exists for this run only, and ends with it
	Status           *Status

	server string // address of the server, for errors
	secure bool   // the connection uses TLS
	auto   bool   // no version was given, so 3.1.1 may be tried
	tlsBy  string // the flag that turned TLS on though the URL or port did not; "" if none
	needs5 string // what on the command line only MQTT 5 has
}

// Plan checks the flags and returns the plan of a connection. home is the packet that plain property
// flags belong to, and also lists further packets that the command sends. A standing command
// reconnects by default.
func (f *Flags) Plan(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, home proto.Type, standing bool, also ...proto.Type) (*Plan, error) {
	if err := cli.FirstError(f.display.Apply(e), f.mosquitto.check()); err != nil {
		return nil, err
	}
	p, err := f.packets(e, fs, home, append(also, home))
	if err != nil {
		return nil, err
	}
	cfg := p.Cfg
	f.TLS.off = f.mosquitto.noTLS
	target, url, err := f.Server.target(ctx, e, fs, &f.TLS)
	if err != nil {
		return nil, err
	}
	p.Target, p.server, p.secure = target, target.Addr(), target.TLS != nil
	if p.secure && (url == nil || !url.Scheme.TLS()) && target.Port != "8883" {
		p.tlsBy = f.TLS.turnedOnBy(e)
	}
	if p.secure {
		e.WarnOpenKey(f.TLS.key)
	}
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) { return Dial(ctx, target, v, nil) }
	cfg.FellBack = func(why error) {
		e.Note("%s: MQTT 5 failed (%v): connected with MQTT 3.1.1; -V 3.1.1 does so at once", p.server, why)
	}
	if url != nil {
		p.Topic = topicOf(url, e.Mosquitto())
	}
	if err := f.Identity.apply(ctx, e, fs, url, &cfg.Connect); err != nil {
		return nil, err
	}
	if cfg.Auth, err = f.Identity.auth(&cfg.Connect); err != nil {
		return nil, err
	}
	if cfg.Connect.HasPassword { // not with SCRAM, which reads the password itself
		cfg.Password = f.Identity.reread
	}
	if err := f.Session.apply(e, fs, cfg); err != nil {
		return nil, err
	}
	cfg.Shortened = func(asked, granted uint32) {
		if !p.TemporarySession {
			e.Warn("%s keeps the session for %s, not %s", p.server, expiryText(granted), expiryText(asked))
		}
	}
	if e.Mosquitto() && cfg.Connect.Version == proto.V5 && !cfg.Connect.Props.Has(proto.ReceiveMaximum) {
		cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.ReceiveMaximum, mosquittoWindow(e.Tool))
	}
	if err := f.Will.apply(ctx, e, fs, f.Properties.Sets[proto.WILL], &cfg.Connect); err != nil {
		return nil, err
	}
	if p.Backoff, err = f.Session.Backoff(standing); err != nil {
		return nil, err
	}
	p.Status = &Status{e: e, plan: p}
	p.Backoff.Notice = p.Status.notice
	if err := p.checkPackets(f.Properties.Sets[proto.DISCONNECT]); err != nil {
		return nil, err
	}
	warn(e, target, f.TLS.insecure, secretsInClear(&cfg.Connect, &f.Identity, f.Server.wsHeader))
	return p, nil
}

// packets returns a plan with the version and the properties of all packets. sent lists the packets
// that this command sends and others do not.
func (f *Flags) packets(e *cli.Env, fs *pflag.FlagSet, home proto.Type, sent []proto.Type) (*Plan, error) {
	cfg := &conn.Config{Trace: f.display.Trace(e)}
	var err error
	if cfg.Connect.Version, cfg.Fallback, err = f.version(e); err != nil {
		return nil, err
	}
	if err := f.Properties.compile(fs, home); err != nil {
		return nil, err
	}
	if err := f.Identity.takeAuthProperties(f.Properties.Sets); err != nil {
		return nil, err
	}
	if !e.Mosquitto() { // mosquitto's clients ignore properties of other packets
		if err := f.checkSent(fs, sent); err != nil {
			return nil, err
		}
	}
	cfg.Connect.Props = f.Properties.Sets[proto.CONNECT]
	cfg.AuthProps = f.Properties.Sets[proto.AUTH]
	p := &Plan{Cfg: cfg, auto: cfg.Fallback, needs5: f.Properties.onlyV5()}
	if fs.Changed("session-expiry-interval") {
		p.needs5 = "--session-expiry-interval"
	}
	if f.Session.triggerWill {
		p.needs5 = "--trigger-will"
	}
	if f.Identity.AuthMethod != "" {
		p.needs5 = "--auth-method"
	}
	return p, nil
}

// checkPackets rejects combinations that the packets of a plan cannot have. bye holds the properties
// of DISCONNECT.
func (p *Plan) checkPackets(bye proto.Props) error {
	c := &p.Cfg.Connect
	if bye.Num(proto.SessionExpiryInterval, 0) > 0 && c.Props.Num(proto.SessionExpiryInterval, 0) == 0 { // 3.14.2.2.2
		return cli.BadFlag("-D", " disconnect session-expiry-interval without a session", "the server keeps one only with -x SECONDS from the start")
	}
	if err := p.checkVersion(); err != nil {
		return err
	}
	if c.Version < proto.V5 {
		c.Props = nil
	}
	if c.HasPassword && !c.HasUsername && (c.Version < proto.V5 || p.Cfg.Fallback) {
		if c.Version < proto.V5 {
			return cli.Usage("a password without a user name", "MQTT "+c.Version.String()+" has none: add -u NAME")
		}
		p.needs5, p.Cfg.Fallback = "a password without a user name", false
	}
	return nil
}

// version returns the version of -V, or the default of mosquitto's clients when run as one.
func (f *Flags) version(e *cli.Env) (proto.Version, bool, error) {
	v, auto, err := ReadVersion(f.Session.version)
	if err == nil && auto && e.Mosquitto() {
		v, auto = proto.V311, false
		if e.Tool == "mosquitto_rr" || len(f.Properties.lines) > 0 || f.Session.expiry != "" {
			v = proto.V5
		}
	}
	return v, auto, err
}

// checkVersion disables the fallback to 3.1.1 if something needs MQTT 5, and rejects it with another
// version.
func (p *Plan) checkVersion() error {
	if p.needs5 == "" {
		return nil
	}
	p.Cfg.Fallback = false
	if v := p.Cfg.Connect.Version; v < proto.V5 {
		return cli.Usage(p.needs5+" with MQTT "+v.String(), "only MQTT 5 has it: leave out -V, or give -V 5")
	}
	return nil
}

// RequireV5 records that what needs MQTT 5.
func (p *Plan) RequireV5(what string) error {
	p.needs5 = what
	return p.checkVersion()
}

// temporaryExpiry is how many seconds a server keeps a temporary session if the run never comes
// back.
const temporaryExpiry = 300

// KeepSession asks the server to keep the session across lost connections, so that nothing is lost at
// QoS 1 and nothing arrives twice at QoS 2. A session that no flag asked for ends with the run.
func (p *Plan) KeepSession() {
	c := &p.Cfg.Connect
	if c.Version < proto.V5 || p.Backoff.Tries == 0 || c.Props.Has(proto.SessionExpiryInterval) {
		return
	}
	c.Props = c.Props.AppendNum(proto.SessionExpiryInterval, temporaryExpiry)
	p.TemporarySession = true
}

// Disconnect returns the DISCONNECT of an ordinary end.
func (f *Flags) Disconnect(p *Plan) *proto.Disconnect {
	d := f.Session.disconnect()
	d.Props = append(d.Props, f.Properties.Sets[proto.DISCONNECT]...)
	if p.TemporarySession && !d.Props.Has(proto.SessionExpiryInterval) {
		d.Props = d.Props.AppendNum(proto.SessionExpiryInterval, 0)
	}
	return d
}

// Close sends d and closes the connection, within a second, although the context of the run may be
// done.
func Close(c *conn.Conn, d *proto.Disconnect) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c.Close(ctx, d)
}

// completeWithin bounds how long Complete waits.
const completeWithin = 10 * time.Second

// Complete waits until the exchanges of the QoS 2 messages that were received are complete. A run that
// has what it wants calls it before Close. It ends with ctx.
func (p *Plan) Complete(ctx context.Context, e *cli.Env, c *conn.Conn) {
	if n := c.Complete(ctx, time.Now().Add(completeWithin)); n > 0 && ctx.Err() == nil {
		e.Warn("QoS 2 messages that the server did not complete within %s: %s", format.Duration(completeWithin), format.Count(uint64(n)))
	}
}

// GraceContext returns a context that lasts a second longer than ctx: an interrupt after the work is
// done must not prevent the DISCONNECT.
func GraceContext(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
