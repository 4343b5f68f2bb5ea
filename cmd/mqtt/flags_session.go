package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// sessionFlags say how long things last: keep alive, session, connection.
type sessionFlags struct {
	keepAlive      int
	keepSession    bool
	expiry         string
	version        string
	connectTimeout string
	reconnect      string
	reconnectDelay string
	triggerWill    bool
}

func (f *sessionFlags) register(fs *pflag.FlagSet) {
	fs.IntVarP(&f.keepAlive, "keepalive", "k", 60, "send PINGREQ after `SECONDS` without traffic; 0 is never")
	fs.BoolVarP(&f.keepSession, "disable-clean-session", "c", false, "resume the session of -i ID, and leave it at the server afterwards")
	fs.StringVarP(&f.expiry, "session-expiry-interval", "x", "", "have the server keep the session for `SECONDS`; -1 is for ever (MQTT 5)")
	fs.StringVarP(&f.version, "protocol-version", "V", "auto", "speak `VERSION`: auto (5, else 3.1.1), 5, 3.1.1 or 3.1")
	fs.StringVar(&f.connectTimeout, "connect-timeout", "10s", "give up on a connection after `DURATION`")
	fs.StringVar(&f.reconnect, "reconnect", "", "after a loss connect again: never, always, or `N` times")
	fs.StringVar(&f.reconnectDelay, "reconnect-delay", "1s..30s", "wait `MIN..MAX` before another connection, doubled each time")
	fs.BoolVar(&f.triggerWill, "trigger-will", false, "at the end have the server publish the will (DISCONNECT 0x04, MQTT 5)")
}

// readVersion reads -V in all its spellings. auto has version 5 and falls back.
func readVersion(s string) (v proto.Version, auto bool, err error) {
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
	return 0, false, usage("-V "+quoted(s), "expected auto, 5, 3.1.1 or 3.1")
}

// apply puts session and keep alive into cfg.
func (f *sessionFlags) apply(e *env, fs *pflag.FlagSet, cfg *conn.Config) error {
	if f.keepAlive < 0 || f.keepAlive > math.MaxUint16 {
		return usage(fmt.Sprintf("-k %d", f.keepAlive), "expected 0 to 65535 seconds")
	}
	cfg.Connect.KeepAlive = uint16(f.keepAlive)
	cfg.Connect.CleanStart = !f.keepSession
	var err error
	if cfg.Timeout, err = readDuration("--connect-timeout", f.connectTimeout); err != nil {
		return err
	}
	if f.keepSession && !fs.Changed("id") {
		if cfg.Connect.Version != proto.V5 || cfg.Fallback {
			return usage("-c without -i", "a session to come back to needs a name: -i ID")
		}
		e.warn("-c without -i: nobody will know the identifier to come back with")
	}
	expiry := int64(-1)
	switch {
	case f.expiry == "":
		if !f.keepSession {
			return nil
		}
	case f.expiry == "-1", f.expiry == "∞", strings.EqualFold(f.expiry, "never"), strings.EqualFold(f.expiry, "inf"):
	default:
		d, err := format.ParseDuration(f.expiry)
		if err != nil || d < 0 || d.Seconds() > math.MaxUint32 {
			return usage("-x "+quoted(f.expiry), "expected seconds, or a duration such as 1h; -1 is for ever")
		}
		expiry = int64(d.Seconds())
	}
	if cfg.Connect.Props.Has(proto.SessionExpiryInterval) {
		if f.expiry != "" {
			return usage("-x with -D connect session-expiry-interval", "give one of them")
		}
		return nil
	}
	cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.SessionExpiryInterval, uint32(expiry))
	return nil
}

// backoff reads --reconnect. standing is the policy that the command has by default, which begins after the first
// connection.
func (f *sessionFlags) backoff(e *env, standing bool) (conn.Backoff, error) {
	b := conn.Backoff{Tries: 0}
	lo, hi, ok := strings.Cut(f.reconnectDelay, "..")
	if !ok {
		hi = lo
	}
	var err1, err2 error
	b.Min, err1 = format.ParseDuration(lo)
	b.Max, err2 = format.ParseDuration(hi)
	if err1 != nil || err2 != nil || b.Min < 0 || b.Max < b.Min {
		return b, usage("--reconnect-delay "+quoted(f.reconnectDelay), "expected MIN..MAX, such as 1s..30s")
	}
	switch f.reconnect {
	case "":
		if standing {
			b.Tries = -1
		}
	case "never":
	case "always":
		b.Tries, b.First = -1, true
	default:
		n, err := strconv.Atoi(f.reconnect)
		if err != nil || n < 0 {
			return b, usage("--reconnect "+quoted(f.reconnect), "expected never, always or a number of times")
		}
		b.Tries, b.First = n, true
	}
	b.Notice = func(err error, wait time.Duration) {
		e.note("%v; next try in %s", err, format.Duration(wait))
	}
	return b, nil
}

// disconnect is the DISCONNECT of an ordinary end.
func (f *sessionFlags) disconnect() *proto.Disconnect {
	if f.triggerWill {
		return &proto.Disconnect{Reason: proto.DisconnectWithWill}
	}
	return &proto.Disconnect{}
}

// readDuration reads a flag's duration; a bare number is seconds.
func readDuration(flag, s string) (time.Duration, error) {
	d, err := format.ParseDuration(s)
	if err != nil {
		return 0, usage(flag+" "+quoted(s), "expected a duration such as 5, 250ms or 1m30s")
	}
	return d, nil
}

func quoted(s string) string { return strconv.Quote(s) }
