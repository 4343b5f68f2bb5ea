package cmdtest

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// Fake is a server that follows a script, one step per line, and fails at the first difference:
//
//	# a comment
//	accept                wait for the next connection (the first step is one, if it is not written)
//	expect CONNECT        one packet of that type, whatever it holds
//	expect 30 05 00 01 "a" .. 00
//	                      one whole packet of these bytes; text in quotes, .. is any byte, ... any bytes up to the end
//	expect eof            the other side closes
//	send 20 02 00 00      bytes, which need not be one packet
//	connack               send the CONNACK of success of the version that the CONNECT had
//	send id 40 02         send 40 02 and the packet identifier of the packet expected last
//	silence               take what comes until the other side closes, and say nothing
//	close                 close the connection
//	reset                 close it so that the other side gets an error
//
// What the client sends beyond the script is not read: it fails only where a step meets it. In a
// script of several connections each accept closes the one before.
type Fake struct {
	Server

	l    net.Listener
	done chan struct{} // closed when run has returned
	err  error         // what run returned

	mu sync.Mutex
	c  net.Conn // the current connection
}

// StartFake starts a server that follows a script. The test fails if the script is not followed to
// its end.
func StartFake(t testing.TB, script string) *Fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Follow(l, "script", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		if f.err != nil {
			t.Errorf("fake server: %v", f.err)
		}
	})
	return f
}

// Follow starts a server on l. name is the script's, for errors. The goroutine ends with the
// script, or with Close.
func Follow(l net.Listener, name, script string) (*Fake, error) {
	steps, err := parseSteps(script)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := &Fake{Server: newServer(l.Addr()), l: l, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.err = f.run(name, steps)
	}()
	return f, nil
}

// Wait waits until the script was followed, and returns its error. It is an error if that takes
// longer than Patience.
func (f *Fake) Wait() error {
	select {
	case <-f.done:
		return f.err
	case <-time.After(Patience):
		return errors.New("the script of the fake server was not followed to its end")
	}
}

// Close closes the server, whatever step it is at, and returns the error of its script.
func (f *Fake) Close() error {
	select {
	case <-f.done:
	default:
		f.l.Close()
		f.hold(nil)
		<-f.done
	}
	return f.err
}

// hold closes the current connection and makes c the current one.
func (f *Fake) hold(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.c != nil {
		f.c.Close()
	}
	f.c = c
}

// step is one line of a script.
type step struct {
	line  int
	verb  string
	kind  proto.Type // of expect, 0 for bytes
	eof   bool
	id    bool
	bytes []int // -1 is any byte
	open  bool  // anything may follow
}

func parseSteps(text string) ([]step, error) {
	var steps []step
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		s := step{line: i + 1, verb: verb}
		switch verb {
		case "accept", "connack", "close", "reset", "silence":
			if rest != "" {
				return nil, fmt.Errorf("line %d: %s stands alone", s.line, verb)
			}
		case "expect", "send":
			if err := s.words(rest); err != nil {
				return nil, fmt.Errorf("line %d: %w", s.line, err)
			}
		default:
			return nil, fmt.Errorf("line %d: no step named %q", s.line, verb)
		}
		steps = append(steps, s)
	}
	if len(steps) > 0 && steps[0].verb != "accept" {
		steps = append([]step{{verb: "accept"}}, steps...)
	}
	return steps, nil
}

// words reads hex, quoted text and names.
func (s *step) words(rest string) error {
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		if rest[0] == '"' {
			text, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return err
			}
			rest = rest[len(text):]
			if text, err = strconv.Unquote(text); err != nil {
				return err
			}
			for i := range len(text) {
				s.bytes = append(s.bytes, int(text[i]))
			}
			continue
		}
		word, more, _ := strings.Cut(rest, " ")
		rest = more
		switch {
		case word == "..":
			s.bytes = append(s.bytes, -1)
		case word == "...":
			s.open = true
		case word == "eof":
			s.eof = true
		case word == "id":
			s.id = true
		case typeNamed(word) != 0:
			s.kind = typeNamed(word)
		default:
			b, err := hex.DecodeString(word)
			if err != nil {
				return err
			}
			for _, c := range b {
				s.bytes = append(s.bytes, int(c))
			}
		}
	}
	if s.verb == "expect" && !s.eof && s.kind == 0 && len(s.bytes) == 0 {
		return errors.New("expect what?")
	}
	return nil
}

func typeNamed(name string) proto.Type {
	for t := proto.CONNECT; t <= proto.AUTH; t++ {
		if t.String() == name {
			return t
		}
	}
	return 0
}

// run follows the steps.
func (f *Fake) run(name string, steps []step) error {
	defer f.l.Close()
	defer f.hold(nil)
	var c net.Conn
	var r *bufio.Reader
	var last []byte
	for _, s := range steps {
		at := func(err error) error { return fmt.Errorf("%s:%d: %s: %w", name, s.line, s.verb, err) }
		var err error
		switch s.verb {
		case "accept":
			f.hold(nil)
			if c, err = f.l.Accept(); err == nil {
				f.hold(c)
				r = bufio.NewReader(c)
				err = c.SetDeadline(time.Now().Add(Patience))
			}
		case "expect":
			last, err = s.expect(r, last)
		case "send":
			b := make([]byte, 0, len(s.bytes)+2)
			for _, n := range s.bytes {
				b = append(b, byte(n))
			}
			if s.id {
				b = append(b, identifier(last)...)
			}
			_, err = c.Write(b)
		case "connack":
			b := []byte{0x20, 2, 0, 0}
			if at := body(last); len(last) > at+6 && last[at+1] == 4 && last[at+6] == 5 { // 00 04 "MQTT" 05
				b = []byte{0x20, 3, 0, 0, 0}
			}
			_, err = c.Write(b)
		case "silence":
			_, err = io.Copy(io.Discard, r)
		case "close":
			err = c.Close()
		case "reset":
			if err = c.(*net.TCPConn).SetLinger(0); err == nil {
				err = c.Close()
			}
		}
		if err != nil {
			return at(err)
		}
	}
	return nil
}

// expect reads one packet and compares it.
func (s *step) expect(r *bufio.Reader, last []byte) ([]byte, error) {
	b, err := ReadPacket(r)
	if s.eof {
		if err == nil {
			return b, fmt.Errorf("got % x", b)
		}
		return last, nil
	}
	if err != nil {
		return nil, err
	}
	if s.kind != 0 && proto.Type(b[0]>>4) != s.kind {
		return nil, fmt.Errorf("got % x", b)
	}
	if s.kind != 0 {
		return b, nil
	}
	if len(b) < len(s.bytes) || len(b) > len(s.bytes) && !s.open {
		return nil, fmt.Errorf("got % x", b)
	}
	for i, n := range s.bytes {
		if n >= 0 && int(b[i]) != n {
			return nil, fmt.Errorf("byte %d: got % x", i, b)
		}
	}
	return b, nil
}

// ReadPacket reads one packet.
func ReadPacket(r *bufio.Reader) ([]byte, error) {
	first, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	b := []byte{first}
	n := 0
	for shift := 0; ; shift += 7 {
		c, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		b = append(b, c)
		n |= int(c&0x7F) << shift
		if c < 0x80 || shift == 21 {
			break
		}
	}
	at := len(b)
	b = append(b, make([]byte, n)...)
	_, err = io.ReadFull(r, b[at:])
	return b, err
}

// identifier finds the packet identifier in a packet: after the topic of a PUBLISH, at the start
// of the others.
func identifier(b []byte) []byte {
	at := body(b)
	if len(b) > at+1 && b[0]>>4 == byte(proto.PUBLISH) {
		at += 2 + int(b[at])<<8 + int(b[at+1])
	}
	if at+2 > len(b) {
		return nil
	}
	return b[at : at+2]
}

// body is where the body of a packet begins, after its remaining length.
func body(b []byte) int {
	at := 1
	for at < len(b) && b[at] >= 0x80 {
		at++
	}
	return at + 1
}
