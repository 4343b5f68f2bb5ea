package config

import (
	"slices"
	"strings"
)

// Merge returns, for each flag, the setting that counts, ordered by flag. The order of the arguments matters only
// between settings of one source (two options files): the later one counts.
//
// A setting also displaces what would contradict it from a weaker source: a --host on the command line displaces a
// MQTT_URL, a --password-file a profile's pw. Two that contradict each other in one source both stay, so that the
// command can refuse them. A --port leaves a weaker URL in place, for the command to apply to it, unless that names a
// unix socket. Of user and password a URL displaces what it has itself.
func Merge(layers ...[]Setting) []Setting {
	var all []Setting
	for _, layer := range slices.Backward(layers) {
		all = append(all, layer...)
	}
	slices.SortStableFunc(all, func(a, b Setting) int { return int(b.Origin.Source) - int(a.Origin.Source) })

	var kept []Setting
	for _, s := range all {
		if !slices.ContainsFunc(kept, func(k Setting) bool {
			return k.Flag == s.Flag || k.Origin.Source > s.Origin.Source && displaces(k, s)
		}) {
			kept = append(kept, s)
		}
	}
	slices.SortFunc(kept, func(a, b Setting) int { return strings.Compare(a.Flag, b.Flag) })
	return kept
}

// Joined returns the values of a List flag from all layers, the weakest source first. Merge lets the strongest source
// replace the others; mosquitto's own programs add the topics of their options file to those of the command line.
func Joined(flag string, layers ...[]Setting) []string {
	var found []Setting
	for _, layer := range layers {
		for _, s := range layer {
			if s.Flag == flag {
				found = append(found, s)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Setting) int { return int(a.Origin.Source) - int(b.Origin.Source) })
	var values []string
	for _, s := range found {
		values = append(values, s.Values...)
	}
	return values
}

// Find returns the setting of a flag.
func Find(settings []Setting, flag string) (Setting, bool) {
	for _, s := range settings {
		if s.Flag == flag {
			return s, true
		}
	}
	return Setting{}, false
}

// displaces reports whether the setting leaves no room for a weaker one of another flag.
func displaces(s, weaker Setting) bool {
	other := weaker.Flag
	switch s.Flag {
	case "url":
		user, password := userinfo(last(s))
		switch other {
		case "host", "port", "unix", "srv", "ws":
			return true
		case "username":
			return user
		case "pw", "password-file":
			return password
		}
	case "unix":
		return among(other, "url", "host", "port", "srv", "ws")
	case "host":
		return among(other, "url", "unix")
	case "port":
		return other == "unix" || other == "url" && namesSocket(last(weaker))
	case "srv":
		return !off(s) && among(other, "url", "unix")
	case "pw":
		return other == "password-file"
	case "password-file":
		return other == "pw"
	case "keypass":
		return other == "keypass-file"
	case "keypass-file":
		return other == "keypass"
	case "id":
		return other == "id-prefix"
	case "id-prefix":
		return other == "id"
	case "will-payload":
		return other == "will-file"
	case "will-file":
		return other == "will-payload"
	case "message", "file":
		return payloadSource(other)
	case "stdin-file", "stdin-line", "null-message":
		return !off(s) && payloadSource(other)
	}
	return false
}

func payloadSource(flag string) bool {
	return among(flag, "message", "file", "stdin-file", "stdin-line", "null-message")
}

// last is the value that counts of a flag that takes one.
func last(s Setting) string {
	if len(s.Values) == 0 {
		return "" // a command's, which has not run yet
	}
	return s.Values[len(s.Values)-1]
}

func among(s string, names ...string) bool { return slices.Contains(names, s) }

// off reports whether a switch was set to false, and so contradicts nothing.
func off(s Setting) bool { return len(s.Values) == 1 && s.Values[0] == "false" }
