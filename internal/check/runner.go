package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/proto"
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
