package format

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

func compile(t testing.TB, s string, o Options) *Format {
	t.Helper()
	f, err := Compile(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// recordedMessages returns the messages that mosquitto_sub printed for testdata/mosquitto.txt.
func recordedMessages() map[string]*Message {
	var ps proto.Props
	full := ps.AppendNum(proto.SubscriptionIdentifier, 7).AppendText(proto.ContentType, "text/plain").
		AppendText(proto.ResponseTopic, "r/t").AppendValue(proto.CorrelationData, []byte("cd1")).
		AppendNum(proto.PayloadFormatIndicator, 1).AppendPair("k1", "v1").AppendPair("k2", "v 2")
	return map[string]*Message{
		"full/topic": message(proto.Publish{QoS: 1, PacketID: 1, Retain: true, Payload: []byte("hello"), Props: full}),
		"bare":       message(proto.Publish{Retain: true, Payload: []byte("x")}),
		"json":       message(proto.Publish{Retain: true, Payload: []byte(`{ "n": 17, "a": [1, null, true, {"b": "é\n"}] }`)}),
		"text":       message(proto.Publish{Retain: true, Payload: []byte("café \"q\" \\ /\t\n\r\b\f\x1b")}),
		"expire":     message(proto.Publish{QoS: 2, PacketID: 1, Retain: true, Payload: []byte("on")}),
	}
}

func TestFormatPrintsWhatMosquittoPrints(t *testing.T) {
	messages := recordedMessages()
	for _, row := range recorded(t, "mosquitto.txt", "\t") {
		m := messages[row[0]]
		m.Publish.Topic = []byte(row[0])
		format, want := unquoteJSON(t, row[1]), unquoteJSON(t, row[2])
		f := compile(t, format, Options{NoNewline: true, Zone: time.UTC})
		got := string(f.Append(nil, m))
		got = strings.Replace(got, `"tst":"2026-11-20T15:04:05.123456+0000"`, `"tst":""`, 1)
		if got != want {
			t.Errorf("%s -F %q: got %q, mosquitto_sub printed %q", row[0], format, got, want)
		}
	}
}

// TestFormat has the differences from mosquitto_sub 2.0.11, and the escapes that it does not have.
func TestFormat(t *testing.T) {
	f32 := binary.LittleEndian.AppendUint32(nil, math.Float32bits(-1.5))
	f64 := binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.Pi))
	for _, c := range []struct{ format, payload, want string }{
		{"%20x", "hello", "          68656c6c6f"}, // 2.0.11 prints half the digits
		{"%-20x|", "hello", "68656c6c6f          |"},
		{"%020X", "hell\xff", "000000000068656C6CFF"},
		{"%2x", "hello", "6865"},
		{"%.2x", "hello", "68 65 6c 6c 6f"},
		{"%.2:X", "hel", "68:65:6C"},
		{"%.4-x", "hello", "6865-6c6c-6f"},
		{"%.1.x", "hi", "6.8.6.9"},
		{"%08.4 x", "hi", "0000 6869"},
		{"%x", "", ""},
		{"%03x", "", "000"},
		{"%f", string(f32), "-1.500000"},
		{"%.2f", string(f32), "-1.50"},
		{"%09.2f", string(f32), "-00001.50"},
		{"%9.1f|%-9.1f|", string(f32), "     -1.5|-1.5     |"},
		{"%d", string(f64), "3.141593"},
		{"%.0d", string(f64), "3"},
		{"%5p|%5p", "", "     |     "},
		{`\0`, "", "\x00"},
		{`\e[1m%t\e[0m`, "", "\x1b[1mä/ö\x1b[0m"},
		{"%.2t|%5t|%-5t|%5.1t|", "", "ä/|  ä/ö|ä/ö  |    ä|"}, // characters, not bytes
		{"%10R|", "", "          |"},                          // 2.0.11 does not pad
		{"%I", "", "2026-11-20T15:04:05+0000"},
		{"%30I", "", "      2026-11-20T15:04:05+0000"},
		{"%.10I", "", "2026-11-20"},
		{"%U", "", "1795187045.123456789"},
		{"@H:@M:@S.@N", "", "15:04:05.123456789"},
		{"@n@t@%@@", "", "\n\t%@"},
		{"", "x", ""},
		{"日本%l", "xyz", "日本3"},
	} {
		f := compile(t, c.format, Options{NoNewline: true, Zone: time.UTC})
		m := message(proto.Publish{Topic: []byte("ä/ö"), Payload: []byte(c.payload)})
		if got := string(f.Append([]byte("<"), m)); got != "<"+c.want || f.Warning() != nil {
			t.Errorf("%q of %q: %q, want %q (%v)", c.format, c.payload, got, c.want, f.Warning())
		}
	}
}

func TestFormatWarnings(t *testing.T) {
	for _, c := range []struct {
		format, payload, want string
		warning               error
	}{
		{"<%f>", "abc", "<>\n", ErrNotFloat},
		{"<%d>", "abcd", "<>\n", ErrNotDouble},
		{"<%d>", "\x00\x00\x00\x00\x00\x00\xf0\x7f", "<inf>\n", nil},
		{"<%05d>", "\x00\x00\x00\x00\x00\x00\xf0\xff", "< -inf>\n", nil},
		{"<%f>", "\x00\x00\xc0\x7f", "<nan>\n", nil},
	} {
		f := compile(t, c.format, Options{})
		got := string(f.Append(nil, message(proto.Publish{Topic: []byte("t"), Payload: []byte(c.payload)})))
		if got != c.want || f.Warning() != c.warning {
			t.Errorf("%s of %q: %q, %v", c.format, c.payload, got, f.Warning())
		}
	}
	f := compile(t, "%f", Options{})
	f.Append(nil, message(proto.Publish{Payload: []byte("bad")}))
	f.Append(nil, message(proto.Publish{Payload: []byte("good")}))
	if f.Warning() != nil {
		t.Error("the warning of the message before is returned")
	}
}

func TestFormatVisible(t *testing.T) {
	var ps proto.Props
	ps = ps.AppendText(proto.ContentType, "c\x1b").AppendText(proto.ResponseTopic, "r\u009b").
		AppendValue(proto.CorrelationData, []byte("\xff\n")).AppendPair("k\n", "\u202ev")
	m := message(proto.Publish{Topic: []byte("t\x07"), Props: ps, Payload: []byte("\x1b[2Jp\n{")})
	f := compile(t, `\e[1m%t|%C|%R|%D|%P|%p|%8.3t|%4p`, Options{Visible: true, NoNewline: true})
	want := "\x1b[1m" + `t\x07|c\x1b|r\x9b|\xff\n|k\n:\u202ev|\x1b[2Jp` + "\n{|   t\\x07|\\x1b[2J"
	if got := string(f.Append(nil, m)); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestCompileErrors(t *testing.T) {
	for format, want := range map[string]string{
		"%":         `format: unfinished escape "%" at character 1`,
		"ab%-":      `format: unfinished escape "%-" at character 3`,
		"%5":        `format: unfinished escape "%5" at character 1`,
		"%.":        `format: unfinished escape "%." at character 1`,
		"@":         `format: unfinished escape "@" at character 1`,
		`x\`:        `format: unfinished escape "\\" at character 2`,
		"%t %z":     `format: unknown escape "%z" at character 4`,
		"%-0-5t":    `format: unknown escape "%-0-" at character 1`,
		"%.2:t":     `format: unknown escape "%.2:" at character 1`,
		"%é":        `format: unknown escape "%é" at character 1`,
		`\q`:        `format: unknown escape "\\q" at character 1`,
		"@Q":        `format: unknown time escape "@Q" at character 1`,
		"@Ey":       `format: unknown time escape "@E" at character 1`,
		"@é":        `format: unknown time escape "@é" at character 1`,
		"%10001t":   `format: width of more than 10000 in "%10001" at character 1`,
		"%.999999t": `format: width of more than 10000 in "%.999999" at character 1`,
	} {
		if f, err := Compile(format, Options{}); err == nil || err.Error() != want || f != nil {
			t.Errorf("%q: %v, want %s", format, err, want)
		}
	}
}

func TestStrftimePrintsWhatDatePrints(t *testing.T) {
	for _, row := range recorded(t, "strftime.txt", " ") {
		sec, _ := strconv.ParseInt(row[0], 10, 64)
		offset, _ := strconv.Atoi(row[2])
		want := unquoteJSON(t, strings.Join(row[4:], " "))
		f := compile(t, "@"+row[3], Options{NoNewline: true, Zone: time.FixedZone(row[1], offset)})
		m := message(proto.Publish{})
		m.Received = time.Unix(sec, 0)
		if got := string(f.Append(nil, m)); got != want {
			t.Errorf("%s in %s: @%s is %q, date printed %q", row[0], row[1], row[3], got, want)
		}
	}
}

func TestFormatTimeChanges(t *testing.T) {
	f := compile(t, "@S.@N", Options{NoNewline: true, Zone: time.UTC})
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "05.123456789"}, {1, "05.123456790"}, {time.Second, "06.123456789"}, {-time.Second, "04.123456789"}} {
		m := message(proto.Publish{})
		m.Received = when.Add(c.after)
		if got := string(f.Append(nil, m)); got != c.want {
			t.Errorf("after %v: %s, want %s", c.after, got, c.want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"%t %p", "%-010.4:x@c\\e", "%j%J", "%", "@", "\\", "%.f", "%99999999999t", "日%é"} {
		f.Add(s)
	}
	messages := samples()
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Compile(s, Options{Zone: time.UTC})
		if err != nil {
			e := err.(*SyntaxError)
			if s[e.Offset:e.Offset+len(e.Escape)] != e.Escape {
				t.Fatalf("%q: the escape of %v is not at its offset", s, err)
			}
			return
		}
		for _, m := range messages {
			c.Append(nil, m)
		}
	})
}
