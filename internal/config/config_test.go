package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// testFlags are the flags of a command: all kinds, and the names that have rules.
func testFlags() []Flag {
	return []Flag{
		{"host", "h", Text}, {"port", "p", Text}, {"url", "L", Text}, {"unix", "", Text}, {"srv", "S", Switch},
		{"topic", "t", List}, {"qos", "q", Text}, {"retain", "r", Switch}, {"message", "m", Text}, {"file", "f", Text},
		{"stdin-line", "l", Switch}, {"username", "u", Text}, {"pw", "P", Text}, {"password-file", "", Text},
		{"id", "i", Text}, {"id-prefix", "I", Text}, {"insecure", "", Switch}, {"cafile", "", Text},
		{"will-topic", "", Text}, {"will-payload", "", Text}, {"will-file", "", Text}, {"property", "D", List},
		{"user-property", "", List}, {"proxy", "", Text}, {"ws-header", "", List}, {"format", "F", Text},
		{"keepalive", "k", Text}, {"help", "", Switch}, {"debug", "d", Switch},
	}
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

// short returns settings as flag=value|value @origin for comparison.
func short(settings []Setting) []string {
	var out []string
	for _, s := range settings {
		at := s.Origin.Name
		if s.Origin.Line > 0 {
			at = Origin{File: s.Origin.File, Line: s.Origin.Line}.place()
		}
		value := strings.Join(s.Values, "|")
		if s.Command != "" {
			value = "$(" + s.Command + ")"
		}
		out = append(out, s.Flag+"="+value+" @"+at)
	}
	return out
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// fails checks that err contains all words and not the secret.
func fails(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q lacks %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %q contains the secret", err)
	}
}

func TestOriginString(t *testing.T) {
	for _, c := range []struct {
		at   Origin
		want string
	}{
		{Origin{}, "default"},
		{Origin{Source: CommandLine}, "command line"},
		{Origin{Source: Environment, Name: "MQTT_HOST"}, "environment MQTT_HOST"},
		{Origin{Source: InProfile, Name: "prod", File: "/c/prod", Line: 3}, "profile prod (/c/prod:3)"},
		{Origin{Source: Options, File: "o", Line: 2}, "options file o:2"},
		{Origin{Source: DefaultFile, File: "o"}, "options file o"},
	} {
		equal(t, c.at.String(), c.want)
	}
}

func TestFromEnvironment(t *testing.T) {
	got, err := FromEnvironment(lookup(map[string]string{
		"MQTT_WILL_TOPIC": "a/b", "MQTT_TOPIC": "a\nb c\r\n\nd\n", "MQTT_RETAIN": "Yes", "MQTT_INSECURE": "off",
		"MQTT_WILL_PAYLOAD": "two\nlines ", "MQTT_USERNAME": "", "MQTT_HELP": "1", "HOST": "x", "MQTT_HOST": "h", "MQTT_PORT": "1",
	}), testFlags())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, short(got), []string{"host=h @MQTT_HOST", "port=1 @MQTT_PORT", "topic=a|b c|d @MQTT_TOPIC", "retain=true @MQTT_RETAIN",
		"insecure=false @MQTT_INSECURE", "will-topic=a/b @MQTT_WILL_TOPIC", "will-payload=two\nlines  @MQTT_WILL_PAYLOAD"})
}

func TestEnvironmentBooleans(t *testing.T) {
	words := map[string]string{"1": "true", "true": "true", "yes": "true", "on": "true", "TRUE": "true", " on ": "true",
		"0": "false", "false": "false", "no": "false", "off": "false"}
	for word, want := range words {
		got, err := FromEnvironment(lookup(map[string]string{"MQTT_RETAIN": word}), testFlags())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got[0].Values, []string{want})
	}
	_, err := FromEnvironment(lookup(map[string]string{"MQTT_RETAIN": "s3cret"}), testFlags())
	fails(t, err, "MQTT_RETAIN: expected 1, 0, true")
	if len(words) != 10 {
		t.Error("a word of the table is missing")
	}
}

func TestEnvironmentConflicts(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want []string
	}{
		// As mqtt broker -- CMD sets them for its command.
		{map[string]string{"MQTT_URL": "mqtt://h:1", "MQTT_HOST": "h", "MQTT_PORT": "1"}, []string{"url=mqtt://h:1 @MQTT_URL"}},
		{map[string]string{"MQTT_PASSWORD": "x"}, []string{"pw=x @MQTT_PASSWORD"}},
		{map[string]string{"MQTT_PW": "x"}, []string{"pw=x @MQTT_PW"}},
		{map[string]string{"MQTT_PW": "x", "MQTT_PASSWORD": "x"}, []string{"pw=x @MQTT_PASSWORD"}},
		{map[string]string{"MQTT_PASSWORD_FILE": "f"}, []string{"password-file=f @MQTT_PASSWORD_FILE"}},
		{map[string]string{"MQTT_PORT": "tcp://10.0.0.1:1883", "MQTT_SERVICE_HOST": "10.0.0.1"}, nil},
	} {
		got, err := FromEnvironment(lookup(c.env), testFlags())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, short(got), c.want)
	}
	_, err := FromEnvironment(lookup(map[string]string{"MQTT_PW": "s3cret1", "MQTT_PASSWORD": "s3cret2"}), testFlags())
	fails(t, err, "MQTT_PASSWORD", "MQTT_PW")

	// MQTT_HOST is read for a command without --url.
	got, err := FromEnvironment(lookup(map[string]string{"MQTT_URL": "x", "MQTT_HOST": "h"}), []Flag{{"host", "h", Text}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, short(got), []string{"host=h @MQTT_HOST"})
}

func one(source Source, flag string, values ...string) Setting {
	return Setting{Flag: flag, Values: values, Origin: Origin{Source: source}}
}

func TestMergeOrder(t *testing.T) {
	all := []Setting{one(DefaultFile, "qos", "house"), one(InProfile, "qos", "profile"),
		one(Environment, "qos", "environment"), one(Options, "qos", "options"), one(CommandLine, "qos", "line")}
	for n := len(all); n > 0; n-- {
		got := Merge(all[:n])
		if len(got) != 1 || got[0].Origin.Source != all[n-1].Origin.Source {
			t.Errorf("of %d sources the winner is %v", n, got)
		}
	}
	equal(t, Merge(), []Setting(nil))
	// The order of layers is irrelevant between sources. The later of two files is stronger.
	got := Merge([]Setting{one(Environment, "qos", "1"), one(Options, "id", "a")}, []Setting{one(Options, "id", "b"), one(Options, "qos", "2")})
	equal(t, got, []Setting{one(Options, "id", "b"), one(Options, "qos", "2")})
	s, ok := Find(got, "id")
	equal(t, ok, true)
	equal(t, s.Values, []string{"b"})
	_, ok = Find(got, "host")
	equal(t, ok, false)
	// Joined returns all values, the weakest source first.
	equal(t, Joined("topic", []Setting{one(CommandLine, "topic", "c")}, []Setting{one(Options, "topic", "a", "b"), one(Options, "qos", "1")}),
		[]string{"a", "b", "c"})
}

func TestMergeDisplaces(t *testing.T) {
	for _, c := range []struct {
		strong, weak Setting
		stays        bool
	}{
		{one(CommandLine, "host", "h"), one(Environment, "url", "mqtt://x"), false},
		{one(CommandLine, "url", "mqtt://x"), one(Environment, "host", "h"), false},
		{one(CommandLine, "url", "mqtt://x"), one(InProfile, "port", "1"), false},
		{one(CommandLine, "url", "mqtt://x/a@b"), one(InProfile, "username", "u"), true},
		{one(CommandLine, "url", "mqtt://u:p@x"), one(InProfile, "username", "u"), false},
		{one(CommandLine, "url", "mqtt://u:p@x"), one(InProfile, "pw", "u"), false},
		{one(CommandLine, "url", "mqtt://u@x"), one(InProfile, "username", "u"), false},
		{one(CommandLine, "url", "mqtt://u@x"), one(Environment, "pw", "u"), true},
		{one(CommandLine, "url", "mqtt://u@x"), one(InProfile, "password-file", "u"), true},
		{one(CommandLine, "url", "mqtt://u:@x"), one(InProfile, "password-file", "u"), false},
		{one(CommandLine, "url", "mqtt://:p@x"), one(InProfile, "username", "u"), true},
		{one(CommandLine, "url", "mqtt://u:p#?@x"), one(InProfile, "pw", "u"), false},
		{one(CommandLine, "port", "1"), one(Environment, "url", "mqtt://x"), true},
		{one(CommandLine, "port", "1"), one(Environment, "url", "unix:///x"), false},
		{one(CommandLine, "port", "1"), one(Environment, "unix", "/x"), false},
		{Setting{Flag: "url", Origin: Origin{Source: Environment}, Command: "x"}, one(InProfile, "pw", "u"), true},
		{one(CommandLine, "host", "h"), one(InProfile, "port", "1"), true},
		{one(CommandLine, "unix", "/s"), one(InProfile, "host", "1"), false},
		{one(CommandLine, "srv", "true"), one(InProfile, "url", "1"), false},
		{one(CommandLine, "srv", "false"), one(InProfile, "url", "1"), true},
		{one(Environment, "pw", "x"), one(InProfile, "password-file", "1"), false},
		{one(Environment, "password-file", "x"), one(InProfile, "pw", "1"), false},
		{one(Environment, "keypass-file", "x"), one(InProfile, "keypass", "1"), false},
		{one(Environment, "keypass", "x"), one(InProfile, "keypass-file", "1"), false},
		{one(CommandLine, "id", "x"), one(InProfile, "id-prefix", "1"), false},
		{one(CommandLine, "id-prefix", "x"), one(InProfile, "id", "1"), false},
		{one(CommandLine, "will-file", "x"), one(InProfile, "will-payload", "1"), false},
		{one(CommandLine, "will-payload", "x"), one(InProfile, "will-file", "1"), false},
		{one(CommandLine, "message", "false"), one(Options, "stdin-line", "true"), false},
		{one(CommandLine, "stdin-line", "true"), one(Options, "message", "x"), false},
		{one(CommandLine, "stdin-line", "false"), one(Options, "message", "x"), true},
		{one(CommandLine, "qos", "1"), one(Options, "message", "x"), true},
	} {
		got := Merge([]Setting{c.weak, c.strong})
		if stays := len(got) == 2; stays != c.stays {
			t.Errorf("%s above %s: stays %v", c.strong.Flag, c.weak.Flag, stays)
		}
		// Two settings of one source both remain.
		c.strong.Origin = c.weak.Origin
		equal(t, len(Merge([]Setting{c.weak, c.strong})), 2)
	}
	// A setting that was displaced does not displace others.
	got := Merge([]Setting{one(CommandLine, "host", "h"), one(Environment, "url", "mqtt://u:p@x"), one(InProfile, "username", "u")})
	equal(t, got, []Setting{one(CommandLine, "host", "h"), one(InProfile, "username", "u")})
}

func TestMasked(t *testing.T) {
	for _, c := range []struct{ flag, value, want string }{
		{"pw", "s3cret", mask}, {"pw", "", ""}, {"password", "s3cret", mask}, {"keypass", "s3cret", mask},
		{"auth-data", "s3cret", mask}, {"psk", "s3cret", mask}, {"sink-token", "s3cret", mask},
		{"password-file", "/p", "/p"}, {"username", "u", "u"}, {"host", "h", "h"}, {"psk-identity", "me", "me"},
		{"url", "mqtt://u:s3cret@h:1/t", "mqtt://u:" + mask + "@h:1/t"},
		{"url", "mqtt://u:s3@cr/et@h:1/t", "mqtt://u:" + mask + "@h:1/t"},
		{"url", "u:pa://s3cret@h", "u:" + mask + "@h"},
		{"url", "mqtt://h:1883/t", "mqtt://h:1883/t"}, {"url", "mqtt://u@[::1]:1/t", "mqtt://u@[::1]:1/t"},
		{"url", "mqtt://u:@h", "mqtt://u:@h"},
		{"url", "mqtt://u:s3cret", "mqtt://u:" + mask}, {"url", "wss://u:s3cret/t?s3cret", "wss://u:" + mask + "/t?" + mask},
		{"url", "mqtt://[::1]:1883", "mqtt://[::1]:1883"},
		{"url", "wss://h/mqtt?token=s3cret", "wss://h/mqtt?" + mask},
		{"proxy", "socks5h://u:s3cret@p:1080", "socks5h://u:" + mask + "@p:1080"},
		{"ws-header", "authorization: Bearer s3cret", "authorization: " + mask}, {"ws-header", "Cookie:s3cret", "Cookie: " + mask},
		{"ws-header", "X-Api-Key=s3cret", "X-Api-Key=" + mask}, {"ws-header", "X-Trace: 1", "X-Trace: 1"},
		{"ws-header", "s3cret", mask}, {"ws-header", "Cookie: ", "Cookie: "},
		{"user-property", "token=s3cret", "token=" + mask}, {"user-property", "unit=C", "unit=C"},
		{"property", "connect authentication-data s3cret", "connect authentication-data " + mask},
		{"property", `publish user-property api_key "s3cret x"`, "publish user-property api_key " + mask},
		{"property", "publish user-property unit C", "publish user-property unit C"},
		{"property", "publish content-type a/b", "publish content-type a/b"}, {"property", "s3cret", mask},
	} {
		if got := Masked(c.flag, c.value); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.flag, c.value, got, c.want)
		}
		if c.value != mask && Secret(c.flag, c.value) != (c.value != c.want) {
			t.Errorf("%s %q: Secret disagrees with Masked", c.flag, c.value)
		}
	}
	if !Secret("pw", mask) {
		t.Error("a password that is equal to the mask is a secret")
	}
	equal(t, one(Options, "ws-header", "a: b", "Cookie: s3cret").Shown(), []string{"a: b", "Cookie: " + mask})
	s := Setting{Flag: "username", Command: "pass show s3cret"}
	equal(t, s.Shown(), []string{"(printed by pass)"})
	s.Values = []string{"s3cret"}
	equal(t, s.Shown(), []string{mask})
}

func TestErrorAs(t *testing.T) {
	_, err := FromEnvironment(lookup(map[string]string{"MQTT_RETAIN": "perhaps"}), testFlags())
	var e *Error
	if !errors.As(err, &e) || e.File != "MQTT_RETAIN" || e.Line != 0 {
		t.Errorf("got %#v", err)
	}
}

func FuzzEnvironment(f *testing.F) {
	f.Add("1", "a\nb", "tcp://x")
	f.Fuzz(func(t *testing.T, retain, topics, port string) {
		got, err := FromEnvironment(lookup(map[string]string{"MQTT_RETAIN": retain, "MQTT_TOPIC": topics, "MQTT_PORT": port}), testFlags())
		if err != nil {
			return
		}
		for _, s := range got {
			if len(s.Values) == 0 || s.Flag == "topic" && strings.Contains(strings.Join(s.Values, ""), "\n") {
				t.Errorf("%+v", s)
			}
		}
	})
}

func FuzzMasked(f *testing.F) {
	f.Add("user", "pa:/@ss", "host")
	f.Fuzz(func(t *testing.T, user, password, host string) {
		if password == "" || strings.ContainsAny(user, ":/@?") || strings.ContainsAny(host, ":/@?") {
			return
		}
		// The password may have letters in common with the host, so compare the whole text.
		want := "mqtt://" + user + ":" + mask + "@" + host
		if got := Masked("url", "mqtt://"+user+":"+password+"@"+host); got != want && !strings.Contains(password, "?") {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := Masked("ws-header", "Authorization: x"+password); got != "Authorization: "+mask {
			t.Errorf("got %q", got)
		}
	})
}
