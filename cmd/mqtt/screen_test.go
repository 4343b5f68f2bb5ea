package main

import (
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/rogpeppe/go-internal/testscript"
)

// screen is what a terminal shows. It answers what the program asks the terminal. Its goroutine ends
// with close.
type screen struct {
	mu      sync.Mutex
	vt      *vt.Emulator
	frames  []string      // what it has shown, after each write
	from    int           // the frame that cmdScreen found last
	more    chan struct{} // closed at the next write
	answers chan struct{} // closed when no more answers come
}

// newScreen returns a screen of the size of openTerminal, whose answers go to control.
func newScreen(control io.Writer) *screen {
	s := &screen{vt: vt.NewEmulator(100, 30), answers: make(chan struct{})}
	go func() {
		io.Copy(control, s.vt)
		close(s.answers)
	}()
	return s
}

func (s *screen) close() {
	s.vt.InputPipe().(io.Closer).Close()
	<-s.answers
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.vt.Write(b)
	if frame := steady(s.vt.String()); len(s.frames) == 0 || s.frames[len(s.frames)-1] != frame {
		s.frames = append(s.frames, frame)
		if s.more != nil {
			close(s.more)
			s.more = nil
		}
	}
	return n, err
}

func (s *screen) resize(columns, lines int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vt.Resize(columns, lines)
}

// find reports whether a frame since the last one that it found is right. It returns the newest frame,
// and a channel that is closed once there is another one.
func (s *screen) find(right func(frame string) bool) (found bool, newest string, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := s.from; i < len(s.frames); i++ {
		newest = s.frames[i]
		if right(newest) {
			s.from = i
			return true, newest, nil
		}
	}
	if s.more == nil {
		s.more = make(chan struct{})
	}
	return false, newest, s.more
}

// What changes from run to run, or while one looks.
var (
	rates  = regexp.MustCompile(`[0-9.]+ [kM]?/s`)
	ages   = regexp.MustCompile(`\b([0-9]+m)?[0-9]+s\b`)
	clocks = regexp.MustCompile(`\b[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\b`)
	ports  = regexp.MustCompile(`\blocalhost:[0-9]+`)
	spaces = regexp.MustCompile(` {2,}`)
)

// steady returns text without what changes.
func steady(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = rates.ReplaceAllString(line, "")
		line = clocks.ReplaceAllString(line, "CLOCK")
		line = ages.ReplaceAllString(line, "")
		line = ports.ReplaceAllString(line, "localhost:PORT")
		line = strings.ReplaceAll(line, "•", " ")
		lines = append(lines, strings.TrimSpace(spaces.ReplaceAllString(line, "  ")))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// drawn returns the process of that name, which was started with -screen.
func drawn(ts *testscript.TestScript, name string) *process {
	p := running(ts, name)
	if p.screen == nil {
		ts.Fatalf("%s was not started with -screen", name)
	}
	return p
}

func cmdScreen(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 2, "screen NAME FILE")
	want := steady(ts.ReadFile(args[1]))
	awaitFrame(ts, args[0], args[1], func(frame string) bool { return frame == want })
}

func cmdShows(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 2, "shows NAME PATTERN")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	awaitFrame(ts, args[0], args[1], pattern.MatchString)
}

// awaitFrame waits until a frame of the process of that name is right. what describes such a frame.
func awaitFrame(ts *testscript.TestScript, name, what string, right func(string) bool) {
	p := drawn(ts, name)
	limit := time.After(patience)
	for {
		found, newest, more := p.screen.find(right)
		if found {
			return
		}
		select {
		case <-more:
		case <-p.done:
			p.fatal(ts, "ended with status %d, and its screen is not %s:\n%s", p.status(), what, newest)
		case <-limit:
			ts.Fatalf("the screen of %s is not %s:\n%s", name, what, newest)
		}
	}
}

func cmdKeys(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) >= 2, "keys NAME KEY...")
	codes := map[string]string{"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
		"enter": "\r", "esc": "\x1b", "tab": "\t", "space": " "}
	for _, key := range args[1:] {
		text, ok := codes[key]
		switch {
		case ok:
		case len(key) == 2 && key[0] == '^':
			text = string(key[1] & 0x1F)
		default:
			text = key
		}
		_, err := io.WriteString(running(ts, args[0]).stdin, text)
		ts.Check(err)
	}
}

func cmdResize(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 3, "resize NAME COLUMNS LINES")
	columns, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines, err := strconv.Atoi(args[2])
	ts.Check(err)
	p := drawn(ts, args[0])
	p.screen.resize(columns, lines)
	ts.Check(resizeTerminal(p.stdin.(*os.File), columns, lines))
}
