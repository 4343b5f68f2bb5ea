package broker

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/broker"
	"mqtt/internal/broker/access"
	"mqtt/internal/broker/disk"
	"mqtt/internal/cli"
	"mqtt/internal/faults"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// accessFlags name the files of users and rights.
type accessFlags struct {
	passwords, acl string
	allowAnonymous bool
}

func (f *accessFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.passwords, "passwords", "", "accept the users in `FILE` (mqtt broker passwd)")
	fs.StringVar(&f.acl, "acl", "", "read the rights to topics from `FILE`, in mosquitto's form")
	fs.BoolVar(&f.allowAnonymous, "allow-anonymous", false, "accept clients without credentials, from any machine")
}

// load reads the files.
func (f *accessFlags) load(e *cli.Env) (*access.Users, *access.Rights, error) {
	who := access.AnonymousLocal
	switch {
	case f.allowAnonymous:
		who = access.AnonymousAll
	case f.passwords != "":
		who = access.AnonymousNone
	}
	users, err := access.NewUsers(f.passwords, who)
	if err != nil {
		return nil, nil, cli.Fail(cli.ExitUsage, "mqtt broker passwd writes a password file", "--passwords: %w", err)
	}
	if f.acl == "" {
		return users, nil, nil
	}
	rights, err := access.NewRights(f.acl)
	if err != nil {
		return nil, nil, cli.Fail(cli.ExitUsage, "", "--acl: %w", err)
	}
	warnRights(e, rights)
	return users, rights, nil
}

// warnRights writes the notes about an ACL file.
func warnRights(e *cli.Env, rights *access.Rights) {
	for _, note := range rights.Warnings() {
		e.Warn("--acl: %s", note)
	}
}

// dataFlags say what outlives the broker.
type dataFlags struct{ dir, sync string }

func (f *dataFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.dir, "data", "", "store sessions, queued and retained messages in `DIR`")
	fs.StringVar(&f.sync, "sync", "always", "flush to disk `WHEN`: always, never, or an interval (100ms)")
}

// open opens the folder, nil if there is none.
func (f *dataFlags) open(fs *pflag.FlagSet, note func(string)) (*disk.Store, error) {
	opt := disk.Options{Warn: note}
	switch f.sync {
	case "always":
	case "never":
		opt.Sync = disk.Never
	default:
		d, err := format.ParseDuration(f.sync)
		if err != nil || d <= 0 {
			return nil, cli.BadValue("--sync", f.sync, "expected always, never or an interval such as 100ms")
		}
		opt.Sync = d
	}
	if f.dir == "" {
		if fs.Changed("sync") {
			return nil, cli.BadFlag("--sync", " without --data", "name a folder with --data")
		}
		return nil, nil
	}
	s, err := disk.Open(f.dir, opt)
	if err != nil {
		return nil, cli.Fail(cli.ExitOther, dataHint(err), "--data: %w", err)
	}
	return s, nil
}

func dataHint(err error) string {
	switch {
	case errors.Is(err, disk.ErrDamaged):
		return "nothing was changed: restore the folder from a backup, or move it away to start empty"
	case errors.Is(err, disk.ErrFormat):
		return "nothing was changed: use that version with this folder, or move the folder away to start empty"
	}
	return ""
}

// limitFlags are the limits of a connection.
type limitFlags struct {
	connections             int
	rate                    float64
	timeout                 string
	packet                  string
	receive                 int
	levels, subscriptions   int
	keepalive, sessionLimit string
	without, dollar         string
}

func (f *limitFlags) register(fs *pflag.FlagSet) {
	fs.IntVar(&f.connections, "max-connections", 100_000, "accept at most `N` connections at a time")
	fs.Float64Var(&f.rate, "connect-rate", 0, "accept `N` logins a second, shared by address; 0: no limit")
	fs.StringVar(&f.timeout, "connect-timeout", "10s", "close a connection that has not logged in after `TIME`")
	fs.StringVar(&f.packet, "max-packet-size", "16MiB", "accept packets of at most `SIZE`")
	fs.IntVar(&f.receive, "max-receive", 1024, "accept at most `N` unacknowledged QoS 1 and 2 messages")
	fs.IntVar(&f.levels, "max-topic-levels", 128, "accept topics and filters of at most `N` levels")
	fs.IntVar(&f.subscriptions, "max-subscriptions", 10_000, "allow at most `N` subscriptions of a session")
	fs.StringVar(&f.keepalive, "max-keepalive", "0", "cap the keep alive of MQTT 5 clients at `TIME`; 0: no limit")
	fs.StringVar(&f.sessionLimit, "max-session-expiry", "0", "cap the session expiry at `TIME`; 0: no limit")
	fs.StringVar(&f.without, "without", "", "turn off `FEATURES`, such as retain,wildcards")
	fs.StringVar(&f.dollar, "dollar-topics", "", "let clients publish below `PREFIXES`, such as '$aws,$iothub'")
}

func (f *limitFlags) apply(o *broker.Options) error {
	var err error
	if err = cli.FirstError(
		cli.CheckCount("--max-connections", f.connections, math.MaxInt), cli.CheckCount("--max-topic-levels", f.levels, math.MaxInt),
		cli.CheckCount("--max-subscriptions", f.subscriptions, math.MaxInt), cli.CheckCount("--max-receive", f.receive, math.MaxUint16),
	); err != nil {
		return err
	}
	if !(f.rate >= 0 && f.rate <= math.MaxInt32) { // NaN is neither
		return cli.Usage(fmt.Sprintf("--connect-rate %v", f.rate), "expected a number of logins a second")
	}
	o.Connections, o.TopicLevels, o.Subscriptions, o.ReceiveMaximum, o.ConnectRate = f.connections, f.levels, f.subscriptions, uint16(f.receive), f.rate
	packet, err := cli.ParseSize("--max-packet-size", f.packet, 32, proto.MaxPacket)
	if err != nil {
		return err
	}
	o.MaxPacket = int(packet)
	if o.ConnectTimeout, err = cli.ParseDuration("--connect-timeout", f.timeout); err != nil {
		return err
	}
	if o.ConnectTimeout <= 0 {
		return cli.BadValue("--connect-timeout", f.timeout, "expected more than 0 seconds")
	}
	keep, err := cli.ParseSeconds("--max-keepalive", f.keepalive, 65535)
	if err != nil {
		return err
	}
	expiry, err := cli.ParseSeconds("--max-session-expiry", f.sessionLimit, 1<<32-1)
	if err != nil {
		return err
	}
	o.KeepAliveMaximum, o.SessionExpiryMaximum = uint16(keep), uint32(expiry)
	for prefix := range strings.FieldsFuncSeq(f.dollar, func(r rune) bool { return r == ',' || r == ' ' }) {
		if err := broker.CheckDollarTopic(prefix); err != nil {
			return cli.BadValue("--dollar-topics", f.dollar, err.Error())
		}
		o.DollarTopics = append(o.DollarTopics, prefix)
	}
	return f.features(&o.Without)
}

func (f *limitFlags) features(w *broker.Without) error {
	for name := range strings.FieldsFuncSeq(f.without, func(r rune) bool { return r == ',' || r == ' ' }) {
		switch name {
		case "qos1":
			w.QoS1, w.QoS2 = true, true
		case "qos2":
			w.QoS2 = true
		case "retain":
			w.Retain = true
		case "wildcards":
			w.Wildcards = true
		case "shared":
			w.Shared = true
		case "identifiers":
			w.Identifiers = true
		default:
			return cli.BadValue("--without", name, "expected qos1, qos2, retain, wildcards, shared or identifiers")
		}
	}
	return nil
}

// queueFlags are the limits of queues and memory.
type queueFlags struct {
	messages, inflight, retained int
	bytes, memory                string
}

func (f *queueFlags) register(fs *pflag.FlagSet) {
	fs.IntVar(&f.messages, "max-queued-messages", 100_000, "queue at most `N` messages for a session")
	fs.StringVar(&f.bytes, "max-queued-bytes", "64MiB", "queue at most `SIZE` of messages for a session")
	fs.IntVar(&f.inflight, "max-inflight", 2048, "send at most `N` unacknowledged QoS 1 and 2 messages")
	fs.IntVar(&f.retained, "max-retained", 1_000_000, "keep at most `N` retained messages")
	fs.StringVar(&f.memory, "memory", "1GiB", "use at most `SIZE` of memory for sessions, queues and messages")
}

func (f *queueFlags) apply(o *broker.Options) error {
	err := cli.FirstError(
		cli.CheckCount("--max-queued-messages", f.messages, math.MaxInt), cli.CheckCount("--max-inflight", f.inflight, math.MaxUint16), cli.CheckCount("--max-retained", f.retained, math.MaxInt),
	)
	if err != nil {
		return err
	}
	o.QueueMessages, o.Inflight, o.Retained = f.messages, f.inflight, f.retained
	bytes, err := cli.ParseSize("--max-queued-bytes", f.bytes, 1, math.MaxInt64)
	if err != nil {
		return err
	}
	o.QueueBytes = int(min(bytes, math.MaxInt)) // int may have 32 bits
	o.Memory, err = cli.ParseSize("--memory", f.memory, 1<<20, math.MaxInt64)
	return err
}

// trialFlags are the faults of --fault.
type trialFlags struct{ fault string }

func (f *trialFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.fault, "fault", "", "cause faults: `WORDS` such as delay=50ms (mqtt help faults)")
}

func (f *trialFlags) apply(fs *pflag.FlagSet, o *broker.Options) error {
	if !fs.Changed("fault") {
		return nil
	}
	plan, err := faults.Parse(f.fault)
	if err != nil {
		return cli.BadFlag("--fault", ": "+err.Error(), "mqtt help faults lists the words")
	}
	o.Fault = plan
	return nil
}
