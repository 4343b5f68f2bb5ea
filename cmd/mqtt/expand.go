package main

import (
	"strings"

	"mqtt/internal/config"
)

// joinProperties makes one word of mosquitto's several-word option, which no flag package knows: -D COMMAND NAME VALUE
// and -D COMMAND user-property KEY VALUE.
func joinProperties(args []string) ([]string, error) {
	if len(args) > 0 && args[0] == "broker" {
		return args, nil // -D deletes a user there
	}
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...), nil
		}
		if args[i] != "-D" && args[i] != "--property" {
			out = append(out, args[i])
			continue
		}
		words := args[i+1:]
		n := 3
		if len(words) > 1 && strings.EqualFold(words[1], "user-property") {
			n = 4
		}
		if len(words) > 0 && strings.ContainsAny(words[0], " \t") {
			n = 1 // one line, as in a file
		}
		if len(words) < n {
			return nil, usage(args[i]+" takes COMMAND NAME VALUE, or COMMAND user-property KEY VALUE",
				"for example: -D publish content-type text/plain")
		}
		line := words[0]
		if n > 1 {
			line = config.JoinProperty(words[:n])
		}
		out = append(out, "--property="+line)
		i += n
	}
	return out, nil
}
