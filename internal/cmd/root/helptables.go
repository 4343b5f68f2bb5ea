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
		{cli.ExitOther, "an error that has no status of its own"},
		{cli.ExitUsage, "wrong flags or arguments; nothing was sent"},
		{cli.ExitOpening, "no connection: name, TCP, TLS, WebSocket, time"},
		{cli.ExitRefused, "the server refused the connection (CONNACK)"},
		{cli.ExitSubscribe, "a subscription was refused, or less was granted than --require-qos asks for"},
		{cli.ExitPublish, "a message was refused, or the server's limits forbid it"},
		{cli.ExitLost, "the connection was lost, and reconnecting was not asked for or given up"},
		{cli.ExitExpected, "an expectation or threshold did not hold"},
		{cli.ExitTimeout, "-W ran out"},
		{130, "interrupted (SIGINT) before the work was done"},
		{143, "terminated (SIGTERM) before the work was done"},
	}
}

func exitText(*cli.Env) string {
	var b strings.Builder
	b.WriteString("Exit statuses:\n\n")
	var rows [][2]string
	for _, s := range exitStatuses() {
		rows = append(rows, [2]string{strconv.Itoa(s.code), s.meaning})
	}
	columns(&b, rows)
	b.WriteString(`
A command that has no end of its own, such as mqtt sub without -C, is done when it is interrupted: status 0.
An error is one line on stderr: the command, what failed and why, then what to try.

Under the names mosquitto_pub, mosquitto_sub and mosquitto_rr they are those of mosquitto's own clients:

  - When the server refuses the connection, the return code or reason code of its CONNACK.
  - 1 in the place of 2, 3, 5 and 6: wrong flags, no connection, a refused subscription or message.
  - 27 when -W ran out, 7 when the connection was lost for good.
  - mosquitto_sub is done when it is interrupted or terminated, also with -C: 0. With several filters it goes on while
    one of them holds.

Deliberately not mosquitto's: a message or a last filter that the server refused is never a success.
`)
	return b.String()
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

func propertiesText(*cli.Env) string {
	var b strings.Builder
	b.WriteString(`-D COMMAND NAME VALUE gives a packet a property of MQTT 5, where COMMAND is the packet; for a user property it is
-D COMMAND user-property KEY VALUE. The common ones have flags of their own: --content-type and so on.

`)
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
		rows = append(rows, [2]string{row.Name, kind + strings.Repeat(" ", max(1, 17-len(kind))) + strings.Join(in, " ")})
	}
	columns(&b, rows)
	b.WriteString("\nOnly a server sends these; mqtt ping and -d show them:\n\n")
	for line := range strings.SplitSeq(wrapped(strings.Join(fromServer, ", "), 100), "\n") {
		b.WriteString("  " + line + "\n")
	}
	b.WriteString(`
A user property may stand many times, and keeps its order. A property that its packet cannot carry is refused before
a connection is opened.
`)
	return b.String()
}

// wrapped breaks s into lines of at most width bytes.
func wrapped(s string, width int) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
		case n+1+len(word) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}

func environmentText(e *cli.Env) string {
	var b strings.Builder
	b.WriteString(`Every flag has an environment variable: MQTT_ and its long name in capitals, with _ for -. An empty one counts as not
set. A flag that takes many values has one a line; a switch takes 1, 0, true, false, yes, no, on or off. A flag on the
command line or in an options file wins over a variable, a variable over a profile. MQTT_URL stands for MQTT_HOST and
MQTT_PORT as well. Under mosquitto's names variables do not count.

`)
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
	columns(&b, table)
	b.WriteString(`
Others that count:

`)
	columns(&b, [][2]string{
		{"ALL_PROXY, NO_PROXY", "a proxy for connections, and the hosts that need none; --proxy none for this once"},
		{"NO_COLOR", "no colour"},
		{"XDG_CONFIG_HOME", "where profiles are kept: mqtt/profiles below it, else below ~/.config"},
		{"VISUAL, EDITOR", "the editor of mqtt config edit"},
	})
	return b.String()
}
