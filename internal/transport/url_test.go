package transport

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	tests := []struct {
		in   string
		want URL
		text string // String(), if it differs from in
	}{
		{"mqtt://host", URL{Scheme: MQTT, Host: "host", Port: "1883"}, "mqtt://host:1883"},
		{"MQTTS://host", URL{Scheme: MQTTS, Host: "host", Port: "8883"}, "mqtts://host:8883"},
		{"tcp://host:9", URL{Scheme: MQTT, Host: "host", Port: "9"}, "mqtt://host:9"},
		{"ssl://host", URL{Scheme: MQTTS, Host: "host", Port: "8883"}, "mqtts://host:8883"},
		{"tls://host", URL{Scheme: MQTTS, Host: "host", Port: "8883"}, "mqtts://host:8883"},
		{"ws://host", URL{Scheme: WS, Host: "host", Port: "80"}, "ws://host:80"},
		{"wss://host?token=abc", URL{Scheme: WSS, Host: "host", Port: "443", Path: "?token=abc"}, "wss://host:443?token=abc"},
		{"ws://host:8083?a=/b&c=d@e", URL{Scheme: WS, Host: "host", Port: "8083", Path: "?a=/b&c=d@e"}, "ws://host:8083?a=/b&c=d@e"},
		{"ws://[::1]?a", URL{Scheme: WS, Host: "::1", Port: "80", Path: "?a"}, "ws://[::1]:80?a"},
		{"ws://u:p@host?a=b", URL{Scheme: WS, User: "u", Password: "p", HasPassword: true, Host: "host", Port: "80", Path: "?a=b"}, "ws://u:***@host:80?a=b"},
		{"ws://u:p?q@host?a=b", URL{Scheme: WS, User: "u", Password: "p?q", HasPassword: true, Host: "host", Port: "80", Path: "?a=b"}, "ws://u:***@host:80?a=b"},
		{"ws://u:p?q@host/a?a=b", URL{Scheme: WS, User: "u", Password: "p?q", HasPassword: true, Host: "host", Port: "80", Path: "/a?a=b"}, "ws://u:***@host:80/a?a=b"},
		{"ws://host:8083?c=d@e", URL{Scheme: WS, Host: "host", Port: "8083", Path: "?c=d@e"}, "ws://host:8083?c=d@e"},
		{"ws://u:p@host:80?c=d@e", URL{Scheme: WS, User: "u", Password: "p", HasPassword: true, Host: "host", Port: "80", Path: "?c=d@e"}, "ws://u:***@host:80?c=d@e"},
		{"wss://host?user=a@b", URL{Scheme: WSS, Host: "host", Port: "443", Path: "?user=a@b"}, "wss://host:443?user=a@b"},
		{"wss://host/a%2Fb?x=1&y=%20", URL{Scheme: WSS, Host: "host", Port: "443", Path: "/a%2Fb?x=1&y=%20"}, "wss://host:443/a%2Fb?x=1&y=%20"},
		{"mqtt://host:/t", URL{Scheme: MQTT, Host: "host", Port: "1883", Path: "/t"}, "mqtt://host:1883/t"},
		{"mqtt://u@host", URL{Scheme: MQTT, User: "u", Host: "host", Port: "1883"}, "mqtt://u@host:1883"},
		{"mqtt://u:@host", URL{Scheme: MQTT, User: "u", HasPassword: true, Host: "host", Port: "1883"}, "mqtt://u:***@host:1883"},
		{"mqtt://user:p%40ss@host", URL{Scheme: MQTT, User: "user", Password: "p@ss", HasPassword: true, Host: "host", Port: "1883"}, "mqtt://user:***@host:1883"},
		{"mqtt://user:p@ss@host", URL{Scheme: MQTT, User: "user", Password: "p@ss", HasPassword: true, Host: "host", Port: "1883"}, "mqtt://user:***@host:1883"},
		{"mqtt://a%3Ab:c:d%2F@host:1", URL{Scheme: MQTT, User: "a:b", Password: "c:d/", HasPassword: true, Host: "host", Port: "1"}, "mqtt://a:b:***@host:1"},
		{"mqtt://u:p#1?@host", URL{Scheme: MQTT, User: "u", Password: "p#1?", HasPassword: true, Host: "host", Port: "1883"}, "mqtt://u:***@host:1883"},
		{"mqtt://[::1]", URL{Scheme: MQTT, Host: "::1", Port: "1883"}, "mqtt://[::1]:1883"},
		{"mqtt://u@[fe80::1%25eth0]:7/x", URL{Scheme: MQTT, User: "u", Host: "fe80::1%eth0", Port: "7", Path: "/x"}, "mqtt://u@[fe80::1%25eth0]:7/x"},
		{"mqtt://[fe80::1%eth0]", URL{Scheme: MQTT, Host: "fe80::1%eth0", Port: "1883"}, "mqtt://[fe80::1%25eth0]:1883"},
		{"mqtt://host/a/#", URL{Scheme: MQTT, Host: "host", Port: "1883", Path: "/a/#"}, "mqtt://host:1883/a/%23"},
		{"mqtt://host/a@b/+?", URL{Scheme: MQTT, Host: "host", Port: "1883", Path: "/a@b/+?"}, "mqtt://host:1883/a@b/+%3F"},
		{"mqtt://host//a%20b/%C3%A9", URL{Scheme: MQTT, Host: "host", Port: "1883", Path: "//a b/é"}, "mqtt://host:1883//a%20b/%C3%A9"},
		{"mqtt://:0", URL{Scheme: MQTT, Port: "0"}, "mqtt://:0"},
		{"unix:///run/a%20b.sock", URL{Scheme: Unix, Path: "/run/a b.sock"}, "unix:///run/a%20b.sock"},
		{"unix:/run/a.sock", URL{Scheme: Unix, Path: "/run/a.sock"}, "unix:///run/a.sock"},
		{"unix://a.sock", URL{Scheme: Unix, Path: "a.sock"}, "unix://a.sock"},
		{"unix://u:p@/run/a.sock", URL{Scheme: Unix, User: "u", Password: "p", HasPassword: true, Path: "/run/a.sock"}, "unix://u:***@/run/a.sock"},
		{"unix://@abstract", URL{Scheme: Unix, Path: "@abstract"}, "unix://@abstract"},
	}
	for _, test := range tests {
		u, err := ParseURL(test.in)
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
			continue
		}
		if u != test.want {
			t.Errorf("%s:\n got %+v %q %q\nwant %+v %q %q", test.in, u, u.Password, u.Path, test.want, test.want.Password, test.want.Path)
		}
		if got := u.String(); got != test.text {
			t.Errorf("%s: String is %s, want %s", test.in, got, test.text)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "scheme is missing",
		"host":                   "scheme is missing",
		"localhost:1883":         "unknown scheme",
		"mqtt:host":              "scheme is missing",
		"http://host":            "mqtt, mqtts, ws, wss or unix",
		"mqtt://::1":             "brackets",
		"mqtt://[::1":            "] is missing",
		"mqtt://[::1]x":          "after the IPv6 address",
		"mqtt://[1.2.3.4]":       "not an IPv6 address",
		"mqtt://host:99999":      "0 to 65535",
		"mqtt://host:-1":         "0 to 65535",
		"mqtt://u:pa/ss@host":    "%2F",
		"mqtt://u:p%zz@host":     "password",
		"mqtt://host/%":          "hexadecimal",
		"mqtt://ho st":           "host name",
		"ws://host/a b":          "%20",
		"ws://host/a#b":          "%23",
		"ws://host/\r\nX: y":     "%0D",
		"unix://":                "path of a socket",
		"mqtt://secret%zz:x@h":   "user",
		"mqtts://host:port/path": "0 to 65535",
	} {
		_, err := ParseURL(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", in, err, want)
		}
	}
}

// TestPasswordIsNeverPrinted checks that no text of a URL or an error has the password.
func TestPasswordIsNeverPrinted(t *testing.T) {
	u, err := ParseURL("mqtt://user:secret@host/topic")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s := fmt.Sprintf(verb, u); strings.Contains(s, "secret") || !strings.Contains(s, "***") {
			t.Errorf("%s prints %s", verb, s)
		}
	}
	for _, bad := range []string{"mqtt://user:secret@host:x", "mqtt://user:sec@ret@host:x", "nix://user:secret@host", "user:secret@host",
		"mqtt://user:secret", "mqtt://user:secret/a", "wss://host:x/mqtt?token=secret", "mqtts://host?token=secret", "mqtt://host:1883?secret", "mqtt://user:s/ecret@host", "mqtt:user:secret"} {
		if _, err := ParseURL(bad); err == nil || strings.Contains(err.Error(), "sec") {
			t.Errorf("%s: error %v", bad, err)
		}
	}
	if _, err := ParseProxy("ftp://user:secret@host"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("proxy error %v", err)
	}
	if _, err := ParseProxy("http://user:secret/secret@host:80"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("proxy error %v", err)
	}
	for in, want := range map[string]string{"mqtt://h:1883/a": "mqtt://h:1883/a", "mqtt://[::1]:1883": "mqtt://[::1]:1883", "mqtt://::1": "mqtt://::1",
		"u:p@h": "u:***@h", "ws://h/a?b": "ws://h/a?***", "h": "h", "": ""} {
		if got := Redact(in); got != want {
			t.Errorf("%s masked is %s", in, got)
		}
	}
	if _, err := ParseProxy("http://user:secret@ho st"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("proxy error %v", err)
	}
}

func TestTargetOfURL(t *testing.T) {
	for in, want := range map[string]struct {
		scheme Scheme
		addr   string
		local  bool
	}{
		"mqtt://":                 {MQTT, "localhost:1883", true},
		"mqtts://example.org":     {MQTTS, "example.org:8883", false},
		"ws://127.0.0.9/x":        {WS, "127.0.0.9:80", true},
		"wss://[::1]:4/x":         {WSS, "[::1]:4", true},
		"unix:///run/mqtt.sock":   {Unix, "/run/mqtt.sock", true},
		"mqtt://broker.localhost": {MQTT, "broker.localhost:1883", true},
		"mqtt://localhost.evil":   {MQTT, "localhost.evil:1883", false},
	} {
		u, err := ParseURL(in)
		if err != nil {
			t.Fatal(err)
		}
		target := u.Target()
		if target.Scheme() != want.scheme || target.Addr() != want.addr || target.Local() != want.local {
			t.Errorf("%s: %s %s local %v", in, target.Scheme(), target.Addr(), target.Local())
		}
		if err := target.Check(); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
	u, err := ParseURL("mqtt://h//a/b")
	if err != nil || u.Topic() != "/a/b" {
		t.Errorf("topic %q %v", u.Topic(), err)
	}
}

// TestPathCharacters checks that a character that a WebSocket path cannot have is shown whole, with
// its encoding.
func TestPathCharacters(t *testing.T) {
	for path, want := range map[string]string{
		"/ü":    `write the character "ü" in a WebSocket path as %C3%BC`,
		"/a/€?": `write the character "€" in a WebSocket path as %E2%82%AC`,
		"/ ":    `write the character " " in a WebSocket path as %20`,
		"/\xff": `write the character "\xff" in a WebSocket path as %FF`,
	} {
		if err := checkPath(path); err == nil || err.Error() != want {
			t.Errorf("%q: %v", path, err)
		}
	}
	if err := checkPath("//mqtt?a=%20&b"); err != nil {
		t.Error(err)
	}
}
