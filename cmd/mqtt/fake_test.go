package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mqtt/internal/proto"
)

// A fake server follows a script, a step a line, and fails at the first thing that is otherwise:
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
// A script that was not followed to its end fails the test; faked only waits for that. What the other side sends beyond the script is not looked at: it fails only when a step meets it. In a script of
// more than one connection each accept closes the one before.
type fake struct {
	l    net.Listener
	done chan error // what run returned

	mu sync.Mutex
	c  net.Conn // the connection of the moment
}

// close ends the goroutine of run, whatever it waits for.
func (f *fake) close() {
	f.l.Close()
	f.hold(nil)
}

// hold closes the connection of the moment and takes another one.
func (f *fake) hold(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.c != nil {
		f.c.Close()
	}
	f.c = c
}

// apart is the port that was given out last.
var apart atomic.Int32

// listenApart listens on a port that nobody had before, and that the system gives to nobody by itself: a client of
// another script that still looks for a server which is gone must not find this one.
func listenApart() (net.Listener, error) {
	apart.CompareAndSwap(0, int32(20000+os.Getpid()*97%6000))
	for range 2000 {
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(int(apart.Add(1)))); err == nil {
			return l, nil
		}
	}
	return nil, errors.New("no port is free from 20000 on")
}

func cmdFake(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "fake FILE")
	steps, err := fakeSteps(ts.ReadFile(args[0]))
	ts.Check(err)
	l, err := listenApart()
	ts.Check(err)
	w := worldOf(ts)
	if w.fake != nil {
		cmdFaked(ts, false, nil)
	}
	w.fake = &fake{l: l, done: make(chan error, 1)}
	ts.Setenv("PORT", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	go func(f *fake) { f.done <- f.run(args[0], steps) }(w.fake)
}

func cmdFaked(ts *testscript.TestScript, neg bool, args []string) {
	f := worldOf(ts).fake
	need(ts, neg, len(args) == 0 && f != nil, "faked (behind fake)")
	select {
	case err := <-f.done:
		f.done <- nil // for those who ask again
		ts.Check(err)
	case <-time.After(patience):
		ts.Fatalf("the script of the fake server was not followed to its end")
	}
}

// fakeStep is a line of a fake server's script.
type fakeStep struct {
	line  int
	verb  string
	kind  proto.Type // of expect, 0 for bytes
	eof   bool
	id    bool
	bytes []int // -1 is any byte
	open  bool  // anything may follow
}

func fakeSteps(text string) ([]fakeStep, error) {
	var steps []fakeStep
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		s := fakeStep{line: i + 1, verb: verb}
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
		steps = append([]fakeStep{{verb: "accept"}}, steps...)
	}
	return steps, nil
}

// words reads hex, quoted text and names.
func (s *fakeStep) words(rest string) error {
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
func (f *fake) run(name string, steps []fakeStep) error {
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
				err = c.SetDeadline(time.Now().Add(patience))
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
func (s *fakeStep) expect(r *bufio.Reader, last []byte) ([]byte, error) {
	b, err := readPacket(r)
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

func readPacket(r *bufio.Reader) ([]byte, error) {
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

// identifier finds the packet identifier in a packet: behind the topic of a PUBLISH, at the start of the others.
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

// body is where a packet goes on behind its remaining length.
func body(b []byte) int {
	at := 1
	for at < len(b) && b[at] >= 0x80 {
		at++
	}
	return at + 1
}
