package root

import "strings"

// guessCommand returns the command line that a word of other tools was probably meant for, "" if it
// is none.
func guessCommand(word string) string {
	switch strings.ToLower(word) {
	case "subscribe", "listen", "receive", "recv", "consume", "consumer", "mosquitto_sub", "mqtt_sub", "read", "tail":
		return "mqtt sub"
	case "monitor", "watch", "top", "explore", "topics", "ui":
		return "mqtt sub -w -t '#'"
	case "publish", "send", "produce", "producer", "post", "emit", "mosquitto_pub", "mqtt_pub", "write":
		return "mqtt pub"
	case "request", "req", "ask", "rpc", "call", "mosquitto_rr", "reply", "respond":
		return "mqtt rr"
	case "connect", "status", "health", "healthcheck", "pingreq", "info", "wait":
		return "mqtt ping"
	case "conn", "connections":
		return "mqtt bench conn"
	case "benchmark", "load", "loadtest", "stress", "perf", "run", "simulate", "emqtt_bench":
		return "mqtt bench"
	case "conformance", "compliance", "verify", "validate", "lint", "spec", "test", "doctor":
		return "mqtt check"
	case "sniff", "sniffer", "capture", "intercept", "mitm", "relay", "forward", "tunnel", "dump", "chaos", "fault", "faults":
		return "mqtt proxy"
	case "record":
		return "mqtt sub -J > FILE, or mqtt proxy --record FILE"
	case "replay", "play":
		return "mqtt pub -J --pace 1x < FILE"
	case "limits":
		return "mqtt check limits"
	case "report":
		return "mqtt bench report"
	case "compare", "diff":
		return "mqtt bench compare"
	case "serve", "server", "start", "listener", "daemon", "mosquitto", "mock":
		return "mqtt broker"
	case "passwd", "password", "mosquitto_passwd", "adduser", "useradd":
		return "mqtt broker passwd FILE USER"
	case "profile", "configure", "settings", "context", "alias", "init", "set":
		return "mqtt config"
	case "version":
		return "mqtt --version"
	case "man", "usage", "manual", "docs":
		return "mqtt help"
	case "completions", "autocomplete", "complete":
		return "mqtt completion"
	}
	return ""
}
