package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// Limits of a run.
const (
	defaultLimit    = 5 * time.Second
	defaultParallel = 64
	dialAtOnce      = 16               // connections that are being opened at a time
	caseLimit       = 60 * time.Second // for one attempt
	defaultRepeats  = 2                // of a failure
	defaultSlack    = 5 * time.Second  // beyond the time limits of the standard
	defaultResend   = 40 * time.Second // for what is sent again after a reconnect: timers of servers are up to 30 s
)

// ErrNoCase is returned if the selectors select nothing.
var ErrNoCase = errors.New("no case has that rule, section or name")

// runner holds what the attempts of a run share.
type runner struct {
	opt      Options
	dialing  chan struct{}
	number   atomic.Uint64   // of the last attempt
	client   *ClientOptions  // nil if a server is checked
	tracing  sync.Mutex      // held while opt.Trace is called
	slack    time.Duration   // beyond the time limits of the standard
	resend   time.Duration   // for what is sent again after a reconnect
	repeats  int             // of a failure
	patience time.Duration   // for a server to come back
	sentinel *sentinel       // nil if a client is checked, and before and after the cases
	found    func() []*Found // instead of looking, in tests; nil otherwise
}

// job is a case in one version.
type job struct {
	k      *Case
	v      proto.Version
	found  *Found
	result Result

	last      *C      // the last attempt
	disturbed *Outage // during which it ran; nil if there was none
}

// Run checks a server. It returns an error if the server cannot be reached, speaks no version that was
// asked for, or if no case is selected. When ctx is done, it cleans up and returns what it has, with
// the context's error.
func Run(ctx context.Context, opt Options) (*Report, error) { return newRunner(opt).run(ctx) }

func (r *runner) run(ctx context.Context) (*Report, error) {
	opt := r.opt
	began := time.Now()
	report := &Report{Schema: Schema, Started: began.UTC(), Server: Server{URL: opt.URL}, Cases: []Result{}}
	if err := checkSelected(Cases(), opt.Selectors); err != nil {
		return nil, err
	}
	var found []*Found
	var err error
	if r.found != nil {
		found = r.found()
	} else if found, err = r.discover(ctx); err != nil {
		return nil, err
	}
	jobs := r.plan(found, &report.Server)
	if len(jobs) == 0 {
		return nil, ErrNoCase
	}
	report.Outages = r.runAll(ctx, jobs, began)
	for _, j := range jobs {
		if j.result.Verdict != "" {
			report.Cases = append(report.Cases, j.result)
		}
	}
	report.Seconds = time.Since(began).Seconds()
	report.count()
	if err := ctx.Err(); err != nil {
		return report, err
	}
	if n := len(report.Outages); n > 0 && !report.Outages[n-1].Back {
		return report, ErrGone
	}
	if r.found == nil && r.gone(ctx, jobs[len(jobs)-1]) {
		return report, ErrGone
	}
	return report, nil
}

// ErrGone is returned with the report if the server accepts no connection after the run.
var ErrGone = errors.New("the server accepts no connection any more")

// gone reports whether the server accepts no connection any more.
func (r *runner) gone(ctx context.Context, j *job) bool {
	limited, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	c := r.newC(limited, j)
	c.script(0, func(c *C) {
		if _, err := c.Open().read(10 * time.Millisecond); err == io.EOF {
			c.Unsure("the server closes a connection at once")
		}
	})
	return c.verdict != OK
}

// newRunner returns a runner with the defaults of opt filled in.
func newRunner(opt Options) *runner {
	if opt.Limit == 0 {
		opt.Limit = defaultLimit
	}
	if opt.Parallel == 0 {
		opt.Parallel = defaultParallel
	}
	if opt.Name == "" {
		opt.Name = strings.ToLower(rand.Text()[:5])
	}
	return &runner{
		opt: opt, dialing: make(chan struct{}, dialAtOnce), slack: defaultSlack, resend: defaultResend, repeats: defaultRepeats,
		patience: patience * opt.Limit,
	}
}

// checkSelected rejects a selector that selects no case in any version.
func checkSelected(cases []*Case, selectors []string) error {
	for _, s := range selectors {
		one := []string{s}
		if !slices.ContainsFunc(cases, func(k *Case) bool {
			return k.matches(one, proto.V5) || k.matches(one, proto.V311) || k.matches(one, proto.V31)
		}) {
			return fmt.Errorf("%q: %w", s, ErrNoCase)
		}
	}
	return nil
}

// plan returns the jobs of a run, in the order of the report.
func (r *runner) plan(found []*Found, server *Server) (jobs []*job) {
	for _, f := range found {
		server.Versions = append(server.Versions, VersionName(f.Version))
		server.Facts = append(server.Facts, f.Facts...)
		for _, k := range Cases() {
			if k.matches(r.opt.Selectors, f.Version) && (r.opt.Harsh || !k.Harsh) {
				jobs = append(jobs, &job{k: k, v: f.Version, found: f})
			}
		}
	}
	sortJobs(jobs)
	return jobs
}

// sortJobs sorts jobs by version and section.
func sortJobs(jobs []*job) {
	slices.SortStableFunc(jobs, func(a, b *job) int {
		if a.v != b.v {
			return int(b.v) - int(a.v)
		}
		x, _, _ := a.k.place(a.v)
		y, _, _ := b.k.place(b.v)
		return compareSections(x, y)
	})
}

// runAll runs all jobs, several at a time. Those during which the server went away are run again after the others. Those
// that receive the messages of the others, and those that restart the server, come last, one after the other. It returns
// what the sentinel saw.
func (r *runner) runAll(parent context.Context, jobs []*job, began time.Time) []*Outage {
	ctx, giveUp := context.WithCancel(parent)
	defer giveUp()
	var watched, restarting []*job
	for _, j := range jobs {
		if j.k.Needs&NeedRestart != 0 && r.opt.Restart != nil {
			restarting = append(restarting, j)
		} else {
			watched = append(watched, j)
		}
	}
	done := make(chan *job)
	finished := make(chan struct{})
	go func() { // ends when done is closed
		defer close(finished)
		n := 0
		for j := range done {
			n++
			if r.opt.Progress != nil && j.result.Verdict != "" {
				r.opt.Progress(n, len(jobs), &j.result)
			}
		}
	}()
	if r.client == nil {
		r.sentinel = r.watch(ctx, jobs[0].found, began, giveUp)
	}
	disturbed := r.runJobs(ctx, watched, done)
	if s := r.sentinel; s.settle(ctx, 0, r.lateCrash(watched)) != nil && !s.gone() {
		r.recheck(ctx, watched, disturbed, done)
	}
	r.sentinel.close()
	gone := r.sentinel.gone()
	if gone {
		r.settle(jobs)
	}
	for _, j := range restarting {
		if !gone && parent.Err() == nil {
			r.runJob(parent, j)
			done <- j
		}
	}
	close(done)
	<-finished
	return r.sentinel.all()
}

// runJobs runs jobs, several at a time, and after them one by one those that receive the messages of the others. It
// returns those during which the server went away.
func (r *runner) runJobs(ctx context.Context, jobs []*job, done chan<- *job) (disturbed []*job) {
	var together, alone []*job
	for _, j := range jobs {
		if j.k.Alone {
			alone = append(alone, j)
		} else {
			together = append(together, j)
		}
	}
	disturbed = r.runTogether(ctx, together, r.opt.Parallel, done)
	return append(disturbed, r.runTogether(ctx, alone, 1, done)...)
}

// runTogether runs jobs, at most n at a time. It returns those during which the server went away, in their order.
func (r *runner) runTogether(ctx context.Context, jobs []*job, n int, done chan<- *job) (disturbed []*job) {
	queue := make(chan *job)
	var wait sync.WaitGroup
	for range min(n, len(jobs)) {
		wait.Go(func() { // ends when the queue is closed
			for j := range queue {
				r.sentinel.await(ctx)
				if ctx.Err() == nil {
					j.disturbed = r.runJob(ctx, j)
				}
				if j.disturbed == nil {
					done <- j
				}
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	wait.Wait()
	for _, j := range jobs {
		if j.disturbed != nil {
			disturbed = append(disturbed, j)
		}
	}
	return disturbed
}

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

// compareSections compares section numbers such as 3.8.4 and 3.10.
func compareSections(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			if len(x[i]) != len(y[i]) {
				return len(x[i]) - len(y[i])
			}
			return strings.Compare(x[i], y[i])
		}
	}
	return len(x) - len(y)
}
