package config

import (
	"slices"
	"sort"
)

// Merge returns one setting for each flag, that of the strongest source, in the order of
// flags. If a flag has several settings of the same source (of two options files), Merge
// returns the last one.
//
// A setting also displaces settings of weaker sources that contradict it: --host on the
// command line displaces MQTT_URL, and --password-file displaces pw of a profile. Two
// settings of the same source that contradict each other are both returned, so that the
// command can refuse them. --port does not displace a weaker URL, because the command
// applies the port to it, unless the URL is that of a unix socket. A URL displaces user
// name and password only if it has them itself.
func Merge(layers ...[]Setting) []Setting {
	var all []Setting
	for _, layer := range slices.Backward(layers) {
		all = append(all, layer...)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Origin.Source > all[j].Origin.Source })

	var chosen []Setting
	for _, s := range all {
		if !slices.ContainsFunc(chosen, func(c Setting) bool {
			return c.Flag == s.Flag || c.Origin.Source > s.Origin.Source && displaces(c, s)
		}) {
			chosen = append(chosen, s)
		}
	}
	sort.Slice(chosen, func(i, j int) bool { return chosen[i].Flag < chosen[j].Flag })
	return chosen
}

// Joined returns the values of a List flag of all sources, the weakest source first. This
// is for the programs of mosquitto, which add the topics of the options file to those of
// the command line, where Merge chooses the strongest source.
func Joined(flag string, layers ...[]Setting) []string {
	var found []Setting
	for _, layer := range layers {
		for _, s := range layer {
			if s.Flag == flag {
				found = append(found, s)
			}
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Origin.Source < found[j].Origin.Source })
	var values []string
	for _, s := range found {
		values = append(values, s.Values...)
	}
	return values
}

// Find returns the setting of a flag. ok is false if there is none.
func Find(settings []Setting, flag string) (_ Setting, ok bool) {
	for _, s := range settings {
		if s.Flag == flag {
			return s, true
		}
	}
	return Setting{}, false
}

// displaces reports whether s contradicts a weaker setting of another flag.
func displaces(s, weaker Setting) bool {
	other := weaker.Flag
	switch s.Flag {
	case "url":
		user, password := userinfo(lastValue(s))
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
		return other == "unix" || other == "url" && isSocketURL(lastValue(weaker))
	case "srv":
		return !isFalse(s) && among(other, "url", "unix")
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
		return !isFalse(s) && payloadSource(other)
	}
	return false
}

// payloadSource reports whether a flag says what to publish.
func payloadSource(flag string) bool {
	return among(flag, "message", "file", "stdin-file", "stdin-line", "null-message")
}

// lastValue returns the value of a flag that takes one.
func lastValue(s Setting) string {
	if len(s.Values) == 0 {
		return "" // the command has not been run yet
	}
	return s.Values[len(s.Values)-1]
}

func among(s string, names ...string) bool { return slices.Contains(names, s) }

// isFalse reports whether s is a switch that is set to false and so contradicts nothing.
func isFalse(s Setting) bool { return len(s.Values) == 1 && s.Values[0] == "false" }
