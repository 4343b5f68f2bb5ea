package cli

import (
	"os"
	"strings"
)

// CommandEnviron returns this process's environment for a command that it starts: without the password of
// the connection, which the command and all that it starts could read.
func CommandEnviron() []string {
	var all []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "MQTT_PASSWORD" && name != "MQTT_PW" {
			all = append(all, v)
		}
	}
	return all
}
