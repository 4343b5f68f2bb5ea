package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) []Option {
	t.Helper()
	options, err := ParseOptions(strings.NewReader(text), "opts", Options)
	if err != nil {
		t.Fatal(err)
	}
	return options
}

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"-h host", []string{"-h", "host"}},
		{"--insecure", []string{"--insecure"}},
		{"-d   ", []string{"-d"}},
		{"  -p    1999  ", []string{"-p", "1999"}},
		{"-p\t1999", []string{"-p", "1999"}},
		{"--will-payload text with spaces", []string{"--will-payload", "text with spaces"}},
		{`--will-payload "quotes" stay `, []string{"--will-payload", `"quotes" stay `}},
		{"-m   two spaces more", []string{"-m", "  two spaces more"}},
		{"-P  leading", []string{"-P", " leading"}},
		{"-P 12 ", []string{"-P", "12 "}},
		{"-t   a/#", []string{"-t", "a/#"}},
		{"-t trailing ", []string{"-t", "trailing "}},
		{"--host=a b", []string{"--host=a b"}},
		{"-F %t=%p", []string{"-F", "%t=%p"}},
		{"-m", []string{"-m"}},
		{"-m ", []string{"-m"}},
		{"-D publish user-property key value", []string{"-D", "publish", "user-property", "key", "value"}},
		{"--property CONNECT content-type  text/plain; x ", []string{"--property", "CONNECT", "content-type", "text/plain; x"}},
		{"\xef\xbb\xbf-h host", []string{"-h", "host"}},
		{"-h host\r\r", []string{"-h", "host"}},
		{"-m \xff\xfe", []string{"-m", "\xff\xfe"}},
		{"# comment", nil}, {"   # comment", nil}, {"", nil}, {" \t ", nil}, {"\r", nil},
	} {
		got := parse(t, c.line+"\n")
		if c.want == nil {
			equal(t, len(got), 0)
			continue
		}
		equal(t, got, []Option{{c.want, Origin{Source: Options, File: "opts", Line: 1}}})
	}
}

func TestParseOptionsErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"-h a\ns3cret", "opts:2: expected an option"},
		{"#\n\n-m s3c\x00ret", "opts:3: a NUL byte"},
		{"-", "opts:1: expected an option"},
		{"-- s3cret", "opts:1: expected an option"},
		{"-o other", "opts:1: -o in an options file"},
		{"--options other", "opts:1: --options in an options file"},
		{"-D publish s3cret", "opts:1: -D: expected COMMAND NAME VALUE"},
		{"-D publish user-property s3cret", "opts:1: -D: expected COMMAND user-property KEY VALUE"},
		{"-D", "opts:1: -D: expected COMMAND"},
	} {
		_, err := ParseOptions(strings.NewReader(c.text), "opts", Options)
		fails(t, err, c.want)
	}
}

// TestTrap28LongLine reads a long line. mosquitto cuts lines at 1023 bytes and takes the rest for
// another option.
func TestTrap28LongLine(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	got := parse(t, "-h a\n-m "+long+"\n-q 1")
	if len(got) != 3 || got[1].Words[1] != long || got[2].Origin.Line != 3 {
		t.Errorf("%d options", len(got))
	}
	_, err := parseOptions(strings.NewReader("-m 12345"), "opts", Options, 7)
	fails(t, err, "opts: too large")
	if _, err = parseOptions(strings.NewReader("-m 1234"), "opts", Options, 7); err != nil {
		t.Error(err)
	}
}

// TestTrap28Repeated repeats options. mosquitto_pub uses the last topic and mosquitto_sub all;
// here the kind of the flag decides.
func TestTrap28Repeated(t *testing.T) {
	text := "-t a\n-t b\n-q 1\n-q 2\n--insecure\n--insecure=no\n"
	got, err := OptionSettings(parse(t, text), testFlags())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, short(got), []string{"topic=a|b @opts:1", "qos=2 @opts:4", "insecure=false @opts:6"})
	got, err = OptionSettings(parse(t, "-t a\n-t b"), []Flag{{"topic", "t", Text}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, short(got), []string{"topic=b @opts:2"})
}

func TestOptionSettings(t *testing.T) {
	got, err := OptionSettings(parse(t, "-h  h\n-r\n--message=a b\n-D publish user-property 'a key' \"b c\"\n-D connect authentication-data x\\y\"\n"), testFlags())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, short(got), []string{"host=h @opts:1", "retain=true @opts:2", "message=a b @opts:3",
		`property=publish user-property "a key" "b c"|connect authentication-data "x\\y\"" @opts:4`})
	words, err := PropertyWords(got[3].Values[1])
	if err != nil {
		t.Fatal(err)
	}
	equal(t, words, []string{"connect", "authentication-data", `x\y"`})

	for _, c := range []struct{ text, want string }{
		{"-h a\n--hots s3cret", "opts:2: unknown option --hots: did you mean --host?"},
		{"--hostess s3cret", "opts:1: unknown option --hostess"},
		{"--s3cret!", "opts:1: unknown option"},
		{"-Z s3cret", "opts:1: unknown option -Z"},
		{"-Zs3cret", "opts:1: unknown option"},
		{"-Ps3cret", "opts:1: expected a space between -P and its value"},
		{"-r s3cret", "opts:1: -r takes no value"},
		{"--retain=s3cret", "opts:1: --retain: expected 1, 0, true"},
		{"--host", "opts:1: --host: expected a value"},
		{"-h=s3cret", "opts:1: expected a space between -h and its value"},
	} {
		_, err := OptionSettings(parse(t, c.text), testFlags())
		fails(t, err, c.want)
	}
	_, err = OptionSettings([]Option{{Words: []string{"--host=a", "b"}}}, testFlags())
	fails(t, err, "expected one value")
}

func TestPropertyWords(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"publish content-type text/plain", []string{"publish", "content-type", "text/plain"}},
		{" publish\tcontent-type   a b  ", []string{"publish", "content-type", "a b"}},
		{`publish content-type ""`, []string{"publish", "content-type", ""}},
		{`publish content-type " a"`, []string{"publish", "content-type", " a"}},
		{`publish content-type "a\"b\\c\n"`, []string{"publish", "content-type", `a"b\c\n`}},
		{`publish content-type 'a\"b'`, []string{"publish", "content-type", `a\"b`}},
		{`publish content-type "a" or "b"`, []string{"publish", "content-type", `"a" or "b"`}},
		{`publish content-type "open`, []string{"publish", "content-type", `"open`}},
		{`publish content-type {"a": "b"}`, []string{"publish", "content-type", `{"a": "b"}`}},
		{"publish user-property k v w", []string{"publish", "user-property", "k", "v w"}},
		{"PUBLISH User-Property k  ''", []string{"PUBLISH", "User-Property", "k", ""}},
		{`will user-property "a key" 'a value'`, []string{"will", "user-property", "a key", "a value"}},
		{`will user-property "a"b c`, []string{"will", "user-property", `"a"b`, "c"}},
		{`will user-property "" c`, []string{"will", "user-property", "", "c"}},
	} {
		got, err := PropertyWords(c.line)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		}
		equal(t, got, c.want)
		again, err := PropertyWords(JoinProperty(got))
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		}
		equal(t, again, got)
	}
	for _, line := range []string{"", " ", "publish", "publish content-type", "publish content-type  ", "publish user-property k", `publish user-property "k k"`} {
		if _, err := PropertyWords(line); err == nil {
			t.Errorf("%q passes", line)
		}
	}
}

func TestDefaultOptions(t *testing.T) {
	for _, c := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/mosquitto_sub"},
		{"linux", map[string]string{"HOME": "/h"}, "/h/.config/mosquitto_sub"},
		{"linux", map[string]string{}, ""},
		{"windows", map[string]string{"USERPROFILE": "/u"}, "/u/mosquitto_sub.conf"},
		{"windows", map[string]string{"HOME": "/u"}, ""},
	} {
		got := DefaultOptions(c.goos, func(name string) string { return c.env[name] }, "mosquitto_sub")
		equal(t, filepath.ToSlash(got), c.want)
	}
}

func TestLoadOptions(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mosquitto_pub")
	got, err := LoadOptions(path, DefaultFile)
	if got != nil || err != nil {
		t.Errorf("a missing default file: %v, %v", got, err)
	}
	if got, err = LoadOptions(dir, DefaultFile); got != nil || err != nil {
		t.Errorf("a folder in its place: %v, %v", got, err)
	}
	if _, err = LoadOptions(path, Options); err == nil || !os.IsNotExist(unwrap(err)) {
		t.Errorf("a missing file that was named: %v", err)
	}
	if _, err = LoadOptions(dir, Options); err == nil {
		t.Error("a folder passes for a file that was named")
	}
	if err := os.WriteFile(path, []byte("-h a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err = LoadOptions(path, DefaultFile)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, []Option{{[]string{"-h", "a"}, Origin{Source: DefaultFile, File: path, Line: 1}}})
}

func unwrap(err error) error {
	for {
		if _, ok := err.(*fs.PathError); ok {
			return err
		}
		w, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = w.Unwrap()
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add("-h host\n# c\n--will-payload a b\n-D publish user-property \"k\" v\n--x=1 2\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		options, err := ParseOptions(strings.NewReader(text), "f", Options)
		if err != nil {
			return
		}
		last := 0
		for _, o := range options {
			if len(o.Words) == 0 || o.Words[0][0] != '-' || o.Origin.Line <= last || strings.ContainsAny(strings.Join(o.Words, ""), "\x00\n") {
				t.Errorf("%+v", o)
			}
			last = o.Origin.Line
		}
		settings, err := OptionSettings(options, testFlags())
		if err != nil {
			return
		}
		for _, s := range settings {
			for _, v := range s.Values {
				if s.Flag == "property" && !strings.Contains(text, "--property=") {
					if _, err := PropertyWords(v); err != nil {
						t.Errorf("%q: %v", v, err)
					}
				}
			}
		}
	})
}

func FuzzPropertyWords(f *testing.F) {
	f.Add(`publish user-property "a b" c d`)
	f.Add(`publish content-type 'x`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := PropertyWords(line)
		if err != nil {
			return
		}
		again, err := PropertyWords(JoinProperty(words))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, again, words)
	})
}
