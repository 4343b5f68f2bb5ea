package format

import (
	"strings"
	"testing"

	"mqtt/internal/proto"
)

// named shows the colors of a text as words.
var named = strings.NewReplacer("\x1b[32m", "<green>", "\x1b[36m", "<cyan>", "\x1b[33m", "<yellow>", "\x1b[2m", "<dim>", "\x1b[0m", "<>", "\x1b[22m", "<>")

func TestPaintJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":-1.5e3,"b\"":["x",true,null]}`: `{<cyan>"a"<>:<yellow>-1.5e3<>,<cyan>"b\""<>:[<green>"x"<>,<yellow>true<>,<dim>null<>]}`,
		`{ "a" : 1 }`:                        `{ <cyan>"a"<> : <yellow>1<> }`,
		`"a\\"`:                              `<green>"a\\"<>`,
		`12`:                                 `<yellow>12<>`,
		`"not JSON`:                          `<green>"not JSON<>`,
		`"é\x9b"`:                            `<green>"é\x9b"<>`,
	} {
		if got := named.Replace(string(NewPalette(true).AppendJSON(nil, []byte(text)))); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if got := string(Palette{}.AppendJSON(nil, []byte(text))); got != text {
			t.Errorf("without color: %s, want %s", got, text)
		}
	}
}

func TestShown(t *testing.T) {
	ink := NewPalette(true)
	for _, c := range []struct {
		name, payload, want string
		retain              bool
		out                 Output
	}{
		{name: "plain", payload: "x", out: &Plain{}, want: "x"},
		{name: "lines", payload: "a\nb\n", out: &Plain{Options{Mark: "| "}}, want: "a\n| b\n| "},
		{name: "lines in color", payload: "a\nb", out: &Plain{Options{Mark: "| ", Ink: ink}}, want: "a\n<dim>| <>b"},
		{name: "JSON of lines", payload: "[1,\n2]", out: &Plain{Options{Mark: "| ", Ink: ink}}, want: "[<yellow>1<>,\n<dim>| <><yellow>2<>]"},
		{name: "pretty", payload: `{"a": [1,2]}`, out: &Plain{Options{Pretty: true, Mark: "| "}}, want: "{\n  \"a\": [\n    1,\n    2\n  ]\n}"},
		{name: "pretty without JSON", payload: "a b", out: &Plain{Options{Pretty: true}}, want: "a b"},
		{name: "pretty and hex", payload: "[1]", out: &Plain{Options{Pretty: true, Payload: Hex}}, want: "5b315d"},
		{name: "pretty and visible", payload: "[\"\u009b\"]", out: &Plain{Options{Pretty: true, Visible: true}}, want: "[\n  \"\\u009b\"\n]"},
		{name: "verbose", payload: `{"a":1}`, out: &Verbose{Options: Options{Ink: ink}}, want: `<green>t/1<> {<cyan>"a"<>:<yellow>1<>}`},
		{name: "verbose and pretty", payload: `{"a":1}`, out: &Verbose{Options: Options{Pretty: true}}, want: "t/1 {\n  \"a\": 1\n}"},
		{name: "retained", payload: "x y", retain: true, out: &Verbose{Options: Options{Ink: ink}}, want: "<green>t/1<> <yellow>[retained]<> x y"},
		{name: "retained and empty", retain: true, out: &Verbose{Options: Options{Ink: ink}}, want: "<green>t/1<> <yellow>[retained]<>"},
		{name: "retained without color", payload: "x", retain: true, out: &Verbose{}, want: "t/1 x"},
		{name: "%J", payload: `{"a":1}`, out: compile(t, "%J", Options{Ink: ink}), want: `<cyan>"payload"<>:{<cyan>"a"<>:<yellow>1<>}}`},
		{name: "%p", payload: "a\nb", out: compile(t, "%p", Options{Ink: ink, Mark: "| "}), want: "a\nb"},
		{name: "-J", payload: "x", out: &JSON{Ink: ink}, want: `<cyan>"payload"<>:<green>"x"<>}`},
		{name: "-J and pretty", payload: "x", out: &JSON{Ink: ink, Pretty: true}, want: "  <cyan>\"payload\"<>: <green>\"x\"<>\n}"},
	} {
		m := &Message{Version: proto.V5, Publish: &proto.Publish{Topic: []byte("t/1"), Payload: []byte(c.payload), Retain: c.retain}}
		for range 2 { // buffers are used again
			got := named.Replace(string(c.out.Append(nil, m)))
			if !strings.HasSuffix(got, c.want+"\n") || c.name[0] != '%' && c.name[0] != '-' && got != c.want+"\n" {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	}
}
