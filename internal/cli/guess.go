package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/config"
)

// guesses are the words of other tools for flags of ours. Each has flags to suggest, of which the
// first that the command has is used. Words after a colon replace its name in the suggestion; if they
// begin with =, they are a statement of their own.
func guesses(word string) []string {
	switch word {
	case "password", "pass", "passwd", "auth-password":
		return []string{"pw:--pw, or better --password-file", "passwords", "password-file"}
	case "user", "login", "user-name", "auth-user", "uname":
		return []string{"username", "passwords"}
	case "client", "client-id", "clientid", "identifier", "client-identifier":
		return []string{"id"}
	case "client-id-prefix", "clientid-prefix", "prefix":
		return []string{"id-prefix"}
	case "workers", "threads", "concurrency":
		return []string{"parallel", "clients", "pubs:--pubs and --subs, or mqtt bench conn --clients"}
	case "clients", "connections", "conns", "users", "vus", "number-of-clients":
		return []string{"clients", "pubs:--pubs and --subs, or mqtt bench conn --clients", "passwords", "max-connections",
			"topic:=one command is one client; mqtt bench has --pubs and --subs"}
	case "publishers", "pub", "num-publishers", "producers":
		return []string{"pubs"}
	case "subscribers", "sub", "num-subscribers", "consumers":
		return []string{"subs"}
	case "count", "number", "num", "limit", "max-messages", "max", "total", "requests", "iterations", "once", "n":
		return []string{"count:-C N", "messages", "clients", "repeat"}
	case "times", "loop", "loops":
		return []string{"repeat", "count:-C N", "messages"}
	case "msg", "body", "data", "value", "payload", "text":
		return []string{"message:-m MESSAGE"}
	case "message-size", "payload-size", "msg-size", "packet-size":
		return []string{"size", "max-packet-size", "maximum-packet-size"}
	case "topics", "channel", "subject", "topic-filter", "filter", "topic-name":
		return []string{"topic", "to:--fault 'topic=FILTER'"}
	case "rule", "rules", "section", "sections", "case", "cases", "only", "test", "tests", "select":
		return []string{"strict:=rules, sections and cases are arguments, as in mqtt check 3.8.4"}
	case "exclude", "ignore", "skip", "allow-failures", "expected-failures":
		return []string{"filter-out", "known:--known FILE"}
	case "list-cases", "list-tests", "show-cases":
		return []string{"list"}
	case "broker", "server", "servers", "hostname", "address", "addr", "endpoint", "uri", "brokers", "bootstrap-server", "target":
		return []string{"to:--to URL", "listen", "host:-h HOST, or -L URL"}
	case "host", "url", "upstream", "remote", "backend", "forward", "forward-to", "destination", "dest":
		return []string{"to:--to URL", "url:-L URL"}
	case "port", "listen-port", "from", "source", "local", "frontend":
		return []string{"listen:--listen mqtt://127.0.0.1:PORT"}
	case "bind-address", "listen-address", "listener", "listeners", "interface":
		return []string{"listen", "bind"}
	case "faults", "loss", "drop", "packet-loss", "latency", "jitter", "toxic", "chaos", "throttle", "corrupt", "bandwidth":
		return []string{"fault:--fault 'delay=50ms drop=1%'"}
	case "dump", "capture", "wireshark", "tcpdump", "pcapng":
		return []string{"pcap"}
	case "admin", "api", "http", "admin-port", "control-port", "rest":
		return []string{"control"}
	case "lint", "conformance", "validate":
		return []string{"rules"}
	case "quality", "qos-level", "quality-of-service", "maximum-qos":
		return []string{"qos:-q N"}
	case "retained", "keep":
		return []string{"retained-only", "retain:-r"}
	case "clear-retain", "delete-retained", "clear-retained":
		return []string{"remove-retained", "null-message:-r -n"}
	case "clean", "clean-session", "clean-start", "cleansession":
		return []string{"disable-clean-session:=a clean session is the default; -c resumes one"}
	case "no-clean", "no-clean-session", "persistent", "resume", "session":
		return []string{"disable-clean-session:-c"}
	case "session-expiry", "se":
		return []string{"session-expiry-interval:-x SECONDS"}
	case "ttl", "message-expiry", "msg-expiry", "expires", "lifetime":
		return []string{"message-expiry-interval"}
	case "expiry", "expire":
		return []string{"message-expiry-interval:--message-expiry-interval, or -x SECONDS for the session", "session-expiry-interval:-x SECONDS"}
	case "ca", "ca-file", "ca-cert", "cacert", "root-ca", "ca-certificate", "tls-ca":
		return []string{"cafile"}
	case "ca-path", "ca-dir":
		return []string{"capath"}
	case "certificate", "crt", "client-cert", "cert-file", "certfile", "tls-cert", "pem":
		return []string{"cert"}
	case "private-key", "client-key", "key-file", "keyfile", "tls-key":
		return []string{"key"}
	case "ssl", "secure", "enable-ssl", "use-tls", "mqtts":
		return []string{"tls", "listen:--listen mqtts://HOST:PORT"}
	case "insecure":
		return []string{"to-insecure"}
	case "servername", "tls-servername":
		return []string{"to-servername"}
	case "no-verify", "skip-verify", "tls-insecure", "insecure-skip-verify", "insecure-skip-tls-verify", "no-check-certificate", "verify":
		return []string{"insecure", "to-insecure"}
	case "sni", "server-name":
		return []string{"tls-servername"}
	case "alpn":
		return []string{"tls-alpn"}
	case "mqtt-version", "mqttversion", "mqtt-v", "protocol", "proto", "mqttver":
		return []string{"protocol-version:-V VERSION", "listen"}
	case "keep-alive-interval", "ping-interval", "heartbeat":
		return []string{"keepalive:-k SECONDS"}
	case "will", "will-message", "will-msg", "lwt", "last-will":
		return []string{"will-topic:--will-topic and --will-payload"}
	case "will-retained":
		return []string{"will-retain"}
	case "interval", "delay", "sleep", "wait", "period", "interval-of-msg":
		return []string{"interval", "repeat-delay", "rate", "idle-timeout"}
	case "speed", "realtime":
		return []string{"pace", "rate"}
	case "rps", "qps", "mps", "rate", "throughput", "message-rate", "msg-rate", "messages-per-second", "msgs-per-second":
		return []string{"rate", "repeat-delay", "message-rate"}
	case "connect-rate", "connection-rate", "conn-rate", "connrate", "ramp-up", "rampup":
		return []string{"ramp", "connect-rate"}
	case "time", "total-time", "run-time", "length":
		return []string{"duration", "timeout:-W SECONDS"}
	case "timeout", "time-limit", "deadline":
		return []string{"timeout:-W SECONDS", "connect-timeout", "duration"}
	case "retry", "retries", "reconnect-period", "auto-reconnect":
		return []string{"reconnect"}
	case "output", "output-file", "outfile", "report", "save", "summary-export", "result", "results":
		return []string{"out", "record", "json:a redirection, as in -J > FILE"}
	case "baseline", "base", "compare", "compare-to", "compare-with", "against":
		return []string{"known", "fail-if:=mqtt bench compare BASE... -- NEW... compares results"}
	case "name", "run-name", "test-name", "label", "description", "comment":
		return []string{"title"}
	case "threshold", "thresholds", "fail", "fail-on", "assert":
		return []string{"fail-if", "expect"}
	case "input", "infile", "input-file", "from-file", "file-read":
		return []string{"file:-f FILE"}
	case "stdin", "lines", "multiline":
		return []string{"stdin-line:-l, or -s for all of stdin as one message"}
	case "json-output", "output-mode", "output-json":
		return []string{"json:-J", "format"}
	case "json", "html", "junit", "csv", "markdown", "tap", "prometheus":
		return []string{"format:--format " + word}
	case "hex", "base64":
		return []string{"payload:--payload " + word}
	case "output-format":
		return []string{"payload:--payload hex", "format"}
	case "timestamp", "timestamps", "show-time":
		return []string{"payload:-F '%I %t %p'"}
	case "no-color", "no-colour", "nocolor", "no-colors", "monochrome", "plain":
		return []string{"color:--color never"}
	case "verbose", "trace", "verbosity", "show-topics":
		return []string{"verbose:-v", "log-level:--log-level debug", "debug:-d"}
	case "silent", "no-output", "no-warnings":
		return []string{"quiet"}
	case "websocket", "websockets", "over-ws":
		return []string{"ws", "listen:--listen ws://HOST:PORT/mqtt"}
	case "path", "ws-url":
		return []string{"ws-path"}
	case "headers", "header", "ws-headers":
		return []string{"ws-header"}
	case "user-properties", "user-prop", "up":
		return []string{"user-property:--user-property KEY=VALUE"}
	case "persistence", "persist", "store", "storage", "data-dir", "database", "db":
		return []string{"data:--data DIR"}
	case "password-file", "users-file", "user-file", "auth", "auth-file":
		return []string{"passwords:--passwords FILE", "username"}
	case "acl-file", "rights":
		return []string{"acl"}
	case "anonymous", "no-auth":
		return []string{"allow-anonymous"}
	case "log", "loglevel", "log-level", "log-dest", "log-type":
		return []string{"log-level", "debug:-d"}
	case "config", "conf", "config-file", "configuration":
		return []string{"profile:--profile NAME, or -o FILE for mosquitto's options", "passwords:=" + NoConfigFile}
	case "v", "ver":
		return []string{"version"}
	case "usage", "?":
		return []string{"help"}
	}
	return nil
}

// Guess returns ": did you mean X?" for a long flag that c does not have, "" if it resembles none.
func Guess(c *cobra.Command, name string) string {
	flags := c.Flags()
	kebab := kebabCase(name)
	if f := flags.Lookup(kebab); f != nil && !f.Hidden {
		return ": did you mean --" + kebab + "?"
	}
	for _, option := range append(guesses(kebab), guesses(strings.ToLower(name))...) {
		flag, say, ok := strings.Cut(option, ":")
		if f := flags.Lookup(flag); f == nil || f.Hidden {
			continue
		}
		if !ok {
			say = "--" + flag
		}
		if fact, ok := strings.CutPrefix(say, "="); ok {
			return ": " + fact
		}
		return ": did you mean " + say + "?"
	}
	if some := withPrefix(flags, kebab); some != "" {
		return ": did you mean " + some + "?"
	}
	return config.Suggestion(name, describe(flags), "--")
}

// NoConfigFile says where the settings of mqtt broker are.
const NoConfigFile = "mqtt broker has no configuration file: all settings are flags"

// guessLetter returns ": did you mean X?" for a letter that c does not have, "" if there is no guess.
func guessLetter(c *cobra.Command, letter string) string {
	name := ""
	switch letter {
	case "v":
		name = "verbose"
	case "H":
		name = "host"
	case "n", "C":
		name = "count"
	case "T":
		name = "topic"
	case "a":
		name = "host"
	case "c":
		name = "config"
	case "d":
		name = "verbose"
	case "s":
		name = "size"
	case "o", "O":
		name = "output"
	case "j":
		name = "json"
	case "p":
		name = "port"
	case "L", "h":
		name = "url"
	case "l":
		name = "listen"
	case "R":
		name = "rate"
	case "D":
		name = "duration"
	case "?":
		name = "help"
	case "V":
		name = "version"
	}
	if name == "" {
		return ""
	}
	return Guess(c, name)
}

// kebabCase returns a name in the form of flags: cleanStart and clean_start become clean-start.
func kebabCase(name string) string {
	var b strings.Builder
	var last rune
	for _, r := range name {
		switch {
		case r == '_' || r == '.':
			r = '-'
		case r >= 'A' && r <= 'Z':
			if last >= 'a' && last <= 'z' {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// withPrefix returns the flags that begin with prefix, if there are at most three.
func withPrefix(flags *pflag.FlagSet, prefix string) string {
	var some []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && len(prefix) > 2 && strings.HasPrefix(f.Name, prefix) {
			some = append(some, "--"+f.Name)
		}
	})
	switch len(some) {
	case 2:
		return some[0] + " or " + some[1]
	case 3:
		return some[0] + ", " + some[1] + " or " + some[2]
	}
	if len(some) == 1 {
		return some[0]
	}
	return ""
}

// oneDash finds a long flag with one dash, such as -help, which is read as -h elp. It returns the
// error about it, nil if arg is none.
func oneDash(c *cobra.Command, arg string) error {
	name := strings.TrimPrefix(arg, "-")
	bare, _, _ := strings.Cut(name, "=")
	if len(bare) < 3 && bare != "pw" || strings.HasPrefix(name, "-") {
		return nil
	}
	meant := bare
	if f := c.Flags().Lookup(bare); bare != "help" && (f == nil || f.Hidden) {
		if guesses(bare) == nil {
			return nil
		}
		guess, ok := strings.CutPrefix(Guess(c, bare), ": did you mean ")
		if !ok {
			return nil
		}
		meant = strings.TrimSuffix(guess, "?")
	} else {
		meant = "--" + bare
	}
	hint := c.CommandPath() + " --help lists the flags"
	if f := c.Flags().ShorthandLookup(bare[:1]); f != nil && f.Value.Type() != "bool" {
		hint = "or, for " + Quote(bare[1:]) + " as the value of -" + bare[:1] + ", write -" + bare[:1] + " " + ShellQuote(bare[1:])
	}
	return Usage("-"+bare+": did you mean "+meant+"?", hint)
}

// CheckFlags rejects arguments that pflag would read as something else: -help as -h elp, and -h -t as a
// host -t.
func CheckFlags(c *cobra.Command, args []string, wantsNext func(*pflag.FlagSet, string) bool) error {
	fs := c.Flags()
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return nil
		case len(arg) < 2 || arg[0] != '-':
			continue
		}
		if err := oneDash(c, arg); err != nil {
			return err
		}
		if arg == "-h" && fs.Lookup("to") != nil && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			return BadFlag("-h", Guess(c, "host"), "or --help for help")
		}
		if !wantsNext(fs, arg) {
			continue
		}
		i++
		if flag := arg[len(arg)-1:]; i < len(args) && (arg == "-h" || arg == "-p") && strings.HasPrefix(args[i], "-") && len(args[i]) > 1 {
			if f := fs.ShorthandLookup(flag); f != nil {
				return missingValue(f)
			}
		}
	}
	return nil
}

// missingValue returns the error about a flag without its value.
func missingValue(f *pflag.Flag) error {
	flag := TypedFlag(f)
	value, _ := pflag.UnquoteUsage(f)
	hint := "expected " + flag + " " + value
	switch {
	case flag == "-h":
		hint += ", or --help for help"
	case value == "FILTER":
		hint += "; the shell takes # for a comment: -t '#'"
	}
	return BadFlag(flag, " without a value", hint)
}
