package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/message"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// checkProfile rejects a profile with a flag that no command has, or with a value that no command
// accepts.
func checkProfile(e *cli.Env, p *config.Profile) error {
	settings, err := p.Settings(cli.AllFlags(e), nil)
	if err != nil {
		return cli.Usage(err.Error(), "mqtt help environment lists the flags")
	}
	for _, s := range settings {
		for _, v := range s.Values {
			if expected := expectedValue(e, s.Flag, v); expected != "" {
				return cli.Usage(s.Origin.String()+": "+s.Flag+" "+cli.Quote(config.Masked(s.Flag, v)), expected)
			}
		}
	}
	return nil
}

// expectedValue returns what is expected of a value that no command accepts for a flag, "" if one
// does.
func expectedValue(e *cli.Env, flag, value string) (expected string) {
	for _, c := range e.Tree(nil).Commands() {
		f := c.Flags().Lookup(flag)
		if f == nil {
			continue
		}
		if f.Value.Set(value) != nil {
			expected = cli.Expected(f)
		} else if expected = expectation(f, value); expected == "" {
			return ""
		}
	}
	return expected
}

// expectation returns what is expected of a flag's value beyond its type, "" if value is right. The
// commands check the same when they run.
func expectation(f *pflag.Flag, value string) string {
	var err error
	switch f.Name {
	case "protocol-version":
		_, _, err = connect.ReadVersion(value)
	case "qos", "will-qos":
		if !slices.Contains([]string{"0", "1", "2"}, value) {
			return "expected 0, 1 or 2"
		}
	case "host":
		_, err = connect.ReadHost(value)
	case "port":
		if n, err := strconv.ParseUint(value, 10, 16); err != nil || n == 0 {
			return "expected a number from 1 to 65535"
		}
	case "url":
		if _, err := transport.ParseURL(value); err != nil {
			return connect.URLForm
		}
	case "proxy":
		if _, err := transport.ParseProxy(value); err != nil && value != "none" {
			return connect.ProxyForm
		}
	case "bind":
		for addr := range strings.SplitSeq(value, ",") { // bench accepts several
			if _, err := netip.ParseAddr(addr); err != nil {
				return "expected an IP address of this machine"
			}
		}
	case "keepalive":
		_, err = connect.ReadKeepAlive(value)
	case "session-expiry-interval":
		_, err = connect.ReadExpiry(value)
	case "reconnect":
		_, err = (&connect.SessionFlags{Reconnect: value, ReconnectDelay: "1s"}).Backoff(false)
	case "reconnect-delay":
		_, err = (&connect.SessionFlags{ReconnectDelay: value}).Backoff(false)
	default:
		return expectationOfText(f, value)
	}
	return cli.HintOf(err)
}

// expectationOfText is expectation for flags about output and about texts in packets.
func expectationOfText(f *pflag.Flag, value string) string {
	var err error
	switch placeholder, _ := pflag.UnquoteUsage(f); {
	case f.Name == "color":
		err = (&cli.DisplayFlags{Color: value}).Apply(&cli.Env{})
	case f.Name == "format" && placeholder == "FORMAT":
		if _, err := format.Compile(value, format.Options{}); err != nil {
			return "mqtt help formats lists the escapes"
		}
	case f.Name == "payload":
		if _, err := format.ParseEncoding(value); err != nil {
			return "expected text, hex or base64"
		}
	case f.Name == "jq", f.Name == "match":
		_, err = message.NewQuery(f.Name, value)
	case f.Name == "pace":
		_, err = message.ParsePace(value)
	case f.Name == "property":
		err = (&connect.PropertyFlags{Sets: make(map[proto.Type]proto.Props)}).Line(value)
	case f.Name == "user-property" && !strings.Contains(value, "="):
		return "expected KEY=VALUE"
	case f.Name == "ws-header" && !strings.Contains(value, ":"):
		return "expected NAME: VALUE"
	case f.Name == "tls-version":
		_, err := transport.ParseVersion(value)
		return textOf(err)
	case f.Name == "ciphers":
		_, err := transport.ParseCiphers(value)
		return textOf(err)
	case placeholder == "DURATION", placeholder == "SECONDS":
		_, err = cli.ParseDuration(f.Name, value)
	}
	return cli.HintOf(err)
}

// textOf returns the text of err, "" for nil.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
