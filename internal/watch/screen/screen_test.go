package screen

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/terminal"
	"mqtt/internal/watch"
)

var update = flag.Bool("update", false, "write the golden files")

// rig is a screen without a terminal.
type rig struct {
	*Screen
	t     *testing.T
	u     *ui
	clock time.Time
	woken int
	out   strings.Builder // of the golden file
}

func newRig(t *testing.T, width, height int) *rig {
	r := &rig{t: t, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)}
	r.Screen = New(Config{Server: "localhost:1883", Limits: watch.DefaultLimits(), Quit: func(error) {}})
	r.now = func() time.Time { return r.clock }
	r.u = newUI(r.Screen)
	r.SetConnection(Connection{ClientID: "mqtt-watcher", Version: proto.V5}, func() { r.woken++ })
	r.size(width, height)
	return r
}

func (r *rig) size(width, height int) { r.u.resize(width, height) }

func (r *rig) put(pairs ...string) {
	for _, pair := range pairs {
		topic, payload, _ := strings.Cut(pair, "=")
		r.Put(proto.V5, &proto.Publish{Topic: []byte(topic), Payload: []byte(payload)}, r.clock)
	}
}

// pass lets time pass.
func (r *rig) pass(d time.Duration) {
	r.clock = r.clock.Add(d)
	r.u.View()
}

// special are the names of keys that type nothing.
var special = []string{"up", "down", "left", "right", "enter", "esc", "tab", "backspace", "home", "end", "pgdown", "pgup", "delete"}

// press presses keys. A frame is drawn after each. It returns what the last one does.
func (r *rig) press(keys ...string) (does action) {
	for _, name := range keys {
		k := terminal.Event{Name: name, Text: name}
		if name == "space" {
			k.Text = " "
		} else if strings.HasPrefix(name, "ctrl+") || slices.Contains(special, name) {
			k.Text = ""
		}
		does = r.u.act(k)
		r.u.View()
	}
	return does
}

// typeText types letters.
func (r *rig) typeText(text string) {
	for _, c := range text {
		r.press(string(c))
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// look returns the screen without colours, and checks that it fits.
func (r *rig) look() string {
	r.t.Helper()
	v := r.u.View()
	text := sgr.ReplaceAllString(strings.Join(v.Lines, "\n"), "")
	lines := strings.Split(text, "\n")
	if len(lines) != r.u.height {
		r.t.Errorf("%d lines on a screen of %d:\n%s", len(lines), r.u.height, text)
	}
	for i, l := range lines {
		if n := format.Columns([]byte(l)); n > r.u.width {
			r.t.Errorf("a line of %d columns on a screen of %d: %q", n, r.u.width, l)
		}
		if strings.ContainsFunc(l, func(c rune) bool { return c < ' ' || c == 0x7F || c >= 0x80 && c < 0xA0 || c == utf8.RuneError }) {
			r.t.Errorf("unsafe: %q", l)
		}
		lines[i] = strings.TrimRight(l, " ")
	}
	if v.Cursor != nil && (v.Cursor.X >= r.u.width || v.Cursor.Y >= r.u.height) {
		r.t.Errorf("the cursor is at %d, %d", v.Cursor.X, v.Cursor.Y)
	}
	return strings.Join(lines, "\n")
}

// shoot adds the screen to the golden file.
func (r *rig) shoot(title string) {
	r.t.Helper()
	fmt.Fprintf(&r.out, "== %s (%dx%d)\n%s\n", title, r.u.width, r.u.height, r.look())
}

// golden compares what was shot with testdata/name.golden.
func (r *rig) golden(name string) {
	r.t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(r.out.String()), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	if got := r.out.String(); got != string(want) {
		r.t.Errorf("%s differs; go test -update writes it. Got\n%s", file, got)
	}
}

// plant puts some topics: numbers that sort naturally, wide characters, escapes, JSON.
func (r *rig) plant() {
	r.pass(0)
	for i := range 4 {
		r.put("plant/line9/machine1/temperature=2"+fmt.Sprint(i)+".5", "plant/line10/machine1/temperature=21", "plant/line10/state={\"temp\":"+fmt.Sprint(i)+",\"ok\":true,\"name\":\"pump\"}",
			"日本/東京=広い文字", "bad\x1b[2J=\x1b]0;title\x07")
		r.pass(time.Second)
	}
	r.put("plant/line9/machine1/temperature=24.5")
	p := proto.Publish{Topic: []byte("config/site"), Retain: true, QoS: 1, Payload: []byte("blue"),
		Props: proto.Props(nil).AppendText(proto.ContentType, "text/plain").AppendPair("unit\n", "\x1b[31m")}
	r.Put(proto.V5, &p, r.clock)
	r.pass(2 * time.Second)
	r.put("plant/line10/machine1/temperature=22")
}

func TestScreens(t *testing.T) {
	r := newRig(t, 80, 24)
	r.shoot("nothing yet")
	r.plant()
	r.shoot("the tree")
	r.press("down", "down", "enter")
	r.shoot("detail with properties")
	r.press("down", "down", "down", "down")
	r.shoot("detail of numbers")
	r.press("down", "down", "down", "down", "f")
	r.shoot("a numeric field and pretty JSON")
	r.press("v", "v")
	r.shoot("JSON asked for")
	r.press("v", "v", "tab", "down", "down")
	r.shoot("hex, scrolled")
	r.size(120, 20)
	r.shoot("side by side")
	r.size(60, 20)
	r.shoot("60 columns")
	r.press("tab", "esc", "tab", "esc")
	r.size(40, 12)
	r.shoot("40 columns")
	r.size(20, 5)
	r.shoot("20 columns")
	r.press("enter")
	r.shoot("detail only")
	r.golden("screens")
}

func TestModes(t *testing.T) {
	r := newRig(t, 80, 14)
	r.plant()
	r.press("/")
	r.typeText("TEMP")
	r.shoot("filter")
	r.press("enter", "s")
	r.shoot("filter in use, by rate")
	r.press("s", "t", "esc")
	r.shoot("list by age")
	r.press("s", "t", "-")
	r.shoot("closed")
	r.press("+", "space")
	r.put("plant/line9/machine1/temperature=99", "new=1")
	r.pass(3 * time.Second)
	r.shoot("paused")
	r.press("space", "?")
	r.shoot("help")
	r.press("down", "x")
	r.SetConnection(Connection{Phase: Lost, Reason: "read: connection reset by peer", Retry: r.clock.Add(2500 * time.Millisecond)}, nil)
	r.shoot("lost")
	r.size(50, 6)
	r.shoot("lost")
	r.size(20, 5)
	r.shoot("lost")
	r.golden("modes")
}

func TestPublish(t *testing.T) {
	r := newRig(t, 80, 10)
	r.press("p")
	r.shoot("nothing to publish to")
	r.plant()
	r.press("down", "down", "p")
	r.typeText("a\u00e9日\u200b")
	r.press("tab", "ctrl+r", "left", "backspace", "end")
	r.u.act(terminal.Event{Text: "x\ny\x1b[2J", Paste: true})
	r.shoot("typed")
	r.press("enter")
	got, ok := r.Take()
	if want := "a\u00e9\u200bx\ny\x1b[2J"; !ok || r.woken != 1 || got.Topic != "config/site" || string(got.Payload) != want || got.QoS != 1 || !got.Retain || got.Clear {
		t.Errorf("%+v, %v, woken %d times; payload want %q", got, ok, r.woken, want)
	}
	r.Answer(got.ID, "")
	r.shoot("published")
	r.Answer(got.ID, "again") // is ignored
	r.press("p", "ctrl+r", "tab", "tab", "enter")
	got, _ = r.Take()
	r.Answer(got.ID, "")
	r.shoot("at QoS 0")
	r.press("c")
	r.shoot("clear?")
	r.press("n")
	if _, ok := r.Take(); ok {
		t.Error("cleared without consent")
	}
	r.press("c", "y")
	if got, ok = r.Take(); !ok || !got.Clear || !got.Retain || len(got.Payload) != 0 {
		t.Errorf("%+v, %v", got, ok)
	}
	r.Answer(got.ID, "Not authorized")
	r.shoot("refused")
	r.pass(noteTime + time.Second)
	r.shoot("the note has gone")
	r.press("p", "x", "enter")
	r.SetConnection(Connection{Phase: Lost, Reason: "EOF"}, nil)
	if _, ok := r.Take(); ok {
		t.Error("a request outlived its connection")
	}
	r.shoot("lost before it was sent")
	r.press("p", "x", "enter")
	r.shoot("no connection")
	r.size(20, 5)
	r.SetConnection(Connection{}, func() {})
	r.press("p", "a", "b")
	r.shoot("narrow")
	r.press("esc", "c")
	r.shoot("narrow")
	r.golden("publish")
}

// TestSizes draws every mode at many sizes: look checks that all fits.
func TestSizes(t *testing.T) {
	r := newRig(t, 80, 24)
	r.plant()
	r.put(strings.Repeat("very/long/", 20)+"topic="+strings.Repeat("long ", 200), "/=", "//a=", "e\u0301\u0301/👩\u200d🔧=e\u0301\u0301")
	steps := [][]string{{}, {"enter"}, {"tab", "down"}, {"tab", "/", "a", "日"}, {"enter", "esc", "p", "日", "本"}, {"esc", "c"}, {"n", "?"}, {"x", "t", "s"}, {"space", "t", "end"}}
	for _, keys := range steps {
		r.press(keys...)
		for width := 20; width < 140; width += 3 {
			for _, height := range []int{5, 6, 7, 8, 9, 12, 13, 14, 24, 50} {
				r.size(width, height)
				r.look()
			}
		}
		for _, tiny := range [][2]int{{1, 1}, {3, 2}, {10, 3}, {19, 4}} {
			r.size(tiny[0], tiny[1])
			r.u.View() // must not panic
		}
		r.size(80, 24)
	}
}

// TestSelectedStays checks that the selected topic stays selected while topics come before it.
func TestSelectedStays(t *testing.T) {
	r := newRig(t, 80, 8)
	r.put("m/m=1")
	r.press("down")
	for i := range 50 {
		r.put(fmt.Sprintf("a/%d=x", i))
		r.pass(time.Second)
	}
	if topic, _ := r.browser.Selected(); topic != "m/m" || !strings.Contains(r.look(), ">     m ") {
		t.Errorf("%s is selected:\n%s", topic, r.look())
	}
}

// TestMoreTopics checks that messages of topics that had no room are counted below the table.
func TestMoreTopics(t *testing.T) {
	r := newRig(t, 60, 9)
	r.model = watch.New(watch.Limits{Topics: 8, Nodes: 100, Names: 1000, Bytes: 1000})
	r.browser = watch.NewBrowser(r.model)
	for i := range 10 {
		r.put(fmt.Sprint("topic", i, "=x"))
	}
	if got := r.look(); !strings.Contains(got, "topic4") || strings.Contains(got, "topic5") || !strings.Contains(got, "\n  and 2 messages of topics beyond the first 8\n") {
		t.Errorf("\n%s", got)
	}
}

func TestKeysThatEnd(t *testing.T) {
	r := newRig(t, 80, 24)
	for key, want := range map[string]action{"q": quits, "ctrl+c": quits, "ctrl+z": suspends, "ctrl+l": redraws, "x": draws} {
		if does := r.press(key); does != want {
			t.Errorf("%s does %v, want %v", key, does, want)
		}
	}
	r.press("/", "q", "p")
	if r.u.filter != "qp" {
		t.Errorf("filter %q", r.u.filter)
	}
}

func TestDecoder(t *testing.T) {
	r := newRig(t, 80, 24)
	r.cfg.Decode = func(p *proto.Publish) (string, bool) {
		return "decoded: " + string(p.Topic) + "\nsecond\x1b", string(p.Payload) == "\x01"
	}
	r.put("a=\x01")
	r.pass(0)
	r.press("enter")
	if got := r.look(); !strings.Contains(got, "PAYLOAD  decoded\ndecoded: a\nsecond\\x1b\n") {
		t.Errorf("%s", got)
	}
	r.put("a=\x02")
	if got := r.look(); !strings.Contains(got, "PAYLOAD  hex\n") {
		t.Errorf("%s", got)
	}
}
