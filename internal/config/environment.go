package config

import (
	"errors"
	"strings"
)

var errPassword = errors.New("MQTT_PW is set too, to another value: set only one of them")

// FromEnvironment returns the settings of environment variables in the order of flags. The
// variable of --will-topic is MQTT_WILL_TOPIC, and so on. lookup is usually os.LookupEnv.
//
//   - An empty variable is ignored.
//   - A List has one value on each line. Empty lines are ignored.
//   - A Switch has one of the words 1, 0, true, false, yes, no, on, off.
//   - --pw is MQTT_PASSWORD or MQTT_PW.
//   - MQTT_URL describes the server completely. If it is set, MQTT_HOST and MQTT_PORT, which
//     `mqtt broker -- CMD` sets too, are ignored.
//   - MQTT_PORT is ignored if its value is a URL: container platforms set that for a service
//     with the name mqtt.
//   - --help and --version have no variable.
func FromEnvironment(lookup func(name string) (string, bool), flags []Flag) ([]Setting, error) {
	var settings []Setting
	url, _ := lookup("MQTT_URL")
	if _, known := find(flags, "url"); !known {
		url = ""
	}
	for _, f := range flags {
		name := Variable(f.Name)
		value, _ := lookup(name)
		switch f.Name {
		case "help", "version":
			continue
		case "pw":
			alias, _ := lookup("MQTT_PASSWORD")
			if value != "" && alias != "" && value != alias {
				return nil, &Error{File: "MQTT_PASSWORD", Err: errPassword}
			}
			if alias != "" {
				name, value = "MQTT_PASSWORD", alias
			}
		case "host":
			if url != "" {
				continue
			}
		case "port":
			if url != "" || strings.Contains(value, "://") {
				continue
			}
		}
		if value == "" {
			continue
		}
		origin := Origin{Source: Environment, Name: name}
		switch f.Kind {
		case Switch:
			word, ok := parseBool(value)
			if !ok {
				return nil, &Error{File: name, Err: errBool}
			}
			settings = append(settings, Setting{Flag: f.Name, Values: []string{word}, Origin: origin})
		case List:
			var values []string
			for line := range strings.SplitSeq(value, "\n") {
				if line = strings.TrimSuffix(line, "\r"); line != "" {
					values = append(values, line)
				}
			}
			if values != nil {
				settings = append(settings, Setting{Flag: f.Name, Values: values, Origin: origin})
			}
		default:
			settings = append(settings, Setting{Flag: f.Name, Values: []string{value}, Origin: origin})
		}
	}
	return settings, nil
}

// Variable returns the name of a flag's environment variable, such as MQTT_WILL_TOPIC for
// will-topic.
func Variable(flag string) string {
	var room [64]byte // one allocation for each name: this runs for every flag at every start
	name := append(room[:0], "MQTT_"...)
	for i := range len(flag) {
		c := flag[i]
		switch {
		case c == '-':
			c = '_'
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		name = append(name, c)
	}
	return string(name)
}
