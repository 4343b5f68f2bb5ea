package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"mqtt/internal/cli"
	"mqtt/internal/cli/clitest"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/cmd/root"
)

// follow runs one command line in this process against a fake server that follows script, and returns
// its output.
func follow(t *testing.T, script string, args ...string) (status int, stdout, stderr string, faked error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := cmdtest.Follow(l, "fake", script)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	e := clitest.Env(&out, &errs)
	status = root.Run(ctx, e, append([]string{"mqtt", args[0], "-h", "127.0.0.1", "-p", f.Port, "--reconnect", "never"}, args[1:]...))
	return status, out.String(), errs.String(), f.Close()
}

// The client disconnects from a server that breaks the protocol: nothing that it sent is printed, in
// version 5 DISCONNECT says why, the status is 7 and the message says so [MQTT-4.8.0-1 of 3.1.1].
func TestViolations(t *testing.T) {
	const five, four = "5", "3.1.1"
	for _, v := range []struct {
		rules   string
		version string
		sent    string // behind SUBSCRIBE
		reason  string // of our DISCONNECT in version 5
		says    string
	}{
		{"[MQTT-1.5.4-1] topic that is not UTF-8", five, `30 05 00 02 ff "a" 00`, "81", "not UTF-8"},
		{"[MQTT-1.5.4-1] a surrogate", five, `30 06 00 03 ed a0 80 00`, "81", "UTF-8"},
		{"[MQTT-1.5.3-1] a surrogate", four, `30 05 00 03 ed a0 80`, "", "UTF-8"},
		{"[MQTT-1.5.4-2], [MQTT-4.7.3-2] NUL in a topic", five, `30 05 00 02 "a" 00 00`, "81", "U+0000"},
		{"[MQTT-1.5.3-2], [MQTT-4.7.3-2 of 3.1.1]", four, `30 04 00 02 "a" 00`, "", "U+0000"},
		{"[MQTT-1.5.4-2], [MQTT-1.5.7-1] NUL in a user property", five, `30 0b 00 01 "a" 07 26 00 01 "k" 00 01 00`, "81", "user-property"},
		{"[MQTT-1.5.5-1] a length in more bytes than it takes", five, `30 84 00 00 01 "a" 00`, "81", "Remaining Length"},
		{"[MQTT-1.5.5-1] a length of five bytes", four, `30 80 80 80 80 01`, "", "Remaining Length"},
		{"[MQTT-2.1.3-1], [MQTT-3.6.1-1] bits of PUBREL", five, `60 02 00 01`, "81", "reserved bits in the first byte"},
		{"[MQTT-2.1.3-1] bits of SUBACK", five, `91 04 00 01 00 00`, "81", "reserved bits in the first byte"},
		{"[MQTT-2.1.3-1] bits of PINGRESP", five, `d1 00`, "81", "reserved bits in the first byte"},
		{"[MQTT-2.2.2-2] bits of PUBREL", four, `60 02 00 01`, "", "reserved bits in the first byte"},
		{"[MQTT-2.2.2-2] bits of SUBACK", four, `91 03 00 01 00`, "", "reserved bits in the first byte"},
		{"[MQTT-2.2.2-2] bits of PUBACK", four, `41 02 00 01`, "", "reserved bits in the first byte"},
		{"[MQTT-2.2.2-2] bits of PINGRESP", four, `d1 00`, "", "reserved bits in the first byte"},
		{"[MQTT-2.3.1-1] identifier 0", four, `32 05 00 01 "a" 00 00`, "", "identifier"},
		{"[MQTT-2.2.1-3] identifier 0", five, `32 06 00 01 "a" 00 00 00`, "", "identifier"},
		{"[MQTT-3.3.1-4] QoS 3", five, `36 06 00 01 "a" 00 01 00`, "81", "QoS"},
		{"[MQTT-3.3.1-4 of 3.1.1] QoS 3", four, `36 05 00 01 "a" 00 01`, "", "QoS"},
		{"[MQTT-3.3.1-2] DUP at QoS 0", five, `38 04 00 01 "a" 00`, "81", "DUP"},
		{"[MQTT-3.3.2-2], [MQTT-4.7.0-1] wildcard in a topic name", five, `30 06 00 03 "a/#" 00`, "", "wildcard"},
		{"[MQTT-3.3.2-2 of 3.1.1], [MQTT-4.7.1-1 of 3.1.1]", four, `30 03 00 01 "+"`, "", "wildcard"},
		{"[MQTT-3.3.2-8] alias 0", five, `30 07 00 01 "a" 03 23 00 00`, "94", "topic-alias"},
		{"[MQTT-4.7.3-1] no topic and no alias", five, `30 03 00 00 00`, "82", "topic"},
		{"[MQTT-4.7.3-1 of 3.1.1] no topic", four, `30 02 00 00`, "", "topic"},
		{"[MQTT-3.3.2-14] wildcard in a response topic", five, `30 08 00 01 "a" 04 08 00 01 "#"`, "82", "response-topic"},
		{"[MQTT-3.3.2-13] response topic that is not UTF-8", five, `30 08 00 01 "a" 04 08 00 01 ff`, "81", "response-topic"},
		{"[MQTT-3.3.2-19] content type that is not UTF-8", five, `30 08 00 01 "a" 04 03 00 01 ff`, "81", "content-type"},
		{"[MQTT-3.4.2-1] a reason that PUBACK has not", five, `40 03 00 01 03`, "", "reason"},
		{"[MQTT-3.5.2-1] a reason that PUBREC has not", five, `50 03 00 01 03`, "", "reason"},
		{"[MQTT-3.6.2-1] a reason that PUBREL has not", five, `62 03 00 01 80`, "", "reason"},
		{"[MQTT-3.7.2-1] a reason that PUBCOMP has not", five, `70 03 00 01 80`, "", "reason"},
		{"[MQTT-3.9.3-2] a reserved code in SUBACK", four, `90 03 00 01 03`, "", "SUBACK"},
		{"[MQTT-3.14.1-1] bits of DISCONNECT", five, `e1 00`, "81", "reserved bits in the first byte"},
		{"[MQTT-3.15.1-1] bits of AUTH", five, `f1 00`, "81", "reserved bits in the first byte"},
		{"[MQTT-4.8.0-1 of 3.1.1] CONNECT", four, `10 0c 00 04 "MQTT" 04 02 00 3c 00 00`, "", "CONNECT"},
		{"[MQTT-4.8.0-1 of 3.1.1] a second CONNACK", four, `20 02 00 00`, "", "CONNACK"},
		{"[MQTT-4.8.0-1 of 3.1.1] SUBSCRIBE", four, `82 06 00 01 00 01 "a" 00`, "", "SUBSCRIBE"},
		{"[MQTT-4.8.0-1 of 3.1.1] PINGREQ", four, `c0 00`, "", "PINGREQ"},
		{"[MQTT-4.8.0-1 of 3.1.1] AUTH", four, `f0 00`, "", "AUTH"},
		{"[MQTT-4.8.0-1 of 3.1.1] DISCONNECT", four, `e0 00`, "", "DISCONNECT"},
		{"[MQTT-4.8.0-1 of 3.1.1] a short packet", four, `40 01 00`, "", "PUBACK"},
		{"[MQTT-4.8.0-1 of 3.1.1] an answer to nothing", four, `b0 02 00 09`, "", "UNSUBACK"},
		{"more reasons than filters", five, `90 05 00 01 00 00 00`, "82", "SUBACK: 2 reasons for 1 filters"},
	} {
		t.Run(v.rules+" "+v.version, func(t *testing.T) {
			script := "expect CONNECT\nconnack\nexpect SUBSCRIBE\nsend " + v.sent + "\n"
			if v.version == five {
				reason := v.reason
				if reason == "" {
					reason = ".."
				}
				script += "expect e0 01 " + reason + "\n"
			}
			status, stdout, stderr, faked := follow(t, script+"expect eof\n", "sub", "-V", v.version, "-t", "a", "-v")
			if faked != nil {
				t.Error(faked)
			}
			if status != cli.ExitLost || stdout != "" {
				t.Errorf("exit status %d, stdout %q", status, stdout)
			}
			if !strings.HasPrefix(stderr, "mqtt sub: 127.0.0.1:") || !strings.Contains(stderr, ": protocol error of the server: ") || !strings.Contains(stderr, v.says) ||
				strings.Count(stderr, "\n") != 1 {
				t.Errorf("stderr %q, want %q in it", stderr, v.says)
			}
		})
	}
}

// The same before CONNACK.
func TestBadConnack(t *testing.T) {
	for _, v := range []struct{ rules, version, sent, says string }{
		{"[MQTT-2.1.3-1] bits of CONNACK", "5", "21 03 00 00 00", "reserved bits in the first byte"},
		{"[MQTT-2.2.2-2] bits of CONNACK", "3.1.1", "21 02 00 00", "reserved bits in the first byte"},
		{"[MQTT-1.5.4-1] a reason string that is not UTF-8", "5", "20 07 00 87 04 1f 00 01 ff", "reason-string"},
		{"[MQTT-3.2.2-4] a session of a clean start", "5", "20 03 01 00 00", "session present"},
		{"[MQTT-4.13.2-1] a reason that CONNACK has not", "5", "20 03 00 01 00", "reason"},
		{"PUBLISH before CONNACK", "5", `30 04 00 01 "a" 00`, "PUBLISH: came before CONNACK"},
		{"[MQTT-4.12.0-7] AUTH without a method", "5", `f0 02 18 00`, "AUTH"},
	} {
		t.Run(v.rules, func(t *testing.T) {
			status, stdout, stderr, _ := follow(t, "expect CONNECT\nsend "+v.sent+"\nexpect eof\n", "sub", "-V", v.version, "-t", "a")
			if status != cli.ExitLost || stdout != "" || !strings.Contains(stderr, "protocol error of the server: ") || !strings.Contains(stderr, v.says) {
				t.Errorf("exit status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
}
