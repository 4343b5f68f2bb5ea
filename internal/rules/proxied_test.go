package rules_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mqtt/internal/proxy"
	"mqtt/internal/rules"
)

// patience is how long a test waits for what must happen: a busy machine is slow.
const patience = time.Minute

// stage is a proxy between a client and a server that say what a script tells them.
type stage struct {
	t       *testing.T
	version string
	near    string // address of the proxy
	far     net.Listener
	client  *net.TCPConn
	server  *net.TCPConn // nil before the first packet
	closed  int          // sides

	mu    sync.Mutex
	found []rules.Violation
	news  chan struct{}
}

// TestProxied plays the scripts of testdata/planted.txt through a proxy: it reports each violation,
// of the side that broke the rule. Right conversations pass without a report.
func TestProxied(t *testing.T) {
	planted := 0
	for _, script := range rules.Scripts(t, "planted.txt") {
		steps := strings.Fields(script[2])
		if !playable(steps) {
			continue
		}
		planted++
		if !perform(t, script[0], steps, script[1]) {
			t.Errorf("%s %s is not reported: %s", script[0], script[1], script[2])
		}
	}
	if planted < 200 {
		t.Errorf("only %d violations were planted", planted)
	}
	for _, script := range rules.Scripts(t, "right.txt") {
		if steps := strings.Fields(script[2]); playable(steps) {
			perform(t, script[0], steps, "")
		}
	}
}

// playable reports whether peers can play a script: the proxy has no faults, and begins a connection
// to the server with the client's first packet.
func playable(steps []string) bool {
	for i, s := range steps {
		if s[0] == '=' || s == "x!" || s == "+!" || len(s) > 1 && strings.Contains("?+", s[1:2]) || i == 0 && s[0] == '<' {
			return false
		}
	}
	return true
}

// perform plays a script. With a key it reports whether that violation was seen; without one, any is
// an error.
func perform(t *testing.T, version string, steps []string, key string) (seen bool) {
	t.Helper()
	s := &stage{t: t, version: version, news: make(chan struct{}, 1)}
	var err error
	if s.far, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.far.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.near = l.Addr().String()
	p := proxy.New(proxy.Options{
		Rules: true, Violation: s.violation,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.far.Addr().String())
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { p.Serve(ctx, l) }) // ends with ctx
	defer func() { s.hangUp(); cancel(); p.Close(); serving.Wait() }()
	for i, step := range steps {
		if key != "" && i == len(steps)-1 {
			who := rules.Client
			if strings.Contains(step, "<") {
				who = rules.Server
			}
			return s.step(step) && s.await(who, key)
		}
		if !s.step(step) {
			t.Errorf("%s %q stops at %s: %v", version, steps, step, s.found)
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.found {
		t.Errorf("%s %q: the %s is blamed for %s: %s", version, steps, v.Broken, v.Name(), v.Got)
	}
	return false
}

func (s *stage) violation(_ proxy.Source, v rules.Violation) {
	s.mu.Lock()
	s.found = append(s.found, v)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// await waits until a side is blamed for a rule.
func (s *stage) await(who rules.Role, key string) bool {
	late := time.After(patience)
	for {
		s.mu.Lock()
		for _, v := range s.found {
			if v.Broken == who && v.Is(key) {
				s.mu.Unlock()
				return true
			}
		}
		s.mu.Unlock()
		select {
		case <-s.news:
		case <-late:
			return false
		}
	}
}

// step plays one step, and waits until it has reached the other side.
func (s *stage) step(step string) bool {
	if step[0] == 'x' {
		from, to := s.client, s.server
		if step == "x<" {
			from, to = to, from
		}
		from.CloseWrite()
		s.closed++
		n, err := to.Read(make([]byte, 1))
		if n > 0 || err != io.EOF {
			return false
		}
		return true
	}
	b := rules.Assemble(s.t, s.version, strings.TrimLeft(step, "<>!"))
	if step[0] == '>' && (s.client == nil || s.closed == 2) {
		s.hangUp()
		conn, err := net.Dial("tcp", s.near)
		if err != nil {
			s.t.Fatal(err)
		}
		s.client = conn.(*net.TCPConn)
	}
	from, to := s.client, s.server
	if step[0] == '<' {
		from, to = to, from
	}
	from.Write(b)
	if to == nil {
		conn, err := s.far.Accept()
		if err != nil {
			s.t.Fatal(err)
		}
		s.server = conn.(*net.TCPConn)
		to = s.server
	}
	to.SetReadDeadline(time.Now().Add(patience))
	_, err := io.ReadFull(to, make([]byte, len(b)))
	return err == nil
}

// hangUp ends the connection.
func (s *stage) hangUp() {
	for _, c := range []*net.TCPConn{s.client, s.server} {
		if c != nil {
			c.Close()
		}
	}
	s.client, s.server, s.closed = nil, nil, 0
}
