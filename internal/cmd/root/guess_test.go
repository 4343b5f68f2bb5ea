package root

import (
	"bytes"
	"strings"
	"testing"

	"mqtt/internal/cli"
	"mqtt/internal/cli/clitest"
)

// What people type who know another tool gets the word that they need. No line has a secret.
func TestGuesses(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"ping 127.0.0.1", "did you mean -h 127.0.0.1?"},
		{"ping broker", "did you mean -h broker?"},
		{"ping localhost:1884", "did you mean -h localhost -p 1884?"},
		{"ping [::1]:1884", "did you mean -h ::1 -p 1884?"},
		{"ping mqtt://u:s3cr3t@h", "did you mean -L 'mqtt://u:***@h'?"},
		{"sub #", "did you mean -t '#'?"},
		{"sub a/b c/+", "did you mean -t a/b -t c/+?"},
		{"sub -t a go version", "did you mean -- go version?"},
		{"sub go", "did you mean -t go?"},
		{"sub broker.example #", "did you mean -h broker.example -t '#'?"},
		{"sub -t", "the shell takes # for a comment: -t '#'"},
		{"pub sensors/1 21.5", "did you mean -t sensors/1 -m 21.5?"},
		{"pub -t a hello world", "did you mean -m 'hello world'?"},
		{"pub -t a -m hello world", "did you mean -m 'hello world'?"},
		{"rr lamp on", "did you mean -t lamp -m on?"},
		{"bench bench/1", "did you mean -t bench/1?"},
		{"bench pub", "did you mean --subs 0?"},
		{"sub help", "did you mean --help?"},

		{"sub -h", "-h without a value - expected -h HOST, or --help for help"},
		{"sub -h -t a", "-h without a value - expected -h HOST, or --help for help"},
		{"broker -h", "or --help for help"},
		{"sub -help", "-help: did you mean --help?"},
		{"-help", "-help: did you mean --help?"},
		{"sub -host x", `-host: did you mean --host? - or, for "ost" as the value of -h, write -h ost`},
		{"sub -pw s3cr3t -t a", "-pw: did you mean --pw?"},
		{"sub -username ann", "-username: did you mean --username?"},
		{"pub -topic a", "-topic: did you mean --topic?"},
		{"pub -msg hi", "-msg: did you mean -m MESSAGE?"},

		{"pub --password s3cr3t", "did you mean --pw, or better --password-file?"},
		{"broker --password-file x", "did you mean --passwords FILE?"},
		{"sub --user x", "did you mean --username?"},
		{"sub --client-id x", "did you mean --id?"},
		{"sub --clientId x", "did you mean --id?"},
		{"sub --client_id=x", "did you mean --id?"},
		{"bench --clients 5", "did you mean --pubs and --subs, or mqtt bench conn --clients?"},
		{"bench --vus 5", "did you mean --pubs and --subs"},
		{"bench --count 5", "did you mean --messages?"},
		{"pub --count 5", "did you mean --repeat?"},
		{"sub --limit 5", "did you mean -C N?"},
		{"pub --payload x", "did you mean -m MESSAGE?"},
		{"pub --broker x", "did you mean -h HOST, or -L URL?"},
		{"pub --cacert x", "did you mean --cafile?"},
		{"pub --no-verify", "did you mean --insecure?"},
		{"sub --cleanStart", "a clean session is the default; -c resumes one"},
		{"sub --sessionExpiryInterval 3", "did you mean --session-expiry-interval?"},
		{"sub --retain", "did you mean --retain-as-published, --retain-handling or --retained-only?"},
		{"bench --interval 5", "did you mean --rate?"},
		{"bench --output x", "did you mean --out?"},
		{"bench --thresholds x", "did you mean --fail-if?"},
		{"bench report --baseline a.json b.json", "mqtt bench compare BASE... -- NEW... compares results"},
		{"bench --name x", "did you mean --title?"},
		{"pub -v", "did you mean -d?"},
		{"broker -c mosquitto.conf", cli.NoConfigFile},
		{"broker mosquitto.conf", cli.NoConfigFile},
		{"broker 1884", "did you mean -p 1884?"},
		{"broker start", "did you mean mqtt broker?"},
		{"broker --listener mqtt://h", "did you mean --listen?"},
		{"broker --anonymous", "did you mean --allow-anonymous?"},
		{"pub -q high", `-q "high" - expected 0, 1 or 2`},

		{"ping -c 3", "did you mean -C 3, for -c 3?"},
		{"sub -t a -c 5", "did you mean -C 5, for -c 5?"},
		{"sub -t a --base64", "did you mean --payload base64?"},
		{"sub -t a --clients 3", "mqtt bench has --pubs and --subs"},
		{"sub -t a --no-color", "did you mean --color never?"},
		{"sub -t a --log-level debug", "did you mean -d?"},
		{"sub -t a --timestamps", "did you mean -F '%I %t %p'?"},
		{"pub -t a -m x --ttl 3", "did you mean --message-expiry-interval?"},
		{"pub -t a -m x --expiry 3", "did you mean --message-expiry-interval, or -x SECONDS for the session?"},
		{"sub -t a --expiry 3", "did you mean -x SECONDS?"},
		{"pub -t a -m x --rate 3", "did you mean --repeat-delay?"},
		{"bench --messages-per-second 3", "did you mean --rate?"},
		{"bench --html", "did you mean --format html?"},
		{"check --junit", "did you mean --format junit?"},
		{"broker 0.0.0.0", "did you mean -h 0.0.0.0?"},

		{"proxy mqtt://h", "did you mean --to mqtt://h? - a command to run comes after --"},
		{"proxy localhost:1883", "did you mean --to mqtt://localhost:1883?"},
		{"proxy broker.example", "did you mean --to mqtt://broker.example?"},
		{"proxy 1885", "did you mean --listen mqtt://127.0.0.1:1885?"},
		{"proxy ./run-tests -v", "unknown flag: -v"},
		{"proxy ./run-tests all", "did you mean -- ./run-tests all?"},
		{"proxy help", "did you mean --help?"},
		{"proxy -h localhost", "-h: did you mean --to URL? - or --help for help"},
		{"proxy -L mqtt://h", "did you mean --to URL?"},
		{"proxy -p 1885", "did you mean --listen mqtt://127.0.0.1:PORT?"},
		{"proxy --port 1885", "did you mean --listen mqtt://127.0.0.1:PORT?"},
		{"proxy --upstream h", "did you mean --to URL?"},
		{"proxy --target h", "did you mean --to URL?"},
		{"proxy --from h", "did you mean --listen mqtt://127.0.0.1:PORT?"},
		{"proxy --insecure", "did you mean --to-insecure?"},
		{"proxy --capture x", "did you mean --pcap?"},
		{"proxy --output x", "did you mean --record?"},
		{"proxy --latency 5ms", "did you mean --fault 'delay=50ms drop=1%'?"},

		{"check localhost", "did you mean -h localhost?"},
		{"check broker.example:1884", "did you mean -h broker.example -p 1884?"},
		{"check mqtt://u:s3cr3t@h", "did you mean -L 'mqtt://u:***@h'?"},
		{"check 3.1.1", "did you mean --version 3.1.1?"},
		{"check 5", "did you mean --version 5.0?"},
		{"check 3.8.4-1", "did you mean MQTT-3.8.4-1?"},
		{"check limit", "did you mean mqtt check limits?"},
		{"check compare a.json b.json", "did you mean mqtt check report FILE...?"},
		{"check ./my-client", "did you mean --client -- ./my-client?"},
		{"check client", "did you mean --client -- COMMAND?"},
		{"check list", "did you mean --list?"},
		{"check --section 3.8", "rules, sections and cases are arguments, as in mqtt check 3.8.4"},

		{"test", "did you mean mqtt check?"},
		{"conformance", "did you mean mqtt check?"},
		{"sniff", "did you mean mqtt proxy?"},
		{"record", "did you mean mqtt sub -J > FILE, or mqtt proxy --record FILE?"},
		{"replay", "did you mean mqtt pub -J --pace 1x < FILE?"},
		{"subscribe -t a", "did you mean mqtt sub?"},
		{"publish -t a", "did you mean mqtt pub?"},
		{"version", "did you mean mqtt --version?"},
		{"-V", "did you mean --version?"},
		{"connect", "did you mean mqtt ping?"},
		{"test -h broker.example", "did you mean mqtt check?"},
		{"sniff", "did you mean mqtt proxy?"},
		{"conn", "did you mean mqtt bench conn?"},
		{"serve", "did you mean mqtt broker?"},
		{"passwd", "did you mean mqtt broker passwd FILE USER?"},
		{"help checks", "did you mean check?"},
		{"help propertys", "did you mean properties?"},
		{"sub -t a --payload json", `mqtt sub: --payload "json" - expected text, hex or base64`},
		{"help subscribe", "did you mean mqtt sub --help?"},
		{"-t a -m b", "flags come after a command"},
		{"config rm x", "did you mean remove?"},
		{"config create x", "did you mean add?"},
		{"config add bad username ann", "did you mean username=ann?"},
		{"config add bad --username ann", "did you mean username=VALUE?"},
		{"config add bad -u ann", "did you mean username=VALUE?"},
		{"config add bad pw s3cr3t", "did you mean 'pw=********'?"},
		{"config add bad", "for example: mqtt config add bad host=broker.example"},
	} {
		var out, errs bytes.Buffer
		e := clitest.Env(&out, &errs, "XDG_CONFIG_HOME="+t.TempDir())
		status := Run(t.Context(), e, append([]string{"mqtt"}, strings.Fields(c.line)...))
		line := errs.String()
		if status != cli.ExitUsage || out.Len() > 0 || !strings.Contains(line, c.says) || strings.Count(line, "\n") != 1 || strings.Contains(line, "s3cr3t") {
			t.Errorf("mqtt %s: exit status %d, stdout %q, stderr %q, want %q", c.line, status, &out, line, c.says)
		}
	}
}

// A value of a flag is a value, whatever it looks like.
func TestNoGuesses(t *testing.T) {
	for _, line := range []string{"pub -t a -m -help -p 1", "pub -t a -m=-host -p 1", "pub -p1 -ta -mx", "pub -t a -p 1 -m --"} {
		var out, errs bytes.Buffer
		if status := Run(t.Context(), clitest.Env(&out, &errs), append([]string{"mqtt"}, strings.Fields(line)...)); status != cli.ExitOpening {
			t.Errorf("mqtt %s: exit status %d, stderr %q", line, status, &errs)
		}
	}
}
