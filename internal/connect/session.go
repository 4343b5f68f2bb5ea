package connect

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// SessionFlags are about keep alive, session, protocol version and reconnecting.
type SessionFlags struct {
	keepAlive      string
	KeepSession    bool
	expiry         string
	version        string
	connectTimeout string
	Reconnect      string
	ReconnectDelay string
	triggerWill    bool
}

// register adds the flags to fs.
func (f *SessionFlags) register(fs *pflag.FlagSet) {
	fs.StringVarP(&f.keepAlive, "keepalive", "k", "60", "send PINGREQ after `SECONDS` without traffic; 0: never")
	fs.BoolVarP(&f.KeepSession, "disable-clean-session", "c", false, "resume the session of -i ID, and leave it at the server")
	fs.StringVarP(&f.expiry, "session-expiry-interval", "x", "", "keep the session for `SECONDS`; -1: forever (MQTT 5)")
	f.registerVersion(fs)
	fs.StringVar(&f.Reconnect, "reconnect", "", "reconnect after a loss: never, always, or `N` times")
	fs.StringVar(&f.ReconnectDelay, "reconnect-delay", "1s..30s", "wait `MIN..MAX` between attempts, doubling each time")
	fs.BoolVar(&f.triggerWill, "trigger-will", false, "have the will published at the end, too (MQTT 5)")
}

// registerVersion adds the flags of the version and of the time to connect. The other values are the
// defaults of their flags.
func (f *SessionFlags) registerVersion(fs *pflag.FlagSet) {
	fs.StringVarP(&f.version, "protocol-version", "V", "auto", "use MQTT `VERSION`: auto (5, else 3.1.1), 5, 3.1.1 or 3.1")
	fs.StringVar(&f.connectTimeout, "connect-timeout", "10s", "give up connecting after `DURATION`; 0: never")
	if fs.Lookup("keepalive") == nil {
		f.keepAlive, f.ReconnectDelay = "60", "1s..30s"
	}
}

// ReadVersion parses -V in all its spellings. With auto the version is 5, with a fallback.
func ReadVersion(s string) (v proto.Version, auto bool, err error) {
	switch strings.ToLower(s) {
	case "auto":
		return proto.V5, true, nil
	case "5", "5.0", "mqttv5", "v5":
		return proto.V5, false, nil
	case "3.1.1", "311", "4", "mqttv311", "v3.1.1":
		return proto.V311, false, nil
	case "3.1", "31", "3", "mqttv31", "v3.1":
		return proto.V31, false, nil
	}
	return 0, false, cli.BadValue("-V", s, "expected auto, 5, 3.1.1 or 3.1")
}

// apply puts session and keep alive into cfg.
func (f *SessionFlags) apply(e *cli.Env, fs *pflag.FlagSet, cfg *conn.Config) error {
	keepAlive, err := ReadKeepAlive(f.keepAlive)
	if err != nil {
		return err
	}
	cfg.Connect.KeepAlive = keepAlive
	cfg.Connect.CleanStart = !f.KeepSession
	if cfg.Timeout, err = cli.ParseDuration("--connect-timeout", f.connectTimeout); err != nil {
		return err
	}
	if id, _ := fs.GetString("id"); f.KeepSession && id == "" {
		if cfg.Connect.Version != proto.V5 || cfg.Fallback {
			return cli.BadFlag("-c", " without -i", "a session to come back to needs a name: -i ID")
		}
		e.Warn("-c without -i: nobody will know the identifier to come back with")
	}
	if f.expiry == "" && !f.KeepSession {
		return nil
	}
	expiry, err := ReadExpiry(f.expiry)
	if err != nil {
		return err
	}
	if cfg.Connect.Props.Has(proto.SessionExpiryInterval) {
		if f.expiry != "" {
			return cli.BadFlag("-x", " with -D connect session-expiry-interval", "give one of them")
		}
		return nil
	}
	cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.SessionExpiryInterval, expiry)
	return nil
}

// ReadKeepAlive parses -k, in seconds.
func ReadKeepAlive(s string) (uint16, error) {
	n, err := cli.ParseSeconds("-k", s, math.MaxUint16)
	if err != nil {
		return 0, cli.BadFlag("-k", " "+s, "expected 0 to 65535 seconds, in whole ones")
	}
	return uint16(n), nil
}

// ReadExpiry parses -x, in seconds. The empty string means that the session never expires.
func ReadExpiry(s string) (uint32, error) {
	if s == "" || s == "-1" || s == "∞" || strings.EqualFold(s, "never") || strings.EqualFold(s, "inf") {
		return math.MaxUint32, nil
	}
	n, err := cli.ParseSeconds("-x", s, math.MaxUint32)
	if err != nil {
		return 0, cli.BadValue("-x", s, "expected whole seconds, or a duration such as 1h; -1 means forever")
	}
	return uint32(n), nil
}

// expiryText returns a Session Expiry Interval for a message.
func expiryText(seconds uint32) string {
	if seconds == math.MaxUint32 {
		return "ever"
	}
	return strconv.FormatUint(uint64(seconds), 10) + " s"
}

// leastDelay is the least delay between two connections, whatever --reconnect-delay says: without
// one, a server that is down would be asked as fast as the machine can.
const leastDelay = 10 * time.Millisecond

// Backoff parses --reconnect and --reconnect-delay. A standing command reconnects by default, after
// its first connection.
func (f *SessionFlags) Backoff(standing bool) (conn.Backoff, error) {
	b := conn.Backoff{Tries: 0}
	lo, hi, ok := strings.Cut(f.ReconnectDelay, "..")
	if !ok {
		hi = lo
	}
	var err1, err2 error
	b.Min, err1 = format.ParseDuration(lo)
	b.Max, err2 = format.ParseDuration(hi)
	if err1 != nil || err2 != nil || b.Min < 0 || b.Max < b.Min {
		return b, cli.BadValue("--reconnect-delay", f.ReconnectDelay, "expected MIN..MAX, such as 1s..30s")
	}
	b.Min, b.Max = max(b.Min, leastDelay), max(b.Max, leastDelay)
	switch f.Reconnect {
	case "":
		if standing {
			b.Tries = -1
		}
	case "never":
	case "always":
		b.Tries, b.First = -1, true
	default:
		n, err := strconv.Atoi(f.Reconnect)
		if err != nil || n < 0 {
			return b, cli.BadValue("--reconnect", f.Reconnect, "expected never, always or a number of times")
		}
		b.Tries, b.First = n, true
	}
	return b, nil
}

// disconnect returns the DISCONNECT of an ordinary end.
func (f *SessionFlags) disconnect() *proto.Disconnect {
	if f.triggerWill {
		return &proto.Disconnect{Reason: proto.DisconnectWithWill}
	}
	return &proto.Disconnect{}
}
