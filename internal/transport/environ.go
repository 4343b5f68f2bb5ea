package transport

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// ProxyFromEnvironment returns the proxy that ALL_PROXY names for host (which may have a
// port), or nil: where none is set, where NO_PROXY has the host, and always for this
// machine. The names are looked for in lower case first. NO_PROXY is a list of names
// (their subdomains included; with a leading dot only those), addresses, CIDR blocks,
// each with or without a port, or * for everything.
func ProxyFromEnvironment(getenv func(string) string, host string) (*url.URL, error) {
	value := getenv("all_proxy")
	if value == "" {
		value = getenv("ALL_PROXY")
	}
	if value == "" {
		return nil, nil
	}
	name, port := host, ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if isLoopback(name) {
		return nil, nil
	}
	except := getenv("no_proxy")
	if except == "" {
		except = getenv("NO_PROXY")
	}
	for _, rule := range strings.FieldsFunc(except, func(r rune) bool { return r == ',' || r == ' ' }) {
		if excepted(strings.ToLower(rule), name, port) {
			return nil, nil
		}
	}
	return ParseProxy(value)
}

// excepted tells whether one entry of NO_PROXY has the host.
func excepted(rule, name, port string) bool {
	if rule == "*" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	isAddr := err == nil
	if block, err := netip.ParsePrefix(rule); err == nil {
		return isAddr && block.Contains(addr.Unmap())
	}
	if h, p, err := net.SplitHostPort(rule); err == nil {
		if p != port {
			return false
		}
		rule = h
	}
	if a, err := netip.ParseAddr(strings.Trim(rule, "[]")); err == nil {
		return isAddr && a.Unmap() == addr.Unmap()
	}
	rule = strings.TrimPrefix(rule, "*")
	if strings.HasPrefix(rule, ".") {
		return !isAddr && strings.HasSuffix(name, rule)
	}
	return rule != "" && (name == rule || !isAddr && strings.HasSuffix(name, "."+rule))
}
