package check

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// fragile is our broker behind a relay that crashes, or hangs, at certain packets of clients. It is for synctest
// bubbles.
type fragile struct {
	trigger func(f proto.Frame, v proto.Version) bool
	hangs   bool
	restart time.Duration // after a crash; 0 means never
	most    int           // crashes; 0 means any number

	broker  *pipes
	mu      sync.Mutex
	conns   map[net.Conn]bool
	crashes int
	down    bool
	hung    bool
}

// start starts the broker, which ends with the test.
func (s *fragile) start(t *testing.T) {
	t.Helper()
	s.broker, s.conns = startBroker(t, broker.Options{}), make(map[net.Conn]bool)
	t.Cleanup(s.closeAll)
}

// dial opens a connection, which is refused after a crash.
func (s *fragile) dial(ctx context.Context, v proto.Version) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("connection refused")
	}
	server, err := s.broker.dial(ctx, v)
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	client := &buffered{Conn: theirs}
	s.conns[client], s.conns[server] = true, true
	go s.relay(client, server, true)  // ends with the client's connection
	go s.relay(server, client, false) // ends with the server's
	return &buffered{Conn: ours}, nil
}

// relay passes on packets until one side closes, or the server crashes.
func (s *fragile) relay(from, to net.Conn, in bool) {
	defer to.Close() //nolint:errcheck // one end of a test's connection
	v := proto.V5
	for r := proto.NewReader(from, 0); ; {
		f, err := r.Next()
		if err != nil {
			if rest := r.Bytes(); errors.As(err, new(*proto.Error)) && len(rest) > 0 {
				to.Write(rest) //nolint:errcheck // the reader sees the end
			}
			return
		}
		if in && f.Type() == proto.CONNECT {
			var c proto.Connect
			if c.Decode(f, 0) == nil {
				v = c.Version
			}
		}
		if in && s.trigger(f, v) && s.crash() {
			return
		}
		s.mu.Lock()
		hung := s.hung
		s.mu.Unlock()
		if !hung {
			to.Write(appendFrame(nil, f)) //nolint:errcheck // the reader sees the end
		}
	}
}

// crash reports whether the server crashed, or hangs.
func (s *fragile) crash() bool {
	s.mu.Lock()
	if s.most > 0 && s.crashes == s.most {
		s.mu.Unlock()
		return false
	}
	s.crashes++
	s.down, s.hung = !s.hangs, s.hangs
	s.mu.Unlock()
	if !s.hangs {
		s.closeAll()
	}
	if s.restart > 0 {
		time.AfterFunc(s.restart, s.revive)
	}
	return true
}

func (s *fragile) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close() //nolint:errcheck // one end of a test's connection
	}
	clear(s.conns)
}

// revive starts the server again.
func (s *fragile) revive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.hung = false, false
}

// noOptions reports whether f is a SUBSCRIBE of version 5 that ends before the options of its filter.
func noOptions(f proto.Frame, v proto.Version) bool {
	var s proto.Subscribe
	return v == proto.V5 && f.Type() == proto.SUBSCRIBE && s.Decode(f, v) != nil && len(f.Body) > 5 && f.Body[len(f.Body)-1] > 0x20
}

// few are cases that run beside the one at which a server crashes.
var few = []string{"subscribe-no-options", "pingresp", "takeover", "qos-0-delivery", "puback", "subscribe-no-filter", "session-present-1", "pubacks-in-order"}

// check runs few cases of version 5 against the server.
func (s *fragile) check(t *testing.T, change func(r *runner)) (map[string]*Result, *Report, error) {
	t.Helper()
	r := newRunner(Options{Dial: s.dial, Versions: []proto.Version{proto.V5}, Selectors: few, Limit: 10 * time.Second})
	r.patience = time.Minute
	if change != nil {
		change(r)
	}
	report, err := r.run(t.Context())
	if report == nil {
		t.Fatal(err)
	}
	results := make(map[string]*Result)
	for i := range report.Cases {
		k := &report.Cases[i]
		results[k.ID[strings.LastIndexByte(k.ID, '/')+1:]] = k
	}
	if len(results) != len(few) {
		t.Fatalf("%d results, expected %d", len(results), len(few))
	}
	return results, report, err
}

const noOptionsID = "5.0/4.13.1/subscribe-no-options"

// TestCrashAndRestart checks that a case that crashes a server fails, and no other, if the server comes back.
func TestCrashAndRestart(t *testing.T) { synctest.Test(t, crashAndRestart) }

func crashAndRestart(t *testing.T) {
	s := &fragile{trigger: noOptions, restart: 30 * time.Millisecond}
	s.start(t)
	results, report, err := s.check(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range results {
		switch {
		case name == "subscribe-no-options":
			if k.Verdict != Fail || len(k.Rules) != 0 || !strings.Contains(k.Expected, "4.13.1") || !strings.Contains(k.Got, "closed all connections") || len(k.Packets) == 0 {
				t.Errorf("%+v", k)
			}
		case k.Verdict != OK:
			t.Errorf("%s is %s: %s", name, k.Verdict, k.Got)
		}
	}
	// Once among many, perhaps once in a group of suspects, and twice alone.
	if n := s.crashes; n < 1+aloneTwice || n > 2+aloneTwice {
		t.Errorf("%d crashes, expected %d or %d", n, 1+aloneTwice, 2+aloneTwice)
	}
	if n := len(report.Outages); n != s.crashes || !report.Outages[n-1].Back || !slices.Equal(report.Outages[n-1].Shown, []string{noOptionsID}) {
		t.Errorf("outages: %+v", report.Outages)
	}
}

// TestCrashForGood checks that a case fails if the server does not come back after it and nothing else ran.
func TestCrashForGood(t *testing.T) { synctest.Test(t, crashForGood) }

func crashForGood(t *testing.T) {
	s := &fragile{trigger: noOptions}
	s.start(t)
	r := newRunner(Options{Dial: s.dial, Versions: []proto.Version{proto.V5}, Selectors: []string{"subscribe-no-options"}})
	r.patience = 50 * time.Millisecond
	report, err := r.run(t.Context())
	if !errors.Is(err, ErrGone) {
		t.Fatalf("error %v, expected ErrGone", err)
	}
	k := report.Cases[0]
	if k.Verdict != Fail || !strings.Contains(k.Got, "accepts no new connection") || len(report.Outages) != 1 || report.Outages[0].Back {
		t.Errorf("%+v; %+v", k, report.Outages)
	}
}

// TestCrashSkipsTheRest checks that cases that can be the cause are unsure and name it, and that cases that were not
// run say so.
func TestCrashSkipsTheRest(t *testing.T) { synctest.Test(t, crashSkipsTheRest) }

func crashSkipsTheRest(t *testing.T) {
	for _, parallel := range []int{1, 3} {
		s := &fragile{trigger: func(f proto.Frame, _ proto.Version) bool {
			return f.Type() == proto.PUBLISH && f.First&6 == 2 && !strings.HasSuffix(string(f.Body), "rights")
		}}
		s.start(t)
		results, report, err := s.check(t, func(r *runner) { r.opt.Parallel, r.patience = parallel, 50*time.Millisecond })
		if !errors.Is(err, ErrGone) {
			t.Errorf("error %v, expected ErrGone", err)
		}
		skipped := 0
		for name, k := range results {
			switch k.Verdict {
			case OK:
			case Skip:
				if skipped++; !strings.Contains(k.Got, "accepts no connection any more") {
					t.Errorf("%s: %s", name, k.Got)
				}
			case Fail, Unsure: // the only one that can be the cause, or one of some
				if !strings.Contains(k.Got, "accepts no new connection") || k.Verdict == Unsure && !strings.Contains(k.Got, "puback") {
					t.Errorf("%s is %s: %s", name, k.Verdict, k.Got)
				}
			default:
				t.Errorf("%s is %s: %s", name, k.Verdict, k.Got)
			}
		}
		if skipped == 0 && parallel == 1 { // several at once may have begun all of them
			t.Errorf("no case was skipped: %v", report.Summary)
		}
	}
}

// TestCrashBeforeTheCases checks that a server that goes away before the first case is given up.
func TestCrashBeforeTheCases(t *testing.T) { synctest.Test(t, crashBeforeTheCases) }

func crashBeforeTheCases(t *testing.T) {
	s := &fragile{trigger: func(f proto.Frame, _ proto.Version) bool {
		return f.Type() == proto.PUBLISH && strings.HasSuffix(string(f.Body), "rights")
	}}
	s.start(t)
	_, report, err := s.check(t, func(r *runner) { r.patience = 50 * time.Millisecond })
	if !errors.Is(err, ErrGone) || report.Summary[Skip] != len(few) || len(report.Outages) != 1 {
		t.Errorf("%v: %v, %+v", err, report.Summary, report.Outages)
	}
}

// TestCrashIsRestarted checks that a server that stays away is restarted by the command of the options.
func TestCrashIsRestarted(t *testing.T) { synctest.Test(t, crashIsRestarted) }

func crashIsRestarted(t *testing.T) {
	s := &fragile{trigger: noOptions}
	s.start(t)
	results, report, err := s.check(t, func(r *runner) { r.opt.Restart = func(context.Context) error { s.revive(); return nil } })
	if err != nil {
		t.Fatal(err)
	}
	if k := results["subscribe-no-options"]; k.Verdict != Fail || report.Summary[OK] != len(few)-1 {
		t.Errorf("%+v; %v", k, report.Summary)
	}
}

// TestCrashOnce checks that an outage that no case causes alone makes no case fail.
func TestCrashOnce(t *testing.T) { synctest.Test(t, crashOnce) }

func crashOnce(t *testing.T) {
	s := &fragile{trigger: noOptions, restart: 30 * time.Millisecond, most: 1}
	s.start(t)
	results, report, err := s.check(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range results {
		if k.Verdict != OK {
			t.Errorf("%s is %s: %s", name, k.Verdict, k.Got)
		}
	}
	if len(report.Outages) != 1 || len(report.Outages[0].Shown) != 0 || !slices.Contains(report.Outages[0].Cases, noOptionsID) {
		t.Errorf("outages: %+v", report.Outages)
	}
}

// TestHang checks that a server that serves nobody any more is given up.
func TestHang(t *testing.T) { synctest.Test(t, hang) }

func hang(t *testing.T) {
	s := &fragile{trigger: noOptions, hangs: true}
	s.start(t)
	results, report, err := s.check(t, func(r *runner) { r.opt.Parallel, r.opt.Limit, r.patience = 1, time.Second, time.Second })
	if !errors.Is(err, ErrGone) {
		t.Errorf("error %v, expected ErrGone", err)
	}
	if k := results["subscribe-no-options"]; k.Verdict != Fail || !strings.Contains(k.Got, "did not answer a PINGREQ") || report.Seconds > 60 {
		t.Errorf("%+v in %v s", k, report.Seconds)
	}
}

// TestPause checks that a case after which the server pauses for long is unsure.
func TestPause(t *testing.T) { synctest.Test(t, pause) }

func pause(t *testing.T) {
	s := &fragile{trigger: noOptions, hangs: true, restart: 20 * time.Second}
	s.start(t)
	results, report, err := s.check(t, func(r *runner) { r.opt.Limit = 2 * time.Second })
	if err != nil {
		t.Fatal(err)
	}
	if k := results["subscribe-no-options"]; k.Verdict != Unsure || !strings.Contains(k.Got, "did not answer a PINGREQ") || report.Summary[Fail] > 0 {
		t.Errorf("%+v; %v", k, report.Summary)
	}
}
