package config

import (
	"slices"
	"strings"
)

// mask replaces a secret. Its length is independent of the length of the secret.
const mask = "********"

// Masked returns a flag's value for display, with the secret replaced: the whole value, or
// the secret part of a URL, a header or a property.
func Masked(flag, value string) string {
	shown, _ := masked(flag, value)
	return shown
}

// Secret reports whether a flag's value contains a secret.
func Secret(flag, value string) bool {
	_, secret := masked(flag, value)
	return secret
}

// masked returns the value for display, and whether it contains a secret.
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

// maskedURL masks the password before the host, and the query, which can contain signatures
// and tokens. It does not parse the URL, because a URL with a typing error contains a
// password, too. It masks everything from the first colon to the last @, even if a slash in
// the password makes it look like a path. In a URL without @ it masks a port that is not a
// number, because that can be a password whose @ and host are missing.
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
		if name, port, ok := strings.Cut(host, ":"); ok && port != "" && !allDigits(port) {
			value, secret = value[:start+len(name)+1]+mask+value[start+len(host):], true
		}
	}
	if i := strings.IndexByte(value, '?'); i >= 0 && i+1 < len(value) {
		value, secret = value[:i+1]+mask, true
	}
	return value, secret
}

// scheme reports whether s, which is before ://, can be a scheme and not part of a password.
func scheme(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.Contains("+-.", s[i:i+1]) {
			return false
		}
	}
	return s != ""
}

// userinfo reports whether a URL has a user name, and whether it has a password, which may
// be empty. The last @ before the path ends them.
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

// isSocketURL reports whether a URL is that of a unix socket.
func isSocketURL(url string) bool {
	name, _, _ := strings.Cut(url, ":")
	return strings.EqualFold(name, "unix")
}

// maskedPair masks the value of a pair whose name suggests a secret. It masks all of a text
// that is not a pair.
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

// maskedProperty masks authentication data, and a user property whose key suggests a
// secret. It masks all of a text that is not a property.
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

// secretName reports whether the value of a header or user property with that name is
// likely to be a secret.
func secretName(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", "-"))
	words := []string{"password", "passwd", "secret", "token", "authoriz", "authent", "cookie", "credential", "signature",
		"api-key", "apikey", "access-key", "private-key", "session"}
	return name == "pw" || name == "auth" || strings.HasSuffix(name, "-auth") || strings.HasPrefix(name, "x-auth") ||
		slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
}
