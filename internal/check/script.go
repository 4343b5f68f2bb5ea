package check

import (
	"context"
	"fmt"
	"net"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// C is one attempt at a case. Its methods and those of its peers end the script when the verdict is
// clear. It belongs to one goroutine.
type C struct {
	Version proto.Version
	Server  *Found // what the server is capable of in this version

	ctx      context.Context
	r        *runner
	k        *Case
	topics   string     // what the topics of the attempt begin with
	ids      string     // what its client identifiers begin with
	subject  rules.Role // who is checked
	began    time.Time
	peers    []*Peer
	sessions *rules.Sessions
	packets  []Packet
	lost     int       // packets that the evidence has no room for
	closings int       // connections that the other side has closed
	wrongAt  time.Time // when the script last sent what breaks the standard; zero if it did not
	keeps    bool      // the server may keep something after the script
	cleanup  []func(c *C)

	listener *net.TCPListener // where a client connects to; nil if a server is checked
	over     <-chan struct{}  // closed when the client's command has ended

	verdict       Verdict
	final         bool // a failure that took long is not repeated
	expected, got string
	broken        []breach // statements that the observer found broken
	observed      bool     // the verdict is the observer's, and not the script's
	silent        bool     // the last read of a packet has brought nothing
	shows         []string // the rules that the script shows now; nil means those of the case
}

// breach is a statement that the observer found broken.
type breach struct {
	rules     []string
	statement string // with its section if it has no number
	text      string // with what was received
}

// ended is what a script panics with when its verdict is clear.
type ended struct{}

// end sets the verdict and ends the script.
//
//go:noinline
func (c *C) end(v Verdict, expected, format string, args []any) {
	c.verdict, c.expected, c.got = v, expected, fmt.Sprintf(format, args...)
	panic(ended{})
}

// Fail ends the script: the server did not do what was expected.
//
//go:noinline
func (c *C) Fail(expected, format string, args ...any) {
	c.end(Fail, expected, format, args)
}

// FailRule is like Fail, for a failure of another rule than those of the case.
func (c *C) FailRule(rule, expected, format string, args ...any) {
	c.observed = true
	c.broken = append(c.broken, breach{rules: []string{rule}})
	c.Fail(expected, format, args...)
}

// Shows says that what follows shows other rules than those of the case.
func (c *C) Shows(rules ...string) { c.shows = rules }

// broke notes that the server broke a rule, or with "" a statement without a number. The script continues, and
// the case fails.
func (c *C) broke(rule, text string) {
	b := breach{text: text}
	if rule != "" {
		b.rules = []string{rule}
	}
	c.broken = append(c.broken, b)
}

// Choice ends the script: the standard leaves it open, and the server does what the text says.
func (c *C) Choice(format string, args ...any) { c.end(Choice, "", format, args) }

// Skip ends the script: the server lacks a capability. The text says which, and how that was found.
func (c *C) Skip(format string, args ...any) { c.end(Skip, "", format, args) }

// Unsure ends the script: it could not be shown. The text says why.
func (c *C) Unsure(format string, args ...any) { c.end(Unsure, "", format, args) }

// Warn notes that the server does not follow a SHOULD, and continues. Only the first is kept.
func (c *C) Warn(expected, format string, args ...any) {
	if c.verdict == OK {
		c.verdict, c.expected, c.got = Warn, expected, fmt.Sprintf(format, args...)
	}
}

// Topic returns a topic name that no other case uses, and no other attempt. s is its last part.
//
//go:noinline
func (c *C) Topic(s string) string { return c.topics + s }

// ID returns a client identifier that no other case uses. It has at most 23 characters, as MQTT 3.1
// demands, if s has at most 5.
func (c *C) ID(s string) string { return c.ids + s }

// V5 reports whether the version is 5.0.
func (c *C) V5() bool { return c.Version == proto.V5 }

// After calls f when the case has ended, with an attempt that may open connections. f removes what the
// case left on the server.
func (c *C) After(f func(c *C)) { c.keeps, c.cleanup = true, append(c.cleanup, f) }

// Sleep waits, for what happens after a time by the standard. It never proves an absence.
func (c *C) Sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.ctx.Done():
		c.Unsure("the run was interrupted")
	}
}

// who returns the name of who is checked.
func (c *C) who() string {
	if c.subject == rules.Client {
		return "the client"
	}
	return "the server"
}

// need ends the script if the server lacks a capability.
func (c *C) need(n Needs) {
	if why := c.Server.lacks(n); why != "" {
		c.Skip("%s", why)
	}
	opt := &c.r.opt
	switch {
	case n&NeedSecondUser != 0 && opt.SecondUser == nil:
		c.Skip("needs a second user (--second-user)")
	case n&NeedDeniedTopic != 0 && opt.DeniedTopic == "":
		c.Skip("needs a topic that the user may not publish to (--denied-topic)")
	case n&NeedRestart != 0 && opt.Restart == nil:
		c.Skip("needs a command that restarts the server (--restart)")
	}
}

// Need ends the script as skipped if the server lacks a capability.
func (c *C) Need(n Needs) { c.need(n) }
