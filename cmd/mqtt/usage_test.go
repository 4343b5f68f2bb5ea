package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mqtt/internal/cli"
	"mqtt/internal/cli/clitest"
	"mqtt/internal/cmd/root"
)

// What can be known to be wrong is rejected before a connection is opened: exit 2, one line that names
// the flag, and nothing sent. No server listens on port 1: a connection would be exit 3.
func TestUsage(t *testing.T) {
	const surrogate = "\xed\xa0\x80"
	long := strings.Repeat("a", 65536)
	for _, c := range []struct {
		rules string
		args  []string
		says  string
	}{
		{"flags that are none", []string{"pub", "-t", "a", "-m", "x", "--nope"}, "unknown flag: --nope"},
		{"flags that are none", []string{"sub", "-t", "a", "-Z"}, "unknown flag: -Z"},
		{"a value without a flag", []string{"pub", "-t", "a", "-m", "x", "y"}, `unexpected argument "y"`},
		{"not a number", []string{"pub", "-t", "a", "-m", "x", "-q", "high"}, "expected 0, 1 or 2"},

		// Text.
		{"[MQTT-1.5.4-1], [MQTT-1.5.3-1], [MQTT-3.3.2-1], [MQTT-3.3.2-1 of 3.1.1]", []string{"pub", "-t", "\xff", "-m", "x"}, "not UTF-8"},
		{"[MQTT-1.5.4-1], [MQTT-1.5.3-1]", []string{"pub", "-t", surrogate, "-m", "x"}, "not UTF-8"},
		{"[MQTT-3.8.3-1], [MQTT-3.8.3-1 of 3.1.1]", []string{"sub", "-t", "\xff"}, "not UTF-8"},
		{"[MQTT-3.10.3-1], [MQTT-3.10.3-1 of 3.1.1]", []string{"sub", "-U", "\xff"}, "not UTF-8"},
		{"[MQTT-3.1.3-4], [MQTT-3.1.3-4 of 3.1.1]", []string{"pub", "-i", surrogate, "-t", "a", "-m", "x"}, "-i: text that is not UTF-8"},
		{"[MQTT-3.1.3-4]", []string{"pub", "-I", "\xff", "-t", "a", "-m", "x"}, "-I: text that is not UTF-8"},
		{"[MQTT-3.1.3-12], [MQTT-3.1.3-11 of 3.1.1]", []string{"pub", "-u", "\xff", "-t", "a", "-m", "x"}, "-u: text that is not UTF-8"},
		{"[MQTT-3.1.3-11], [MQTT-3.1.3-10]", []string{"pub", "--will-topic", "\xff", "-t", "a", "-m", "x"}, "--will-topic"},
		{"[MQTT-3.3.2-13]", []string{"pub", "-t", "a", "-m", "x", "--response-topic", "\xff"}, "--response-topic: text that is not UTF-8"},
		{"[MQTT-3.3.2-19]", []string{"pub", "-t", "a", "-m", "x", "--content-type", "\xff"}, "--content-type: text that is not UTF-8"},
		{"[MQTT-1.5.7-1]", []string{"pub", "-t", "a", "-m", "x", "-D", "publish", "user-property", "k", "\xff"}, "user-property: text that is not UTF-8"},
		{"[MQTT-1.5.7-1]", []string{"pub", "-t", "a", "-m", "x", "--user-property", surrogate + "=v"}, "--user-property: text that is not UTF-8"},
		{"[MQTT-1.5.4-2], [MQTT-1.5.3-2], [MQTT-4.7.3-2], [MQTT-4.7.3-2 of 3.1.1]", []string{"pub", "-t", "a\x00b", "-m", "x"}, "NUL"},
		{"[MQTT-4.7.3-2], [MQTT-4.7.3-2 of 3.1.1]", []string{"sub", "-t", "a\x00b"}, "NUL"},

		// Topic names and filters.
		{"[MQTT-3.3.2-2], [MQTT-4.7.0-1], [MQTT-3.3.2-2 of 3.1.1], [MQTT-4.7.1-1 of 3.1.1]", []string{"pub", "-t", "a/+", "-m", "x"}, "a topic name has no wildcards; to receive use mqtt sub"},
		{"[MQTT-4.7.0-1], [MQTT-4.7.1-1 of 3.1.1]", []string{"pub", "-t", "a/#", "-m", "x"}, "wildcard"},
		{"[MQTT-4.7.0-1], [MQTT-4.7.1-1 of 3.1.1]", []string{"pub", "--will-topic", "#", "-t", "a", "-m", "x"}, "--will-topic"},
		{"[MQTT-3.3.2-14], [MQTT-4.7.0-1]", []string{"pub", "-t", "a", "-m", "x", "-D", "publish", "response-topic", "a/#"}, "-D publish response-topic: wildcard"},
		{"[MQTT-4.7.1-1], [MQTT-4.7.1-2 of 3.1.1]", []string{"sub", "-t", "a#"}, "# must be the last level"},
		{"[MQTT-4.7.1-1], [MQTT-4.7.1-2 of 3.1.1]", []string{"sub", "-t", "a/#/b"}, "# must be the last level"},
		{"[MQTT-4.7.1-1]", []string{"sub", "-U", "#/a"}, `-U "#/a"`},
		{"[MQTT-4.7.1-1]", []string{"sub", "-t", "a", "-T", "b#"}, `-T "b#"`},
		{"[MQTT-4.7.1-2], [MQTT-4.7.1-3]", []string{"sub", "-t", "a+"}, "+ a whole level"},
		{"[MQTT-4.7.1-2], [MQTT-4.7.1-3]", []string{"sub", "-t", "+a"}, "+ a whole level"},
		{"[MQTT-4.7.1-2], [MQTT-4.7.1-3]", []string{"sub", "-t", "a/+b"}, "+ a whole level"},
		{"[MQTT-4.7.3-1], [MQTT-4.7.3-1 of 3.1.1]", []string{"pub", "-t", "", "-m", "x"}, "no topic"},
		{"[MQTT-4.7.3-1], [MQTT-4.7.3-1 of 3.1.1]", []string{"sub", "-t", ""}, "empty topic filter"},
		{"[MQTT-4.7.3-3], [MQTT-4.7.3-3 of 3.1.1]", []string{"sub", "-t", long}, "more than 65535 bytes"},
		{"[MQTT-4.8.2-1]", []string{"sub", "-t", "$share//x"}, "empty share name"},
		{"[MQTT-4.8.2-2]", []string{"sub", "-t", "$share/g"}, "no topic filter after the share name"},
		{"[MQTT-4.8.2-2]", []string{"sub", "-t", "$share/g/"}, "no topic filter after the share name"},
		{"[MQTT-4.8.2-2]", []string{"sub", "-t", "$share/g+/x"}, "wildcard in a share name"},
		{"[MQTT-3.8.3-4]", []string{"sub", "-t", "$share/g/x", "--no-local"}, "--no-local with the shared subscription"},
		{"[MQTT-3.8.3-2], [MQTT-3.8.3-3]", []string{"sub"}, "no topic filter - name one with -t FILTER"},
		{"[MQTT-3.10.3-2], [MQTT-3.10.3-2 of 3.1.1]", []string{"sub", "-U", ""}, "empty topic filter"},

		// Numbers.
		{"[MQTT-3.3.1-4], [MQTT-3.3.1-4 of 3.1.1]", []string{"pub", "-t", "a", "-m", "x", "-q", "3"}, "-q 3 - expected 0, 1 or 2"},
		{"[MQTT-3-8.3-4]", []string{"sub", "-t", "a", "-q", "3"}, "-q 3 - expected 0, 1 or 2"},
		{"[MQTT-3.1.2-12], [MQTT-3.1.2-14 of 3.1.1]", []string{"pub", "-t", "a", "-m", "x", "--will-topic", "w", "--will-qos", "3"}, "--will-qos 3"},
		{"keep alive", []string{"pub", "-t", "a", "-m", "x", "-k", "65536"}, "-k 65536 - expected 0 to 65535 seconds"},
		{"count", []string{"sub", "-t", "a", "-C", "0"}, "-C 0 - expected 1 or more"},
		{"window", []string{"pub", "-t", "a", "-m", "x", "-M", "0"}, "-M 0 - expected 1 to 65535"},
		{"time", []string{"sub", "-t", "a", "-W", "0"}, `-W "0" - expected more than 0 seconds`},
		{"time", []string{"sub", "-t", "a", "-W", "soon"}, "expected a duration such as 5, 250ms or 1m30s"},
		{"chance", []string{"sub", "-t", "a", "--random-filter", "101"}, "expected more than 0, and 100 at most"},
		{"port", []string{"pub", "-t", "a", "-m", "x", "-p", "http"}, "expected a number from 1 to 65535"},
		{"delays", []string{"pub", "-t", "a", "-m", "x", "--reconnect-delay", "5..1"}, "expected MIN..MAX"},
		{"repeats", []string{"pub", "-t", "a", "-m", "x", "--repeat", "0"}, "--repeat 0"},
		{"pings", []string{"ping", "-C", "0"}, "-C"},

		// Properties.
		{"[MQTT-3.3.2-8]", []string{"pub", "-t", "a", "-m", "x", "-D", "publish", "topic-alias", "0"}, "-D publish topic-alias \"0\""},
		{"[MQTT-3.3.4-6]", []string{"pub", "-t", "a", "-m", "x", "-D", "publish", "subscription-identifier", "3"}, "only a server may send it"},
		{"not allowed there", []string{"pub", "-t", "a", "-m", "x", "-D", "publish", "session-expiry-interval", "3"}, "property not allowed in PUBLISH"},
		{"no such property", []string{"pub", "-t", "a", "-m", "x", "-D", "publish", "colour", "red"}, `no property named "colour"`},
		{"no such packet", []string{"pub", "-t", "a", "-m", "x", "-D", "puback", "reason-string", "red"}, `no packet named "puback"`},
		{"too few words", []string{"pub", "-t", "a", "-m", "x", "-D", "publish"}, "mqtt pub: -D takes COMMAND NAME VALUE"},
		{"twice", []string{"pub", "-t", "a", "-m", "x", "--content-type", "a", "-D", "publish", "content-type", "b"}, "property given twice"},
		{"out of range", []string{"pub", "-t", "a", "-m", "x", "--receive-maximum", "0"}, "--receive-maximum \"0\""},
		{"out of range", []string{"pub", "-t", "a", "-m", "x", "--maximum-packet-size", "0"}, "--maximum-packet-size \"0\""},
		{"only in 5", []string{"pub", "-V", "3.1.1", "-t", "a", "-m", "x", "--content-type", "a"}, "only MQTT 5 has it"},
		{"only in 5", []string{"sub", "-V", "3.1", "-t", "a", "--no-local"}, "only MQTT 5 has it"},
		{"no pair", []string{"pub", "-t", "a", "-m", "x", "--user-property", "alone"}, "expected KEY=VALUE"},

		// Flags that exclude each other.
		{"[MQTT-3.1.3-7]", []string{"sub", "-V", "3.1.1", "-c", "-t", "a"}, "-c without -i - a session to come back to needs a name: -i ID"},
		{"[MQTT-3.1.2-22 of 3.1.1]", []string{"sub", "-V", "3.1.1", "-P", "secret", "-t", "a"}, "a password without a user name"},
		{"identifiers", []string{"pub", "-t", "a", "-m", "x", "-i", "a", "-I", "b"}, "-i with -I - give one of them"},
		{"payloads", []string{"pub", "-t", "a", "-m", "x", "-n"}, "-m with -n - give one of them"},
		{"Trap 25", []string{"pub", "-t", "a"}, "no payload - give one of -m MESSAGE, -f FILE, -s, -l, "},
		{"ends", []string{"sub", "-t", "a", "-C", "1", "--expect", "1"}, "give one of them"},
		{"retained", []string{"sub", "-t", "a", "-R", "--retained-only"}, "-R with --retained-only"},
		{"forms", []string{"sub", "-t", "a", "-J", "-F", "%p"}, "-J with -F - give one of them"},
		{"sockets", []string{"pub", "-t", "a", "-m", "x", "--unix", "s", "-h", "b"}, "a socket has a path alone"},
		{"passwords", []string{"pub", "-t", "a", "-m", "x", "-u", "u", "-P", "x", "--password-file", "f"}, "-P with --password-file"},

		{"payloads", []string{"pub", "-t", "a", "-m", "x", "-m", "y"}, "-m with -m - give one of them"},
		{"payloads", []string{"rr", "-t", "a", "-f", "x", "-f", "y"}, "-f with -f - give one of them"},
		{"[MQTT-3.1.3-7]", []string{"sub", "-V", "3.1.1", "-c", "-i", "", "-t", "a"}, "-c without -i"},
		{"stdin", []string{"pub", "-t", "a", "-u", "u", "--password-file", "-", "-l"}, "--password-file - with -l - stdin can be read only once"},
		{"stdin", []string{"pub", "-t", "a", "-u", "u", "--password-file", "-", "-s"}, "--password-file - with -s"},
		{"stdin", []string{"pub", "-t", "a", "-u", "u", "--password-file", "-", "-J"}, "--password-file - with -J"},
		{"stdin", []string{"pub", "-t", "a", "-u", "u", "--password-file", "-", "-f", "-"}, "--password-file - with -f"},
		{"sockets", []string{"pub", "-t", "a", "-m", "x", "-L", "unix://m.sock", "-p", "1"}, "-L unix:// with -h or -p - a socket has a path alone"},
		{"sockets", []string{"pub", "-t", "a", "-m", "x", "--unix", "m.sock", "-p", "5"}, "--unix with -h or -p - a socket has a path alone"},

		// Packets that are not sent, and properties that do not go together.
		{"no such packet", []string{"pub", "-t", "a", "-m", "x", "-D", "subscribe", "user-property", "k", "v"}, "-D subscribe: this command sends no SUBSCRIBE"},
		{"no such packet", []string{"sub", "-t", "a", "-D", "publish", "content-type", "x"}, "-D publish: this command sends no PUBLISH"},
		{"no such packet", []string{"ping", "-D", "publish", "content-type", "x"}, "-D publish: this command sends no PUBLISH"},
		{"no such packet", []string{"sub", "-t", "a", "-D", "unsubscribe", "user-property", "k", "v"}, "-D unsubscribe without -U"},
		{"no such packet", []string{"pub", "-t", "a", "-m", "x", "-D", "auth", "user-property", "k", "v"}, "-D auth without --auth-method"},
		{"twice", []string{"sub", "-t", "a", "-D", "subscribe", "subscription-identifier", "1", "--subscription-identifier", "2"}, "--subscription-identifier with -D subscribe subscription-identifier"},
		{"not UTF-8", []string{"pub", "-t", "a", "-m", "\xff", "--payload-format-indicator"}, "message: payload that is not UTF-8, with payload-format-indicator 1"},
		{"not UTF-8", []string{"rr", "-t", "a", "-e", "b", "-m", "\xff", "--payload-format-indicator"}, "message: payload that is not UTF-8, with payload-format-indicator 1"},
		{"not UTF-8", []string{"sub", "-t", "a", "--will-topic", "w", "--will-payload", "\xff", "-D", "will", "payload-format-indicator", "1"}, "will: payload that is not UTF-8"},
		{"3.14.2.2.2", []string{"sub", "-t", "a", "-D", "disconnect", "session-expiry-interval", "10"}, "-D disconnect session-expiry-interval without a session"},
		{"whole seconds", []string{"pub", "-t", "a", "-m", "x", "--message-expiry-interval", "250ms"}, "--message-expiry-interval \"250ms\" - expected whole seconds"},
		{"whole seconds", []string{"pub", "-t", "a", "-m", "x", "-x", "250ms"}, "-x \"250ms\" - expected whole seconds"},
		{"whole seconds", []string{"pub", "-t", "a", "-m", "x", "-k", "1500ms"}, "-k 1500ms - expected 0 to 65535 seconds"},

		// Values in the wrong place: what may be secret is masked.
		{"URLs", []string{"pub", "-t", "a", "-m", "x", "-h", "mqtt://u:s3cr3t@localhost"}, `-h "mqtt://u:***@localhost" - that is a URL: give it to -L`},
		{"URLs", []string{"pub", "-m", "x", "-L", "wss://h:x/mqtt?token=s3cr3t"}, `-L: url "wss://h:***/mqtt?***": the port must be a number`},
		{"URLs", []string{"pub", "-m", "x", "-L", "mqtt://u:s3cr3t"}, `-L: url "mqtt://u:***": the port must be a number`},
		{"headers", []string{"pub", "-t", "a", "-m", "x", "--ws", "--ws-header", "Authorization Bearer s3cr3t"}, `--ws-header "********" - expected NAME: VALUE`},
		{"headers", []string{"pub", "-t", "a", "-m", "x", "--ws", "--ws-header", "a b: c"}, `--ws-header: header name "a b"`},
		{"ports", []string{"pub", "-t", "a", "-m", "x", "-h", "localhost:20000"}, `-h "localhost:20000" - the port belongs to -p: -h localhost -p 20000`},
		{"ports", []string{"pub", "-t", "a", "-m", "x", "-h", "[::1]:20000"}, `-h "[::1]:20000" - expected an address such as ::1; the port belongs to -p`},
		{"ports", []string{"pub", "-t", "a", "-m", "x", "-p", "abc"}, `-p: port "abc": expected a number from 1 to 65535 - for example 1883`},
		{"ports", []string{"pub", "-m", "x", "-L", "mqtt://h:0/a"}, `-L: port "0": expected a number from 1 to 65535`},
		{"bind", []string{"pub", "-t", "a", "-m", "x", "-A", "eth0"}, `-A: bind "eth0": expected an IP address of this machine`},
		{"proxies", []string{"pub", "-t", "a", "-m", "x", "--proxy", "ftp://h"}, "--proxy: proxy ftp://h: unknown scheme"},
		{"sockets", []string{"pub", "-t", "a", "-m", "x", "--unix", "/" + strings.Repeat("s", 200)}, "201 bytes, more than the maximum of "},

		// An empty value would silently disable something.
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--cafile", ""}, "--cafile is empty - give it a FILE, or leave it out"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--capath", ""}, "--capath is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--cert", ""}, "--cert is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--key", ""}, "--key is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--unix", ""}, "--unix is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "-L", ""}, "-L is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "-h", ""}, "-h is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "-o", ""}, "-o is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--profile", ""}, "--profile is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--password-file", ""}, "--password-file is empty"},
		{"empty", []string{"pub", "-t", "a", "-m", "x", "--auth-method", ""}, "--auth-method is empty"},

		// Files that are read.
		{"formats", []string{"sub", "-t", "a", "-F", "%y"}, `unknown escape "%y"`},
		{"expressions", []string{"sub", "-t", "a", "--jq", ".["}, "expected a jq expression"},
		{"expressions", []string{"sub", "-t", "a", "--match", "|"}, "expected a jq expression"},
		{"versions", []string{"sub", "-t", "a", "-V", "6"}, "expected auto, 5, 3.1.1 or 3.1"},
		{"colours", []string{"sub", "-t", "a", "--color", "red"}, "expected auto, always or never"},
		{"encodings", []string{"sub", "-t", "a", "--payload", "octal"}, "expected text, hex or base64"},
		{"handling", []string{"sub", "-t", "a", "--retain-handling", "3"}, "expected always, new or never"},
		{"ciphers", []string{"sub", "-t", "a", "--ciphers", "ROT13"}, "unknown cipher ROT13"},
		{"TLS", []string{"sub", "-t", "a", "--tls-version", "ssl3"}, "expected tlsv1.3, tlsv1.2, tlsv1.1 or tlsv1"},
		{"URLs", []string{"sub", "-L", "gopher://a/b"}, `unknown scheme "gopher"`},
		{"files", []string{"pub", "-t", "a", "-f", "/nowhere/at/all"}, "no such file or directory"},
		{"files", []string{"pub", "-t", "a", "-m", "x", "--cafile", "usage_test.go"}, "usage_test.go: no certificate in PEM form"},
		{"files", []string{"pub", "-t", "a", "-m", "x", "-o", "/nowhere/at/all"}, "-o /nowhere/at/all: no such file or directory - check that the file exists and is readable"},
		{"files", []string{"pub", "-t", "a", "-m", "x", "-o", "usage_test.go"}, "usage_test.go:1: expected an option, such as --host NAME or -q 1 - a line has an option and its value"},
		{"files", []string{"pub", "-t", "a", "-m", "x", "--cafile", "/nowhere"}, "--cafile: /nowhere: no such file or directory - check that the file exists and is readable"},
		{"files", []string{"pub", "-t", "a", "-m", "x", "--tls-keylog", "/nowhere/x"}, "--tls-keylog: /nowhere/x: no such file or directory - check that the folder exists and is writable"},
		{"files", []string{"pub", "-t", "a", "-m", "x", "--tls", "--keypass-file", "/nowhere"}, "--keypass-file: open /nowhere: no such file or directory - check that the file exists and is readable"},
		{"profiles", []string{"pub", "-t", "a", "-m", "x", "--profile", "none"}, "no such profile"},
	} {
		t.Run(strings.Join(c.args[:min(5, len(c.args))], " "), func(t *testing.T) {
			var out, errs bytes.Buffer
			e := clitest.Env(&out, &errs, "XDG_CONFIG_HOME="+filepath.Join(t.TempDir(), "config"))
			args := []string{"mqtt", c.args[0]}
			if !slices.Contains(c.args, "-p") && !slices.Contains(c.args, "--unix") && !slices.Contains(c.args, "-L") {
				args = append(args, "-p", "1")
			}
			args = append(args, c.args[1:]...)
			status := root.Run(t.Context(), e, args)
			line := errs.String()
			if status != cli.ExitUsage || out.Len() > 0 {
				t.Errorf("%s: exit status %d, stdout %q, stderr %q", c.rules, status, &out, line)
			}
			if !strings.HasPrefix(line, "mqtt "+c.args[0]+": ") || !strings.Contains(line, c.says) || strings.Count(line, "\n") != 1 {
				t.Errorf("%s: stderr %q, want one line with %q", c.rules, line, c.says)
			}
			if strings.Contains(line, "s3cr3t") || strings.Contains(line, "\x00") || strings.Contains(line, "\xff") {
				t.Errorf("%s: raw bytes in %q", c.rules, line)
			}
		})
	}
}
