package root

import (
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

// exitStatuses says what each status means.
func exitStatuses() []struct {
	code    int
	meaning string
} {
	return []struct {
		code    int
		meaning string
	}{
		{0, "done: every message of QoS 1 and 2 was acknowledged"},
		{cli.ExitOther, "another error"},
		{cli.ExitUsage, "wrong flags or arguments; nothing was sent"},
		{cli.ExitOpening, "no connection: name lookup, TCP, TLS, WebSocket, timeout"},
		{cli.ExitRefused, "the server refused the connection (CONNACK)"},
		{cli.ExitSubscribe, "a subscription was refused, or granted with less than --require-qos"},
		{cli.ExitPublish, "a message was refused, or is beyond the server's limits"},
		{cli.ExitLost, "the connection was lost (reconnecting was off, or gave up)"},
		{cli.ExitExpected, "an expectation or threshold failed (--expect, --fail-if)"},
		{cli.ExitTimeout, "timed out (-W)"},
		{130, "interrupted (SIGINT) before the work was done"},
		{143, "terminated (SIGTERM) before the work was done"},
	}
}

func exitText(p *page, _ *cli.Env) {
	p.text("Exit statuses:")
	var rows [][2]string
	for _, s := range exitStatuses() {
		rows = append(rows, [2]string{strconv.Itoa(s.code), s.meaning})
	}
	p.table(rows)
	p.text(`A command that runs until it is interrupted, such as mqtt sub without -C, ends with status 0 on an interrupt. An error
is one line on stderr: the command, what failed and why, then what to do.

When run as mosquitto_pub, mosquitto_sub or mosquitto_rr, the statuses are those of mosquitto's clients:

  - The return code or reason code of CONNACK when the server refuses the connection.
  - 1 instead of 2, 3, 5 and 6: wrong flags, no connection, a refused subscription or message.
  - 27 when -W timed out, 7 when the connection was lost for good.
  - mosquitto_sub ends with 0 when it is interrupted or terminated, also with -C. With several filters it continues
    while one of them is granted.

One difference is deliberate: a message that the server refused, or a refused last filter, is never a success.`)
}

// kindName says what value a property takes.
func kindName(k proto.Kind) string {
	switch k {
	case proto.Flag:
		return "0 or 1"
	case proto.Uint16:
		return "0 to 65535"
	case proto.Uint32:
		return "0 to 4294967295"
	case proto.Varint:
		return "1 to 268435455"
	case proto.Binary:
		return "bytes"
	case proto.Text:
		return "text"
	}
	return "KEY VALUE"
}

// sendable reports whether a client may send the property in that packet.
func sendable(row *proto.Property, t proto.Type) bool {
	return row.In(t) && (t != proto.PUBLISH || row.ID != proto.SubscriptionIdentifier) // [MQTT-3.3.4-6]
}

func propertiesText(p *page, e *cli.Env) {
	p.text(`-D COMMAND NAME VALUE sets a property of an MQTT 5 packet. COMMAND is the packet: publish, connect and so on. A user
property is -D COMMAND user-property KEY VALUE. -D may be repeated. Example:

  mqtt pub -t a -m x -D publish content-type text/plain -D publish user-property k v

These properties exist, with their values and packets:`)
	var rows [][2]string
	var fromServer []string
	for i := range proto.Properties {
		row := &proto.Properties[i]
		var in []string
		for _, p := range connect.PropertyPackets {
			if sendable(row, p.T) {
				in = append(in, p.Name)
			}
		}
		if in == nil {
			fromServer = append(fromServer, row.Name)
			continue
		}
		kind := kindName(row.Kind)
		if row.NoZero {
			kind = strings.Replace(kind, "0 to", "1 to", 1)
		}
		rows = append(rows, [2]string{row.Name, kind + " (" + strings.Join(in, ", ") + ")"})
	}
	p.table(rows)
	p.text("Only a server sends these; mqtt ping and -d print them: " + strings.Join(fromServer, ", ") + `.

A user property may be set several times, and keeps its order. A property that its packet cannot have is rejected
before a connection is opened. The common properties have flags:`)
	p.flagGroups(e, groupProperties)
}

func environmentText(p *page, e *cli.Env) {
	p.text(`Every flag has an environment variable: MQTT_ and its long name in capitals, with _ for -. An empty variable counts as
not set. A flag with several values has one on each line. A switch is 1, 0, true, false, yes, no, on or off. A flag on
the command line or in an options file wins over a variable, a variable over a profile. MQTT_URL replaces MQTT_HOST and
MQTT_PORT, too. When run as mosquitto_pub, mosquitto_sub or mosquitto_rr, MQTT_* variables are ignored.`)
	type row struct{ flag, commands string }
	var rows []row
	at := make(map[string]int)
	for _, c := range e.Tree(nil).Commands() {
		if c.Flags().Lookup("profile") == nil {
			continue
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Hidden {
				return
			}
			if i, ok := at[f.Name]; ok {
				rows[i].commands += " " + c.Name()
				return
			}
			at[f.Name] = len(rows)
			rows = append(rows, row{f.Name, c.Name()})
		})
	}
	var table [][2]string
	for _, r := range rows {
		name := config.Variable(r.flag)
		if r.flag == "pw" {
			name += ", MQTT_PASSWORD"
		}
		table = append(table, [2]string{name, r.commands})
	}
	p.table(table)
	p.text("Other variables:")
	p.table([][2]string{
		{"ALL_PROXY, NO_PROXY", "a proxy for connections, and the hosts that need none; --proxy none ignores both"},
		{"NO_COLOR", "no colour"},
		{"XDG_CONFIG_HOME", "the folder of mqtt/profiles (default: ~/.config)"},
		{"VISUAL, EDITOR", "the editor of mqtt config edit"},
	})
}
