package connect

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

// plan is how a command will connect.
type Plan struct {
	Cfg              *conn.Config
	Backoff          conn.Backoff
	Topic            string // of an mqtt URL's path
	server           string // its address, for errors
	secure           bool   // it is reached by TLS
	auto             bool   // no version was asked for, so that 3.1.1 may be spoken too
	needs5           string // what of the command line only MQTT 5 has
	TemporarySession bool   // the session is ours for this run, and is given up at its end
}

// plan makes one. home is the packet that plain property flags belong to; standing says that the command reconnects
// unless told otherwise; also are other packets that it sends and -D can be for.
func (f *Flags) Plan(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, home proto.Type, standing bool, also ...proto.Type) (*Plan, error) {
	if err := cli.FirstError(f.display.Apply(e), f.mosquitto.check()); err != nil {
		return nil, err
	}
	p, err := f.packets(e, fs, home, append(also, home))
	if err != nil {
		return nil, err
	}
	cfg := p.Cfg
	url, err := f.Server.dialer(ctx, e, fs, &f.TLS, cfg)
	if err != nil {
		return nil, err
	}
	p.server, p.secure = f.Server.Target.Addr(), f.Server.Target.TLS != nil
	if url != nil {
		p.Topic = topicOf(url)
	}
	if err := f.Identity.apply(ctx, e, fs, url, &cfg.Connect); err != nil {
		return nil, err
	}
	if cfg.Auth, err = f.Identity.auth(&cfg.Connect); err != nil {
		return nil, err
	}
	if err := f.Session.apply(e, fs, cfg); err != nil {
		return nil, err
	}
	if err := f.Will.apply(ctx, e, fs, f.Properties.Sets[proto.WILL], &cfg.Connect); err != nil {
		return nil, err
	}
	if p.Backoff, err = f.Session.Backoff(standing); err != nil {
		return nil, err
	}
	p.Backoff.Notice = func(err error, wait time.Duration) {
		e.Note("%v; next try in %s", p.withServer(err), format.Duration(wait))
	}
	if err := p.checkPackets(f.Properties.Sets[proto.DISCONNECT]); err != nil {
		return nil, err
	}
	f.Server.warn(e, &f.TLS, secretsInClear(&cfg.Connect, &f.Identity, f.Server.wsHeader))
	return p, nil
}

// packets begins a plan with the version to speak and the properties of all packets. sent are those that some commands
// send and others do not.
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
	if !e.Mosquitto() { // whose own programs send what they can of it, and say nothing
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

// fit refuses what the packets of a plan cannot have together. bye are the properties of DISCONNECT.
func (p *Plan) checkPackets(bye proto.Props) error {
	c := &p.Cfg.Connect
	if bye.Num(proto.SessionExpiryInterval, 0) > 0 && c.Props.Num(proto.SessionExpiryInterval, 0) == 0 { // 3.14.2.2.2
		return cli.BadFlag("-D", " disconnect session-expiry-interval without a session", "the server keeps one only with -x SECONDS from the start")
	}
	if err := p.settleVersion(); err != nil {
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

// version is -V, or mosquitto's own default under its names.
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

// settleVersion lets what only MQTT 5 has forbid the fallback, and refuses it with another version.
func (p *Plan) settleVersion() error {
	if p.needs5 == "" {
		return nil
	}
	p.Cfg.Fallback = false
	if v := p.Cfg.Connect.Version; v < proto.V5 {
		return cli.Usage(p.needs5+" with MQTT "+v.String(), "only MQTT 5 has it: leave out -V, or give -V 5")
	}
	return nil
}

// require5 says that the command needs MQTT 5 for what is named.
func (p *Plan) RequireV5(what string) error {
	p.needs5 = what
	return p.settleVersion()
}

// borrowedExpiry is how long a server keeps a session that only this run uses, should the run never come back.
const borrowedExpiry = 300

// keepSession has the server keep the session over a lost connection, so that nothing is lost at QoS 1 and nothing
// comes twice at QoS 2. Where nobody asked for a session, it is given up at the end.
func (p *Plan) KeepSession() {
	c := &p.Cfg.Connect
	if c.Version < proto.V5 || p.Backoff.Tries == 0 || c.Props.Has(proto.SessionExpiryInterval) {
		return
	}
	c.Props = c.Props.AppendNum(proto.SessionExpiryInterval, borrowedExpiry)
	p.TemporarySession = true
}

// goodbye is the DISCONNECT of an ordinary end.
func (f *Flags) Disconnect(p *Plan) *proto.Disconnect {
	d := f.Session.disconnect()
	d.Props = append(d.Props, f.Properties.Sets[proto.DISCONNECT]...)
	if p.TemporarySession && !d.Props.Has(proto.SessionExpiryInterval) {
		d.Props = d.Props.AppendNum(proto.SessionExpiryInterval, 0)
	}
	return d
}

// bye closes a connection in order although the run's own context has ended.
func Close(c *conn.Conn, d *proto.Disconnect) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c.Close(ctx, d)
}

// lingering is a context that lasts a second longer than ctx: an interrupt that comes when the work is done must not cost
// the DISCONNECT.
func GraceContext(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
