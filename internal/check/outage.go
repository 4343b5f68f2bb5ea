package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// Bounds of the search for the case that made the server go away.
const (
	lateCrash  = 200 * time.Millisecond // a server may close a connection so long before it goes away
	probeTime  = 200 * time.Millisecond // for which the server is watched after a suspect has run
	groupSize  = 8                      // suspects that run together first
	mostRounds = 20                     // each finds one cause, or is the last but one
	aloneTwice = 2                      // how often a case must make the server go away while it runs alone
)

// recheck runs the jobs again during which the server went away. Before, it looks for the cause: a case that makes
// the server go away when it runs alone, too, fails.
func (r *runner) recheck(ctx context.Context, jobs, disturbed []*job, done chan<- *job) {
	n, everyone := 0, false // everyone: a case that sends nothing wrong may be the cause, too
	for range mostRounds {
		suspects := r.suspects(jobs, disturbed, n, everyone)
		cause := r.findCause(ctx, suspects)
		if ctx.Err() != nil {
			return
		}
		if i := slices.Index(disturbed, cause); i >= 0 {
			disturbed = slices.Delete(disturbed, i, i+1)
			done <- cause
		}
		if n = r.sentinel.count(); everyone && cause == nil {
			break
		}
		disturbed = r.runJobs(ctx, disturbed, done)
		if r.sentinel.settle(ctx, n, r.lateCrash(disturbed)) == nil {
			return
		}
		everyone = cause == nil
	}
	for _, j := range disturbed {
		if r.runJob(ctx, j) != nil && !r.sentinel.gone() {
			j.conclude(j.last, nil, Unsure, "", "the server went away each time that the case ran, and no case alone is the cause", 0)
		}
		done <- j
	}
}

// lateCrash returns how long the server is watched after jobs have ended.
func (r *runner) lateCrash(jobs []*job) time.Duration {
	for _, j := range jobs {
		if j.last != nil && time.Since(j.last.wrongAt) < lateCrash {
			return probeTime
		}
	}
	return 0
}

// suspects returns the jobs that may have caused the outages after the first n, the likeliest first: those that sent
// what breaks the standard, shortly before. With everyone, the others that were disturbed follow. It notes all in
// the outages.
func (r *runner) suspects(jobs, disturbed []*job, n int, everyone bool) (all []*job) {
	lag := make(map[*job]time.Duration)
	outages := r.sentinel.all()[n:]
	for _, j := range jobs {
		for _, o := range outages {
			if j.last == nil || j.last.closings == 0 || slices.Contains(o.Shown, j.id()) {
				continue
			}
			late := o.at.Sub(j.last.wrongAt)
			switch {
			case j.disturbed == o && j.last.wrongAt.IsZero():
				o.Cases = append(o.Cases, j.id())
				if everyone {
					lag[j] = time.Hour
				}
			case j.disturbed == o || late > -lateCrash && late < lateCrash:
				o.Cases = append(o.Cases, j.id())
				lag[j] = late.Abs()
			}
		}
		if _, ok := lag[j]; ok {
			all = append(all, j)
		}
	}
	slices.SortStableFunc(all, func(a, b *job) int { return int(lag[a]/time.Microsecond - lag[b]/time.Microsecond) })
	return all
}

// findCause returns the first job because of which the server goes away when it runs alone, or nil. Groups in which
// that does not happen are not searched.
func (r *runner) findCause(ctx context.Context, suspects []*job) *job {
	for group := range slices.Chunk(suspects, groupSize) {
		if len(group) > 1 && r.try(ctx, group) == nil {
			continue
		}
		for _, j := range group {
			began := time.Now()
			for seen := 0; ctx.Err() == nil; {
				o := r.try(ctx, []*job{j})
				if o == nil {
					break
				}
				if seen++; seen == aloneTwice || !o.Back {
					j.caused(o, time.Since(began))
					return j
				}
			}
		}
	}
	return nil
}

// try runs one attempt of each job while no others run, and returns the outage if the server goes away.
func (r *runner) try(ctx context.Context, group []*job) *Outage {
	r.sentinel.await(ctx)
	before := r.sentinel.count()
	attempts := make([]*C, len(group))
	var wait sync.WaitGroup
	for i, j := range group {
		wait.Go(func() { attempts[i] = r.attempt(ctx, j) })
	}
	wait.Wait()
	o := r.sentinel.settle(ctx, before, probeTime)
	for i, c := range attempts {
		if !r.sentinel.gone() {
			c.tidy(context.WithoutCancel(ctx), group[i])
		}
		if o != nil {
			group[i].last = c
		}
	}
	return o
}

// caused gives the job the verdict that it caused o. A server that only paused has not failed.
func (j *job) caused(o *Outage, took time.Duration) {
	expected := "the server goes on serving its other connections"
	if j.v == proto.V5 && !j.last.wrongAt.IsZero() {
		expected = "an error on one connection has no consequences for other sessions (section 4.13.1)"
	}
	o.Shown = append(o.Shown, j.id())
	verdict := Fail
	if o.hung && o.Back {
		verdict = Unsure // the standard names no time for PINGRESP
	}
	j.conclude(j.last, nil, verdict, expected, o.What, took)
}

// settle gives verdicts to the jobs without one after the server has gone for good. A job that alone can be the cause
// is it. Otherwise all that can are unsure, and say so.
func (r *runner) settle(jobs []*job) {
	outages := r.sentinel.all()
	o := outages[len(outages)-1]
	var suspects []*job
	if len(o.Shown) == 0 {
		suspects = r.suspects(jobs, nil, len(outages)-1, true)
	}
	if len(suspects) == 1 {
		suspects[0].caused(o, 0)
		suspects = nil
	}
	var names []string
	for _, j := range suspects {
		names = append(names, j.id())
	}
	const most = 5
	if n := len(names) - most; n > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", n))
	}
	for _, j := range suspects {
		if j.result.Verdict == "" || j.result.Verdict == OK { // a failure stays one
			j.conclude(j.last, nil, Unsure, "", fmt.Sprintf("%s. One of %d cases may be the cause, the likeliest first: %s", o.What, len(suspects), strings.Join(names, ", ")), 0)
		}
	}
	for _, j := range jobs {
		switch {
		case j.result.Verdict != "":
		case j.disturbed != nil:
			j.conclude(nil, nil, Skip, "", "not run again after the server had gone away: it accepts no connection any more", 0)
		default:
			j.conclude(nil, nil, Skip, "", "not run: the server accepts no connection any more", 0)
		}
	}
}

// text returns the outage as a sentence.
func (o *Outage) text() string {
	s := fmt.Sprintf("after %.1f s %s", o.After, o.What)
	switch {
	case len(o.Shown) > 0:
		s += "; the cause is " + strings.Join(o.Shown, ", ")
	case o.Back && len(o.Cases) > 0:
		s += fmt.Sprintf("; %d cases were running", len(o.Cases))
	}
	return s
}
