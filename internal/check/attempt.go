package check

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// runJob runs a case, again if it fails. If the server goes away meanwhile, the case gets no verdict, and the
// outage is returned.
func (r *runner) runJob(ctx context.Context, j *job) *Outage {
	began := time.Now()
	_, ids, _ := j.k.place(j.v)
	j.result = Result{}
	c, o := r.watched(ctx, j)
	if o != nil {
		return o
	}
	for n := 0; n < r.repeats && c.unsatisfied() && !c.final && ctx.Err() == nil; n++ {
		again, o := r.watched(ctx, j)
		if o != nil {
			return o
		}
		if again.unsatisfied() {
			continue
		}
		c.got += fmt.Sprintf(" (attempt %d; attempt %d: %s)", n+1, n+2, strings.TrimSpace(string(again.verdict)+" "+again.got))
		if c.verdict = Flaky; again.verdict == Unsure {
			c.verdict = Unsure // perhaps the server cannot be reached any more
		}
		break
	}
	if ctx.Err() != nil && c.verdict != OK {
		return nil // an interrupted case has no verdict
	}
	if c.verdict == Fail || c.verdict == Flaky {
		ids = c.rules(ids)
	}
	j.conclude(c, ids, c.verdict, c.expected, c.got, time.Since(began))
	return nil
}

// watched runs one attempt and cleans up after it. It returns the outage if the server went away meanwhile: then
// the verdict of the attempt says nothing.
func (r *runner) watched(ctx context.Context, j *job) (*C, *Outage) {
	before := r.sentinel.count()
	c := r.attempt(ctx, j)
	j.last = c
	var o *Outage
	if c.verdict != OK || c.closings > 0 {
		o = r.sentinel.since(before)
	}
	if len(c.cleanup) > 0 && !r.sentinel.gone() {
		c.tidy(context.WithoutCancel(ctx), j)
		if o == nil {
			o = r.sentinel.since(before)
		}
	}
	c.peers, c.sessions = nil, nil // the job is kept until the end of the run
	return c, o
}

// conclude sets the result of the job, with the evidence of c.
func (j *job) conclude(c *C, ids []string, v Verdict, expected, got string, took time.Duration) {
	section, _, _ := j.k.place(j.v)
	j.result = Result{
		ID: j.id(), Rules: append([]string{}, ids...), Version: VersionName(j.v), Section: section, Title: j.k.Title,
		Verdict: v, Expected: expected, Got: got, Packets: []Packet{}, Seconds: took.Seconds(),
	}
	if j.result.Expected == "" {
		j.result.Expected = j.k.Title
	}
	if c == nil {
		return
	}
	j.result.Packets = append(j.result.Packets, c.packets...)
	if c.lost > 0 {
		j.result.Packets = append(j.result.Packets, Packet{Time: c.now(), Text: fmt.Sprintf("and %d more packets", c.lost)})
	}
}

// id returns the ID of the case: VERSION/SECTION/NAME.
func (j *job) id() string {
	section, _, _ := j.k.place(j.v)
	return VersionName(j.v) + "/" + section + "/" + j.k.Name
}

// unsatisfied reports whether the verdict is repeated.
func (c *C) unsatisfied() bool { return c.verdict == Fail || c.verdict == Warn }

// attempt runs the script of a job once.
func (r *runner) attempt(ctx context.Context, j *job) (c *C) {
	defer func() { c.judge(j) }()
	if r.client != nil {
		return r.clientAttempt(ctx, j, nil)
	}
	limited, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	c = r.newC(limited, j)
	c.script(j.k.Needs, j.k.Run)
	c.doubt(limited, j)
	return c
}

// judge makes a verdict of what the script and the observer found.
func (c *C) judge(j *job) {
	if (j.k.Should || j.k.Should31 && j.v == proto.V31) && c.verdict == Fail {
		c.verdict = Warn
	}
	if len(c.broken) > 0 && c.verdict != Fail {
		c.verdict, c.expected, c.got, c.observed = Fail, "a conversation that breaks no rule", c.broken[0].text, true
	}
}

// rules returns the rules of a failure: those that the script showed, unless the observer alone found it, and
// those that the observer saw broken.
func (c *C) rules(ids []string) []string {
	all := []string{}
	switch {
	case c.observed:
	case c.shows != nil:
		all = append(all, c.shows...)
	default:
		all = append(all, ids...)
	}
	for _, b := range c.broken {
		for _, rule := range b.rules {
			if !slices.Contains(all, rule) {
				all = append(all, rule)
			}
		}
	}
	return all
}

func (r *runner) newC(ctx context.Context, j *job) *C {
	number := r.number.Add(1)
	return &C{
		Version: j.v, Server: j.found, ctx: ctx, r: r, k: j.k, began: time.Now(),
		topics:  fmt.Sprintf("mqtt-check/%s/%d/", r.opt.Name, number),
		ids:     fmt.Sprintf("mc%s%d", r.opt.Name, number),
		subject: rules.Server, sessions: rules.NewSessions(), verdict: OK,
	}
}

// script runs f until it ends, and closes its connections.
func (c *C) script(needs Needs, f func(c *C)) {
	defer func() {
		if e := recover(); e != nil {
			if _, ok := e.(ended); !ok {
				panic(e)
			}
		}
		c.leave()
	}()
	c.need(needs)
	f(c)
}

// dial opens a connection. It tries again for a moment: a server that is busy may refuse one.
func (r *runner) dial(ctx context.Context, v proto.Version) (net.Conn, error) {
	r.dialing <- struct{}{}
	defer func() { <-r.dialing }()
	pause := 20 * time.Millisecond
	for {
		conn, err := r.opt.Dial(ctx, v)
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return nil, err
		}
	}
}
