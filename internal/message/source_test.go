package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// all returns the messages of src up to its end, each as NUMBER TOPIC QOS PAYLOAD, and the error
// that ended it.
func all(src Source) (got []string, err error) {
	for {
		m, err := src.Next(time.Time{})
		if err != nil {
			return got, err
		}
		got = append(got, fmt.Sprintf("%d %s %d %s", m.Number, m.Topic, m.QoS, m.Payload))
	}
}

// check compares what all returned.
func check(t *testing.T, name string, got []string, err error, want []string, wantErr string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: messages %q, want %q", name, got, want)
	}
	if wantErr == "" && err != io.EOF || wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)) {
		t.Errorf("%s: error %v, want %q", name, err, wantErr)
	}
}

// file returns a regular file with that text, which Lines reads without a goroutine.
func file(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

var base = proto.Publish{QoS: 1, Topic: []byte("t")}

func TestLines(t *testing.T) {
	for name, row := range map[string]struct {
		in   string
		o    LineOptions
		want []string
		err  string
	}{
		"lines":                  {in: "a\nb\n", want: []string{"1 t 1 a", "2 t 1 b"}},
		"no last delimiter":      {in: "a\nb", want: []string{"1 t 1 a", "2 t 1 b"}},
		"empty lines":            {in: "\na\n\n", want: []string{"1 t 1 ", "2 t 1 a", "3 t 1 "}},
		"empty lines left out":   {in: "\na\n\n", o: LineOptions{SkipEmpty: true}, want: []string{"2 t 1 a"}},
		"empty lines rejected":   {in: "a\n\n", o: LineOptions{RejectEmpty: true}, want: []string{"1 t 1 a"}, err: "line 2 is empty"},
		"carriage return":        {in: "a\r\n", want: []string{"1 t 1 a\r"}},
		"long delimiter":         {in: "a--b--", o: LineOptions{Delimiter: []byte("--")}, want: []string{"1 t 1 a", "2 t 1 b"}},
		"key":                    {in: "x=a\ny=\n", o: LineOptions{Key: []byte("=")}, want: []string{"1 x 1 a", "2 y 1 "}},
		"key, long":              {in: "x::a:b\n", o: LineOptions{Key: []byte("::")}, want: []string{"1 x 1 a:b"}},
		"key missing":            {in: "x=a\ny\n", o: LineOptions{Key: []byte("=")}, want: []string{"1 x 1 a"}, err: `line 2: no "=" after a topic`},
		"key and empty rejected": {in: "x=\n", o: LineOptions{Key: []byte("="), RejectEmpty: true}, err: "line 1 is empty"},
		"nothing":                {in: ""},
	} {
		row.o.Base = base
		if row.o.Delimiter == nil {
			row.o.Delimiter = []byte("\n")
		}
		l := NewLines(file(t, row.in), row.o)
		got, err := all(l)
		check(t, name+", file", got, err, row.want, row.err)
		l.Close()
		synctest.Test(t, func(t *testing.T) {
			l := NewLines(strings.NewReader(row.in), row.o)
			synctest.Wait() // everything is read
			got, err := all(l)
			check(t, name+", stream", got, err, row.want, row.err)
			l.Close()
		})
	}
}

// A line of a stream is there with its own delimiter, and Wake is called for it.
func TestLinesWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		var wakes, read atomic.Int64
		l := NewLines(r, LineOptions{Base: base, Delimiter: []byte("\n"), Wake: func() { wakes.Add(1) }, Read: &read})
		defer l.Close()
		for i, text := range []string{"a\n", "b\nc"} {
			if _, err := l.Next(time.Time{}); err != ErrWait || !l.Due().IsZero() {
				t.Fatalf("error %v, due %v, with nothing to read", err, l.Due())
			}
			w.Write([]byte(text))
			synctest.Wait()
			m, err := l.Next(time.Time{})
			if err != nil || string(m.Payload) != text[:1] || wakes.Load() != int64(i+1) {
				t.Fatalf("message %+v, error %v, %d wakes", m, err, wakes.Load())
			}
		}
		if read.Load() != 4 {
			t.Errorf("%d bytes are counted as read, want those of the whole lines", read.Load())
		}
		w.CloseWithError(errors.New("disk on fire"))
		synctest.Wait()
		if got, err := all(l); err == nil || err.Error() != "read stdin: disk on fire" || len(got) > 0 {
			t.Errorf("%q, then error %v: a line that had not ended is no message", got, err)
		}
	})
}

// A message stays as it is until the next call, also while more lines are read ahead.
func TestLinesMessageStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		l := NewLines(r, LineOptions{Base: base, Delimiter: []byte("\n")})
		defer l.Close()
		go func() {
			for i := range 2 * blocks {
				fmt.Fprintf(w, "line %d\n", i+1)
			}
			w.Close()
		}()
		for i := range 2 * blocks {
			synctest.Wait()
			m, err := l.Next(time.Time{})
			synctest.Wait()
			if want := fmt.Sprintf("line %d", i+1); err != nil || string(m.Payload) != want {
				t.Fatalf("message %+v, error %v, want %s", m, err, want)
			}
		}
	})
}

func TestLinesAllocateNothing(t *testing.T) {
	l := NewLines(file(t, strings.Repeat("topic=payload\n", 2000)), LineOptions{Base: base, Delimiter: []byte("\n"), Key: []byte("=")})
	defer l.Close()
	var src Source = l
	src.Next(time.Time{}) // reads the block
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := src.Next(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for each message", n)
	}
}

func TestRepeated(t *testing.T) {
	got, err := all(NewRepeated(proto.Publish{Topic: []byte("t"), Payload: []byte("x")}, 2, 0))
	check(t, "no delay", got, err, []string{"1 t 0 x", "2 t 0 x"}, "")
	// The times do not drift: a copy that is late does not make the next one late.
	start := time.Unix(100, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	r := NewRepeated(base, 3, 10*time.Millisecond)
	for _, step := range []struct {
		now  int
		wait bool
		due  int
	}{{0, false, 10}, {3, true, 10}, {17, false, 20}, {19, true, 20}, {20, false, 30}} {
		if m, err := r.Next(at(step.now)); (err == ErrWait) != step.wait || !step.wait && m == nil || !r.Due().Equal(at(step.due)) {
			t.Errorf("at %d ms: %+v, %v, due %v", step.now, m, err, r.Due().Sub(start))
		}
	}
	if _, err := r.Next(at(30)); err != io.EOF {
		t.Errorf("after the last copy: %v", err)
	}
}

func records(t *testing.T, in string, o RecordOptions) *Records {
	return NewRecords(NewLines(file(t, in), LineOptions{Delimiter: []byte("\n"), SkipEmpty: true}), o)
}

func TestRecords(t *testing.T) {
	retained, utf8 := base, base
	retained.Retain = true
	utf8.Props = utf8.Props.AppendNum(proto.PayloadFormatIndicator, 1)
	for name, row := range map[string]struct {
		in   string
		base proto.Publish
		want []string
		err  string
	}{
		"whole":            {in: `{"topic":"a","qos":2,"payload":"x"}`, want: []string{"1 a 2 x"}},
		"base":             {in: `{"payload":"x"}`, base: base, want: []string{"1 t 1 x"}},
		"empty line":       {in: "\n" + `{"payload":"x"}`, base: base, want: []string{"2 t 1 x"}},
		"no topic":         {in: `{"payload":"x"}`, err: "line 1 has no topic"},
		"no JSON":          {in: "x", err: "line 1: json: want an object"},
		"would clear":      {in: `{"payload":""}`, base: retained, err: "line 1 has an empty payload"},
		"is to clear":      {in: `{"payload":"","retain":true}`, base: base, want: []string{"1 t 1 "}},
		"not UTF-8":        {in: `{"payload":"gA==","payload_encoding":"base64"}`, base: utf8, err: "line 1: payload that is not UTF-8"},
		"own properties":   {in: `{"payload":"gA==","payload_encoding":"base64","properties":{}}`, base: utf8, want: []string{"1 t 1 \x80"}},
		"unknown is noted": {in: `{"topic":"a","payload":"x","color":"red"}`, want: []string{"1 a 0 x", `line 1: unknown name "color": it is ignored`}},
	} {
		var warnings []string
		got, err := all(records(t, row.in, RecordOptions{Base: row.base, Warn: func(s string) { warnings = append(warnings, s) }}))
		check(t, name, append(got, warnings...), err, row.want, row.err)
	}
}

func TestRecordsPace(t *testing.T) {
	r := records(t, `{"topic":"t","payload":"a","time":"2026-01-01T00:00:00Z"}
{"topic":"t","payload":"b","time":"2026-01-01T00:00:10Z"}
{"topic":"t","payload":"c"}
`, RecordOptions{Pace: 2})
	start := time.Unix(100, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	for _, step := range []struct {
		now  int
		want string
	}{{0, "a"}, {1, ""}, {4, ""}, {5, "b"}, {5, "c"}} {
		m, err := r.Next(at(step.now))
		switch {
		case step.want == "" && (err != ErrWait || !r.Due().Equal(at(5))):
			t.Errorf("after %d s: %+v, %v, due %v", step.now, m, err, r.Due().Sub(start))
		case step.want != "" && (err != nil || string(m.Payload) != step.want):
			t.Errorf("after %d s: %+v, %v, want %s", step.now, m, err, step.want)
		}
	}
}

func TestFiltered(t *testing.T) {
	name := func(n uint64) string { return fmt.Sprintf("line %d", n) }
	for expr, row := range map[string]struct {
		in   string
		want []string
		err  string
	}{
		".a":             {"{\"a\":1}\n{\"a\":2}\n", []string{"1 t 1 1", "2 t 1 2"}, ""},
		".[]":            {"[1,2]\n[]\n[3]\n", []string{"1 t 1 1", "1 t 1 2", "3 t 1 3"}, ""},
		".":              {"[ 1 ]\nx\n", []string{"1 t 1 [1]"}, "line 2: payload is not JSON"},
		"error(\"bad\")": {"1\n", nil, "line 1: jq: error: bad"},
	} {
		q, err := NewQuery("--jq", expr)
		if err != nil {
			t.Fatal(err)
		}
		lines := NewLines(file(t, row.in), LineOptions{Base: base, Delimiter: []byte("\n")})
		got, err := all(&Filtered{Source: lines, Query: q, Name: name, Ctx: context.Background()})
		check(t, expr, got, err, row.want, row.err)
	}
	if _, err := NewQuery("--jq", ".a["); err == nil || !strings.HasPrefix(err.Error(), `--jq ".a[": `) {
		t.Errorf("an expression that is not complete: %v", err)
	}
}

func TestText(t *testing.T) {
	said := base
	said.Props = said.Props.AppendNum(proto.PayloadFormatIndicator, 1)
	lines := NewLines(file(t, "é\n\x80\n"), LineOptions{Base: said, Delimiter: []byte("\n")})
	got, err := all(&Text{Source: lines, Name: lineName})
	check(t, "text", got, err, []string{"1 t 1 é"}, "line 2: payload that is not UTF-8")
}
