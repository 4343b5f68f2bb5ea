package config

import (
	"slices"
	"strings"
)

// mask stands for a secret. Its length tells nothing of the secret's.
const mask = "********"

// Masked returns a flag's value as it may be shown: a secret is replaced as a whole, and of a URL, a header or a
// property the part that is secret.
func Masked(flag, value string) string {
	shown, _ := masked(flag, value)
	return shown
}

// Secret reports whether the value holds something that others must not read.
func Secret(flag, value string) bool {
	_, secret := masked(flag, value)
	return secret
}

func masked(flag, value string) (string, bool) {
	if value == "" {
		return "", false
	}
	switch flag {
	case "pw", "password", "keypass", "auth-data", "psk":
		return mask, true
	case "url", "proxy", "listen":
		return maskedURL(value)
	case "ws-header":
		return maskedPair(value, ":=")
	case "user-property":
		return maskedPair(value, "=")
	case "property":
		return maskedProperty(value)
	}
	if strings.HasSuffix(flag, "-password") || strings.HasSuffix(flag, "-secret") || strings.HasSuffix(flag, "-token") {
		return mask, true
	}
	return value, false
}

// maskedURL masks a password before the host, and a query, where signatures and tokens stand. It looks at the text and
// not at a parsed URL, since a mistyped one has a password as well: everything from the first colon to the last @ goes,
// also when a slash in the password makes it look like a path; and so does a port that is none, of a URL without a host.
func maskedURL(value string) (string, bool) {
	secret := false
	start := 0
	if i := strings.Index(value, "://"); i >= 0 && scheme(value[:i]) {
		start = i + 3
	}
	if at := strings.LastIndexByte(value, '@'); at >= start {
		if colon := strings.IndexByte(value[start:at], ':'); colon >= 0 && start+colon+1 < at {
			value, secret = value[:start+colon+1]+mask+value[at:], true
		}
	} else if host, _, _ := strings.Cut(value[start:], "/"); host != "" && host[0] != '[' {
		host, _, _ = strings.Cut(host, "?")
		if name, port, ok := strings.Cut(host, ":"); ok && port != "" && !digits(port) {
			value, secret = value[:start+len(name)+1]+mask+value[start+len(host):], true
		}
	}
	if i := strings.IndexByte(value, '?'); i >= 0 && i+1 < len(value) {
		value, secret = value[:i+1]+mask, true
	}
	return value, secret
}

// scheme reports whether s can stand before ://, and so is no part of a password.
func scheme(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.Contains("+-.", s[i:i+1]) {
			return false
		}
	}
	return s != ""
}

// userinfo reports whether a URL has a user name, and whether it has a password, be it empty. Both end with the last @
// before the path.
func userinfo(url string) (user, password bool) {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		url = rest
	}
	url, _, _ = strings.Cut(url, "/")
	at := strings.LastIndexByte(url, '@')
	if at < 0 {
		return false, false
	}
	name, _, password := strings.Cut(url[:at], ":")
	return name != "", password
}

// namesSocket reports whether a URL is one of a unix socket.
func namesSocket(url string) bool {
	name, _, _ := strings.Cut(url, ":")
	return strings.EqualFold(name, "unix")
}

// maskedPair masks the value of a pair whose name promises a secret, and all of what is no pair.
func maskedPair(value, separators string) (string, bool) {
	i := strings.IndexAny(value, separators)
	switch {
	case i < 0:
		return mask, true
	case !secretName(value[:i]) || strings.Trim(value[i+1:], " \t") == "":
		return value, false
	case value[i] == ':':
		return value[:i+1] + " " + mask, true
	}
	return value[:i+1] + mask, true
}

func maskedProperty(value string) (string, bool) {
	words, err := PropertyWords(value)
	if err != nil {
		return mask, true
	}
	last := len(words) - 1
	if words[last] == "" || !strings.EqualFold(words[1], "authentication-data") && (last < 3 || !secretName(words[2])) {
		return value, false
	}
	return strings.Join(words[:last], " ") + " " + mask, true
}

// secretName reports whether something of this name, a header or a user property, is likely to be a secret.
func secretName(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", "-"))
	words := []string{"password", "passwd", "secret", "token", "authoriz", "authent", "cookie", "credential", "signature",
		"api-key", "apikey", "access-key", "private-key", "session"}
	return name == "pw" || name == "auth" || strings.HasSuffix(name, "-auth") || strings.HasPrefix(name, "x-auth") ||
		slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
}
