package config

import "strings"

// FromEnvironment returns the settings that environment variables hold, in the order of flags: --will-topic is
// MQTT_WILL_TOPIC, and so on. lookup is os.LookupEnv or the like.
//
//   - A variable that is empty counts as not set.
//   - A List has one value a line; empty lines are nothing.
//   - A Switch takes 1, 0, true, false, yes, no, on, off.
//   - --pw is MQTT_PASSWORD as well as MQTT_PW.
//   - MQTT_URL tells the whole server: MQTT_HOST and MQTT_PORT, which `mqtt broker -- CMD` sets beside it, do not count
//     then.
//   - MQTT_PORT with a URL in it is what container platforms set for a service named mqtt, and is not meant for us.
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
				return nil, &Error{File: "MQTT_PASSWORD", What: "MQTT_PW is set too, to another value: set one of them"}
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
		at := Origin{Source: Environment, Name: name}
		switch f.Kind {
		case Switch:
			word, ok := truth(value)
			if !ok {
				return nil, &Error{File: name, What: wantBool}
			}
			settings = append(settings, Setting{Flag: f.Name, Values: []string{word}, Origin: at})
		case List:
			var values []string
			for line := range strings.SplitSeq(value, "\n") {
				if line = strings.TrimSuffix(line, "\r"); line != "" {
					values = append(values, line)
				}
			}
			if values != nil {
				settings = append(settings, Setting{Flag: f.Name, Values: values, Origin: at})
			}
		default:
			settings = append(settings, Setting{Flag: f.Name, Values: []string{value}, Origin: at})
		}
	}
	return settings, nil
}

// Variable returns the name of a flag's environment variable: MQTT_WILL_TOPIC for will-topic.
func Variable(flag string) string {
	var room [64]byte // one allocation a name: this runs for every flag at every start
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
