package watch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// put puts topic=payload pairs.
func put(m *Model, now time.Time, pairs ...string) {
	for _, pair := range pairs {
		topic, payload, _ := strings.Cut(pair, "=")
		m.Put(proto.V5, &proto.Publish{Topic: []byte(topic), Payload: []byte(payload)}, now)
	}
}

// names returns the rows as text: two spaces a level, + for closed and - for open branches, > for the
// selected row, and the count.
func names(b *Browser, now time.Time) string {
	b.Refresh(now)
	var lines []string
	for _, r := range b.Rows(nil, 100, now) {
		mark := ""
		switch {
		case r.Open:
			mark = "-"
		case r.Branch:
			mark = "+"
		}
		selected := ""
		if r.Selected {
			selected = ">"
		}
		lines = append(lines, fmt.Sprintf("%s%s%s%s %d", selected, strings.Repeat(" ", r.Depth), mark, r.Name, r.Count))
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

func TestTree(t *testing.T) {
	m := New(DefaultLimits())
	b := NewBrowser(m)
	expect(t, "empty", names(b, start), "")
	put(m, start, "a/10=x", "a/9=x", "a/9/z=x", "/=", "b=1", "b=2")
	expect(t, "tree", names(b, start), ">- 1\n  1\n-a 3\n -9 2\n  z 1\n 10 1\nb 2")
	b.Move(2)
	b.Collapse()
	expect(t, "collapsed", names(b, start), "- 1\n  1\n>+a 3\nb 2")
	b.Expand()
	b.Refresh(start)
	b.Expand() // moves to the first level below
	expect(t, "expanded", names(b, start), "- 1\n  1\n-a 3\n> -9 2\n  z 1\n 10 1\nb 2")
	b.CollapseAll()
	expect(t, "all collapsed", names(b, start), "+ 1\n>+a 3\nb 2")
	b.ExpandAll()
	b.SetFilter("Z")
	expect(t, "filter", names(b, start), ">-a 3\n -9 2\n  z 1")
	put(m, start, "zz=", "y=")
	expect(t, "new topics follow the filter", names(b, start), ">-a 3\n -9 2\n  z 1\nzz 1")
	b.SetFilter("a/+")
	expect(t, "topic filter", names(b, start), ">-a 3\n -9 2\n 10 1")
	b.SetFilter("")
	if b.ToggleFlat() != true {
		t.Error("not a list")
	}
	expect(t, "list", names(b, start), ">/ 1\na/9 1\na/9/z 1\na/10 1\nb 2\ny 1\nzz 1")
	b.NextSort()
	m.Tick(start)
	m.Tick(start.Add(time.Second))
	put(m, start.Add(time.Second), "y=", "y=")
	m.Tick(start.Add(2 * time.Second))
	if got := names(b, start); !strings.HasPrefix(got, "y 3\n") {
		t.Errorf("by rate:\n%s", got)
	}
	b.NextSort()
	put(m, start.Add(3*time.Second), "b=3")
	m.Tick(start.Add(4 * time.Second))
	if got := names(b, start); !strings.HasPrefix(got, "b 3\ny 3\n") {
		t.Errorf("by age:\n%s", got)
	}
}

func TestManyTopicsAreClosed(t *testing.T) {
	m := New(DefaultLimits())
	b := NewBrowser(m)
	for i := range fewTopics {
		put(m, start, fmt.Sprintf("all/%d/x=", i))
	}
	b.Refresh(start)
	if _, rows := b.Position(); rows != 1+2*fewTopics {
		t.Errorf("%d rows of few topics", rows)
	}
	put(m, start, "all/more=")
	expect(t, "many", strings.SplitN(names(b, start), "\n", 3)[1], " +0 1") // "all" is the only one of its level
}

func TestRates(t *testing.T) {
	m := New(DefaultLimits())
	b := NewBrowser(m)
	m.Tick(start)
	for second := range 6 {
		now := start.Add(time.Duration(second+1) * time.Second)
		if second < 4 {
			put(m, now, "a/b=", "a/b=", "a/c=")
		}
		m.Tick(now)
	}
	b.Refresh(start)
	rows := b.Rows(nil, 10, start.Add(6*time.Second))
	// In the last four seconds, messages came in two.
	for i, want := range []float64{1.5, 1, 0.5} {
		if rows[i].Rate != want {
			t.Errorf("%s: %v messages a second, want %v", rows[i].Name, rows[i].Rate, want)
		}
	}
	if rows[1].Age != 2*time.Second || rows[1].Changed {
		t.Errorf("age %v, changed %v", rows[1].Age, rows[1].Changed)
	}
	if r := m.Summary().Rate; r != 1.5 {
		t.Errorf("%v in all", r)
	}
}

func TestPause(t *testing.T) {
	m := New(DefaultLimits())
	b := NewBrowser(m)
	put(m, start, "a=1", "b=1")
	m.Pause()
	later := start.Add(time.Minute)
	put(m, later, "a=2", "a=3", "c=1")
	expect(t, "paused", names(b, later), ">a 1\nb 1")
	if s := m.Summary(); s.Received != 5 || s.Behind != 3 || !s.Paused {
		t.Errorf("%+v", s)
	}
	m.Resume()
	expect(t, "resumed", names(b, later), ">a 3\nb 1\nc 1")
	var d Detail
	b.Detail(&d)
	if d.Own != 3 || len(d.History) != 2 || string(d.Latest().Payload) != "3" {
		t.Errorf("%+v", d)
	}
	if s := m.Summary(); s.Behind != 0 || s.Paused {
		t.Errorf("%+v", s)
	}
}

func TestLimits(t *testing.T) {
	m := New(Limits{Topics: 3, Nodes: 5, Names: 100, Bytes: 2000})
	put(m, start, "a=", "b/c=", "d/e/f/g=", strings.Repeat("n", 101)+"=", "h=", "i=", "a=")
	s := m.Summary()
	if s.Topics != 3 || s.Unlisted != 3 || s.Received != 7 { // d/e/f/g needs seven nodes in all
		t.Errorf("%+v", s)
	}
	b := NewBrowser(m)
	expect(t, "rows", names(b, start), ">a 2\n-b 1\n c 1\nh 1")
	for range 100 {
		put(m, start, "b/c="+strings.Repeat("x", 5000))
	}
	if got, want := m.bytes, measure(m); got != want || got > 2000+payloadKept+messageSize {
		t.Errorf("%d bytes, measured %d", got, want)
	}
	// The focused topic has more, and loses it with the focus.
	b.Move(2)
	for range 100 {
		put(m, start, "b/c="+strings.Repeat("x", 5000))
	}
	var d Detail
	b.Detail(&d)
	if len(d.History) != focusedHistory || d.Latest().Cut() {
		t.Errorf("%d messages, cut: %v", len(d.History), d.Latest().Cut())
	}
	b.Move(-2)
	if got, want := m.bytes, measure(m); got != want || got > (historyKept+1)*(payloadKept+messageSize)+1000 {
		t.Errorf("%d bytes without the focus, measured %d", got, want)
	}
}

// measure returns the bytes of all messages that are kept.
func measure(m *Model) (n int) {
	for _, x := range m.list {
		for i := range x.own.last {
			n += messageSize + cap(x.own.last[i].Payload) + cap(x.own.last[i].Props)
		}
		n += cap(x.own.next.Payload) + cap(x.own.next.Props)
	}
	return n
}

func TestDeepTopics(t *testing.T) {
	m := New(DefaultLimits())
	deep := strings.Repeat("a/", 30000)
	put(m, start, deep+"x=", deep+"y=")
	b := NewBrowser(m)
	b.ExpandAll()
	b.Refresh(start)
	if _, rows := b.Position(); rows != maxDepth+1 {
		t.Errorf("%d rows", rows)
	}
	b.Move(rowsBelow)
	if topic, _ := b.Selected(); topic != deep+"y" {
		t.Errorf("the last topic has %d bytes", len(topic))
	}
}

const rowsBelow = 1 << 20

func TestNatural(t *testing.T) {
	want := []string{"", "a", "a01", "a1", "a2b", "a2b1", "a10", "a99999999999999999999998", "a99999999999999999999999", "b", "line2/x10", "line10/x1", "é"}
	for i, x := range want {
		for j, y := range want {
			if got := Natural(x, y); got != sign(i-j) {
				t.Errorf("%q and %q: %d", x, y, got)
			}
		}
	}
}

func sign(n int) int { return min(max(n, -1), 1) }

// FuzzBrowser puts messages and presses keys in any order. The counts must agree, the selected row
// must be on the screen, and the accounts of memory must be right.
func FuzzBrowser(f *testing.F) {
	f.Add([]byte("aaabacadzzyx0123456789"))
	f.Add([]byte("ppaxpaqqrrssttuuvvwwxxyy  "))
	f.Fuzz(func(t *testing.T, ops []byte) {
		m := New(Limits{Topics: 20, Nodes: 40, Names: 400, Bytes: 3000})
		b := NewBrowser(m)
		now := start
		var d Detail
		var rows []Row
		for i, op := range ops {
			now = now.Add(time.Duration(op) * 10 * time.Millisecond)
			topics := []string{"a", "a/b", "a/b/c", "a//", "/", "b/10", "b/9", fmt.Sprintf("n/%d", i)}
			switch op >> 4 {
			case 0:
				b.Move(int(op&15) - 8)
			case 1:
				[]func(){b.Expand, b.Collapse, b.ExpandAll, b.CollapseAll}[op&3]()
			case 2:
				b.Toggle()
			case 3:
				b.SetFilter([]string{"", "a", "+/b", "c", "#"}[op%5])
			case 4:
				b.NextSort()
			case 5:
				b.ToggleFlat()
			case 6:
				m.Pause()
			case 7:
				m.Resume()
			default:
				m.Put(proto.V5, &proto.Publish{Topic: []byte(topics[op&7]), Payload: make([]byte, int(op)*i%70000)}, now)
			}
			m.Tick(now)
			b.Refresh(now)
			rows = b.Rows(rows[:0], 5, now)
			b.Detail(&d)
			selected := 0
			for _, r := range rows {
				if r.Selected {
					selected++
				}
			}
			if len(rows) > 0 && selected != 1 || len(rows) > 5 {
				t.Fatalf("%d rows, %d selected", len(rows), selected)
			}
			s := m.Summary()
			if m.root.count+s.Behind+s.Unlisted != s.Received {
				t.Fatalf("%d and %d and %d are not %d", m.root.count, s.Behind, s.Unlisted, s.Received)
			}
			if got := measure(m); got != m.bytes {
				t.Fatalf("%d bytes, measured %d", m.bytes, got)
			}
			if len(m.list) > 20 || m.nodes > 40 || m.names > 400 {
				t.Fatalf("limits: %d topics, %d nodes, %d bytes", len(m.list), m.nodes, m.names)
			}
		}
	})
}

func BenchmarkPut(b *testing.B) {
	m := New(DefaultLimits())
	var messages []proto.Publish
	for i := range 20000 {
		messages = append(messages, proto.Publish{Topic: fmt.Appendf(nil, "plant/line%d/machine%d/temperature", i%20, i/20), Payload: []byte("21.5")})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Put(proto.V5, &messages[i%len(messages)], start)
		i++
	}
}
