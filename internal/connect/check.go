package connect

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// ReadHost parses -h: a name or an address, which may be in brackets as in a URL. Anything more
// belongs to another flag.
func ReadHost(s string) (string, error) {
	if in, ok := strings.CutPrefix(s, "["); ok {
		if in, ok := strings.CutSuffix(in, "]"); ok && isAddress(in) {
			return in, nil
		}
	}
	host, port, _ := strings.Cut(s, ":")
	switch {
	case isAddress(s):
		return s, nil
	case strings.Contains(s, "://"):
		return "", cli.BadValue("-h", transport.Redact(s), "that is a URL: give it to -L")
	case strings.ContainsAny(s, "@/? \t\r\n"):
		return "", cli.BadValue("-h", transport.Redact(s), "expected the name of a host, or its address; -L takes a URL")
	case strings.HasPrefix(s, "["), strings.Contains(port, ":"):
		return "", cli.BadValue("-h", s, "expected an address such as ::1; the port belongs to -p")
	case strings.Contains(s, ":"):
		return "", cli.BadValue("-h", s, "the port belongs to -p: -h "+host+" -p "+port)
	}
	return s, nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// withFlag adds to an error about the target the flag that it comes from, and a hint.
func (f *ServerFlags) withFlag(fs *pflag.FlagSet, err error) error {
	var (
		fault *transport.TargetError
		path  *transport.Error
	)
	if !errors.As(err, &fault) {
		if errors.As(err, &path) {
			return cli.Usage(err.Error(), transport.Hint(err))
		}
		return err // a usage error, or an interrupt
	}
	const form = "certificates and keys are read from files in PEM form"
	flag, hint := "--cafile", form
	switch fault.Field {
	case "CAPath":
		flag = "--capath"
	case "Cert":
		flag = "--cert"
	case "Key":
		flag = "--key"
	case "KeyLog":
		flag, hint = "--tls-keylog", "check that the folder exists and is writable"
	case "Port":
		flag, hint = f.part(fs, "port", "-p"), "for example 1883, or 8883 with TLS"
	case "Socket":
		flag, hint = "--unix", "use a shorter path, such as a relative one"
		if f.Unix == "" {
			flag = "-L"
		}
	case "Path":
		flag, hint = f.part(fs, "ws-path", "--ws-path"), "for example /mqtt"
	case "Bind":
		flag, hint = "-A", "for example 127.0.0.1"
	case "Subprotocol":
		flag, hint = "--ws-protocol", "letters, digits, dots and dashes"
	case "Header":
		flag, hint = "--ws-header", "expected NAME: VALUE"
	case "Proxy":
		flag, hint = "--proxy", ProxyForm
	}
	if tip := transport.Hint(err); tip != "" {
		hint = tip
	} else if hint == form && unreadable(fault) {
		hint = "check that the file exists and is readable"
	}
	return cli.BadFlag(flag, ": "+err.Error(), hint)
}

// part returns the flag that a part of the target comes from: its own, or the URL.
func (f *ServerFlags) part(fs *pflag.FlagSet, name, typed string) string {
	if f.URL != "" && !fs.Changed(name) {
		return "-L"
	}
	return typed
}

// unreadable reports whether a file is missing or may not be read.
func unreadable(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission)
}

// secretsInClear names what a connection without TLS reveals: secrets, and who connects.
func secretsInClear(p *proto.Connect, id *IdentityFlags, headers []string) []string {
	var secrets []string
	if p.HasUsername {
		secrets = append(secrets, "user name")
	}
	if p.HasPassword {
		secrets = append(secrets, "password")
	}
	if id.AuthMethod != "" && id.authData != "" {
		secrets = append(secrets, "authentication data")
	}
	for _, h := range headers {
		if name, _, _ := strings.Cut(h, ":"); config.Secret("ws-header", h) {
			secrets = append(secrets, "header "+strings.TrimSpace(name))
		}
	}
	return secrets
}

// warn warns of secrets that go to the server unencrypted, and of a flag that has no effect.
func warn(e *cli.Env, t *transport.Target, insecure bool, secrets []string) {
	if t.TLS != nil {
		return
	}
	if insecure {
		e.Warn("--insecure has no effect without TLS: --tls turns it on")
	}
	n := len(secrets)
	switch {
	case n == 0 || t.Local() || t.Proxy == nil && !t.SRV && thisMachine(t.Host):
	case n == 1:
		e.Warn("the %s goes to %s unencrypted: --tls encrypts it", secrets[0], t.Addr())
	default:
		e.Warn("%s and %s go to %s unencrypted: --tls encrypts them", strings.Join(secrets[:n-1], ", "), secrets[n-1], t.Addr())
	}
}

// thisMachine reports whether host is the name of this machine, or an address of one of its
// interfaces.
func thisMachine(host string) bool {
	name, _, _ := strings.Cut(host, "%")
	addr, err := netip.ParseAddr(name)
	if err != nil {
		own, err := os.Hostname()
		short, _, _ := strings.Cut(own, ".")
		host = strings.TrimSuffix(host, ".")
		return err == nil && (strings.EqualFold(host, own) || strings.EqualFold(host, short))
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == addr.Unmap() {
				return true
			}
		}
	}
	return false
}
