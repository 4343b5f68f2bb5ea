package transport

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// ProxyFromEnvironment returns the proxy in ALL_PROXY for host, which may have a port. It returns
// nil if the variable is not set, if NO_PROXY excludes host, or if host is this machine. Each
// variable is also read in lower case, which takes precedence. NO_PROXY is a list, separated by
// commas or spaces, of host names with their subdomains (only the subdomains after a leading dot),
// IP addresses and CIDR blocks, each with an optional port, or * for all hosts.
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
		if excluded(strings.ToLower(rule), name, port) {
			return nil, nil
		}
	}
	return ParseProxy(value)
}

// excluded reports whether an entry of NO_PROXY matches the host.
func excluded(rule, name, port string) bool {
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
