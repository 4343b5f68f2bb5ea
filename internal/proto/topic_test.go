package proto

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// textPlain reports whether s is a text field, rune by rune.
func textPlain(s []byte) bool {
	if !utf8.Valid(s) {
		return false
	}
	for _, r := range string(s) {
		if r == 0 {
			return false
		}
	}
	return true
}

// topicPlain reports whether s is a topic name.
func topicPlain(s string) bool {
	return s != "" && len(s) <= 65535 && textPlain([]byte(s)) && !strings.ContainsAny(s, "+#")
}

// filterPlain reports whether s is a topic filter, level by level.
func filterPlain(s string) bool {
	if s == "" || len(s) > 65535 || !textPlain([]byte(s)) {
		return false
	}
	levels := strings.Split(s, "/")
	if levels[0] == "$share" && len(levels) > 1 {
		if levels[1] == "" || strings.ContainsAny(levels[1], "+#") || len(levels) < 3 || len(levels) == 3 && levels[2] == "" {
			return false
		}
		levels = levels[2:]
	}
	for i, l := range levels {
		if strings.Contains(l, "#") && (l != "#" || i != len(levels)-1) || strings.Contains(l, "+") && l != "+" {
			return false
		}
	}
	return true
}

// matchPlain is section 4.7 by lists of levels.
func matchPlain(filter, topic string) bool {
	f := strings.Split(filter, "/")
	if f[0] == "$share" && len(f) > 2 {
		f = f[2:]
	}
	t := strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && (f[0] == "+" || f[0] == "#") {
		return false
	}
	var match func(f, t []string) bool
	match = func(f, t []string) bool {
		if len(f) > 0 && f[0] == "#" {
			return true // the parent too: then t is empty here
		}
		if len(f) == 0 || len(t) == 0 {
			return len(f) == len(t)
		}
		return (f[0] == "+" || f[0] == t[0]) && match(f[1:], t[1:])
	}
	return match(f, t)
}

// TestMatch matches filters with topics.
func TestMatch(t *testing.T) {
	for _, row := range []struct {
		filter, topic string
		want          bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a", "A", false}, {"a", "aa", false}, {"aa", "a", false},
		{"a", "a/", false}, {"a/", "a", false}, {"a/", "a/", true}, {"/a", "a", false}, {"a", "/a", false},
		{"/", "/", true}, {"//", "/", false}, {"/", "//", false}, {"a//b", "a//b", true}, {"a/b", "a//b", false},
		{"#", "a", true}, {"#", "/", true}, {"#", "a/b/c", true}, {"#", "//", true},
		{"a/#", "a", true}, {"a/#", "a/", true}, {"a/#", "a/b", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"a/#", "b/a", false}, {"a/#", "A", false},
		{"a/b/#", "a", false}, {"a/b/#", "a/b", true}, {"/#", "/", true}, {"/#", "/a", true}, {"/#", "a", false}, {"/#", "a/b", false},
		{"+", "a", true}, {"+", "/", false}, {"+", "a/", false}, {"+", "/a", false}, {"+", "a/b", false},
		{"+/+", "/", true}, {"+/+", "a/b", true}, {"+/+", "/a", true}, {"+/+", "a/", true}, {"+/+", "a", false}, {"+/+", "a/b/c", false},
		{"/+", "/", true}, {"/+", "/a", true}, {"/+", "a", false}, {"+/", "/", true}, {"+/", "a/", true}, {"+/", "a", false},
		{"a/+", "a", false}, {"a/+", "a/", true}, {"a/+", "a/b", true}, {"a/+", "a/b/c", false},
		{"a/+/c", "a/b/c", true}, {"a/+/c", "a//c", true}, {"a/+/c", "a/c", false}, {"a/+/c", "a/b/b/c", false},
		{"a/+/#", "a/b", true}, {"a/+/#", "a", false}, {"a/+/#", "a/", true}, {"a/+/#", "a/b/c/d", true}, {"+/#", "a", true}, {"+/#", "/", true},
		// Wildcards at the first level leave out topics that begin with $ [MQTT-4.7.2-1].
		{"#", "$SYS", false}, {"#", "$SYS/a", false}, {"+", "$SYS", false}, {"+/a", "$SYS/a", false}, {"+/#", "$SYS/a", false}, {"#", "$", false},
		{"$SYS/#", "$SYS", true}, {"$SYS/#", "$SYS/a", true}, {"$SYS/+", "$SYS/a", true}, {"$SYS/a", "$SYS/a", true}, {"$SYS/#", "a", false},
		{"a/+", "a/$b", true}, {"a/#", "a/$b", true}, {"/+", "/$b", true}, {"#", "/$b", true},
		{"$share/g/a", "a", true}, {"$share/g/#", "a/b", true}, {"$share/g/#", "$SYS/a", false}, {"$share/g/+/a", "$SYS/a", false},
		{"$share/g/$SYS/#", "$SYS/a", true}, {"$share/g//a", "/a", true}, {"$share/g//a", "a", false}, {"$share/g/a", "$share/g/a", false},
		{"$share", "$share", true}, {"$shared/a", "$shared/a", true}, {"$SHARE/g/a", "$SHARE/g/a", true}, {"$SHARE/g/a", "a", false},
		{"世/+/界", "世/x/界", true}, {"\ufeffa", "a", false}, {"é", "e\u0301", false},
	} {
		if err := CheckFilter(row.filter); err != nil {
			t.Errorf("filter %q: %v", row.filter, err)
		}
		if got := Match(row.filter, []byte(row.topic)); got != row.want {
			t.Errorf("Match(%q, %q) is %v", row.filter, row.topic, got)
		}
		if got := matchPlain(row.filter, row.topic); got != row.want {
			t.Errorf("the plain match of %q and %q is %v", row.filter, row.topic, got)
		}
	}
}

// TestCheckFilter has the offset of the error, or -1 for none. # is the whole last level
// [MQTT-4.7.1-1] (3.1.1: [MQTT-4.7.1-2]), + is a whole level [MQTT-4.7.1-2] (3.1.1:
// [MQTT-4.7.1-3]), a share has a name [MQTT-4.8.2-1] without wildcards and a filter after it
// [MQTT-4.8.2-2], and a filter has 1 to 65535 bytes [MQTT-4.7.3-1], [MQTT-4.7.3-3] of text
// [MQTT-4.7.3-2].
func TestCheckFilter(t *testing.T) {
	for _, row := range []struct {
		filter string
		at     int
	}{
		{"", 0}, {"a", -1}, {"/", -1}, {"//", -1}, {" ", -1}, {"$", -1}, {"$SYS", -1},
		{"#", -1}, {"a/#", -1}, {"/#", -1}, {"a#", 1}, {"#a", 0}, {"#/", 0}, {"#/a", 0}, {"a/#/b", 2}, {"a/#/", 2}, {"##", 0}, {"a/##", 2}, {"a/b#", 3}, {"+#", 0}, {"#+", 0},
		{"+", -1}, {"+/a", -1}, {"a/+/b", -1}, {"/+", -1}, {"+/+/+", -1}, {"+/#", -1}, {"a+", 1}, {"+a", 0}, {"a/+b", 2}, {"a/b+", 3}, {"++", 0}, {"a/+b/c", 2},
		{"$share/g/a", -1}, {"$share/g/#", -1}, {"$share/g/+", -1}, {"$share/g//", -1}, {"$share/g//a", -1}, {"$share/g/$SYS/#", -1}, {"$share/$share/$share", -1},
		{"$share", -1}, {"$shared", -1}, {"$shares/+", -1}, {"a/$share/+", -1}, {"$Share//+", -1},
		{"$share/", 7}, {"$share//", 7}, {"$share//a", 7}, {"$share/g", 8}, {"$share/g/", 9}, {"$share/+/a", 7}, {"$share/g+/a", 7}, {"$share/#", 7}, {"$share/g#/a", 7},
		{"$share/g/a#", 10}, {"$share/g/#/a", 9}, {"$share/g/a+", 10}, {"$share/g/+a", 9},
		{"a\x00", 1}, {"\xff", 0}, {"aaaaaaaaa\xed\xa0\x80", 9}, {"é\x00", 2}, {"\ufeff", -1},
		{strings.Repeat("f", 65535), -1}, {strings.Repeat("f", 65536), 65535}, {strings.Repeat("é", 32767) + "a", -1}, {strings.Repeat("é", 32768), 65535},
		{"$share/g/" + strings.Repeat("f", 65526), -1}, {"$share/g/" + strings.Repeat("f", 65527), 65535}, {strings.Repeat("/", 65535), -1},
	} {
		err := CheckFilter(row.filter)
		if (err == nil) != (row.at < 0) || filterPlain(row.filter) != (row.at < 0) {
			t.Errorf("%.30q: %v, plainly %v", row.filter, err, filterPlain(row.filter))
			continue
		}
		if err != nil {
			if e := err.(*Error); e.Offset != row.at || e.Reason != TopicFilterInvalid || e.What == "" {
				t.Errorf("%.30q: fault at %d, want %d: %v", row.filter, e.Offset, row.at, e)
			}
		}
	}
}

// TestCheckTopic puts every byte and every error at each of the first positions of topics with
// around eight bytes, which are checked in one step [MQTT-4.7.0-1] (3.1.1: [MQTT-4.7.1-1]),
// [MQTT-4.7.3-1], [MQTT-4.7.3-2], [MQTT-4.7.3-3].
func TestCheckTopic(t *testing.T) {
	for _, row := range []struct {
		topic string
		ok    bool
	}{
		{"", false}, {"/", true}, {" ", true}, {"$SYS/a", true}, {"a b", true}, {"\x7f\x01", true}, {"\ufeff", true},
		{strings.Repeat("t", 65535), true}, {strings.Repeat("t", 65536), false}, {strings.Repeat("é", 32768), false},
	} {
		if err := CheckTopic(row.topic); (err == nil) != row.ok {
			t.Errorf("%.20q: %v", row.topic, err)
		}
	}
	for size := 1; size < 26; size++ {
		for at := range size {
			for c := range 256 {
				s := []byte(strings.Repeat("t", size))
				s[at] = byte(c)
				err := CheckTopic(string(s))
				if (err == nil) != topicPlain(string(s)) {
					t.Fatalf("%q: %v", s, err)
				}
				if err != nil && err.(*Error).Offset != at {
					t.Fatalf("%q: fault at %d, want %d", s, err.(*Error).Offset, at)
				}
				if text := CheckText(string(s)); (text == nil) != textPlain(s) {
					t.Fatalf("%q as text: %v", s, text)
				}
			}
			for _, bad := range []string{"é+", "é#", "#é", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xc0\x80", "\xe2\x82", "é", "世", "\U0001f600", "\ufffd"} {
				s := strings.Repeat("t", at) + bad + strings.Repeat("t", size)
				if err := CheckTopic(s); (err == nil) != topicPlain(s) {
					t.Fatalf("%q: %v", s, err)
				}
				if err := CheckText(s); (err == nil) != textPlain([]byte(s)) {
					t.Fatalf("%q as text: %v", s, err)
				}
			}
		}
	}
}

func TestCheckText(t *testing.T) {
	if CheckText("") != nil || CheckText(strings.Repeat("x", 65535)) != nil {
		t.Error("good text refused")
	}
	err := CheckText(strings.Repeat("x", 65536))
	if e, ok := err.(*Error); !ok || e.Offset != 65535 {
		t.Errorf("65536 bytes: %v", err)
	}
}

func TestSplitShare(t *testing.T) {
	for _, row := range [][3]string{
		{"a/b", "", "a/b"}, {"$share/g/a/b", "g", "a/b"}, {"$share/g//a", "g", "/a"}, {"$share", "", "$share"}, {"$share/g", "g", ""}, {"$share//a", "", "a"}, {"", "", ""},
	} {
		if name, filter := SplitShare(row[0]); name != row[1] || filter != row[2] {
			t.Errorf("%q: %q, %q", row[0], name, filter)
		}
	}
}

// TestVarint checks variable byte integers at the limits of each length [MQTT-1.5.5-1].
func TestVarint(t *testing.T) {
	for _, row := range []struct{ n, size int }{
		{0, 1}, {1, 1}, {127, 1}, {128, 2}, {129, 2}, {16383, 2}, {16384, 3}, {2097151, 3}, {2097152, 4}, {MaxRemaining, 4},
	} {
		b := AppendUvarint(nil, row.n)
		if len(b) != row.size || uvarintLen(row.n) != row.size {
			t.Errorf("%d takes %d bytes, uvarintLen %d, want %d", row.n, len(b), uvarintLen(row.n), row.size)
		}
		for i := range b {
			if n, size := uvarint(b[:i]); n != 0 || size != 0 {
				t.Errorf("first %d bytes of %x: %d, %d", i, b, n, size)
			}
		}
		if n, size := uvarint(append(b, 0xFF)); n != row.n || size != row.size {
			t.Errorf("%x is %d in %d bytes", b, n, size)
		}
	}
}
