package check

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// ClientOptions say how to check a client.
type ClientOptions struct {
	// Command runs the client with these variables in its environment until it ends by itself, or
	// ctx is done. Its exit status is not judged; the error says that it could not be run.
	Command   func(ctx context.Context, variables []string) error
	Versions  []proto.Version            // which a client may have; empty means all
	Selectors []string                   // rules, sections and names of cases; empty means all
	Wait      time.Duration              // for the client to do something; 0 means 5 s
	Parallel  int                        // commands at a time; 0 means 4
	Name      string                     // as in Options
	Trace     func(id string, p *Packet) // as in Options
	Progress  func(done, of int, r *Result)
}

// ErrNoConnection is returned if the command made no connection in the first case.
var ErrNoConnection = errors.New("the command made no connection: it gets MQTT_URL, MQTT_HOST and MQTT_PORT")

// RunClient checks a client: it runs the command once for each case, and is the server for it.
func RunClient(ctx context.Context, opt ClientOptions) (*Report, error) {
	if opt.Wait == 0 {
		opt.Wait = defaultLimit
	}
	if opt.Parallel == 0 {
		opt.Parallel = 4
	}
	if err := checkSelected(ClientCases(), opt.Selectors); err != nil {
		return nil, err
	}
	r := newRunner(Options{Limit: opt.Wait, Name: opt.Name, Trace: opt.Trace})
	r.client = &opt
	began := time.Now()
	version, fact, err := r.clientVersion(ctx)
	if err != nil {
		return nil, err
	}
	if len(opt.Versions) > 0 && !slices.Contains(opt.Versions, version) {
		return nil, &RefusedError{Why: "the client connects with MQTT " + VersionName(version)}
	}
	found := &Found{Version: version}
	selectors := opt.Selectors
	if fact != nil {
		found.Facts, selectors = []Fact{*fact}, []string{"conversation"}
	}
	var jobs []*job
	for _, k := range ClientCases() {
		if k.matches(selectors, version) {
			jobs = append(jobs, &job{k: k, v: version, found: found})
		}
	}
	if len(jobs) == 0 {
		return nil, ErrNoCase
	}
	sortJobs(jobs)
	r.clientJobs(ctx, jobs)
	report := &Report{Schema: Schema, Started: began.UTC(), Server: Server{Versions: []string{VersionName(version)}, Facts: found.Facts}, Cases: []Result{}}
	for _, j := range jobs {
		if j.result.Verdict != "" {
			report.Cases = append(report.Cases, j.result)
		}
	}
	report.Seconds = time.Since(began).Seconds()
	report.count()
	return report, ctx.Err()
}

// clientJobs runs all jobs, several at a time.
func (r *runner) clientJobs(ctx context.Context, jobs []*job) {
	queue := make(chan *job)
	var mu sync.Mutex
	var wait sync.WaitGroup
	done := 0
	for range min(r.client.Parallel, len(jobs)) {
		wait.Go(func() { // ends when the queue is closed
			for j := range queue {
				if ctx.Err() != nil {
					continue
				}
				r.runJob(ctx, j)
				mu.Lock()
				done++
				if r.client.Progress != nil && j.result.Verdict != "" {
					r.client.Progress(done, len(jobs), &j.result)
				}
				mu.Unlock()
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	wait.Wait()
}

// clientVersion runs the command once, to see which version it connects with. A client whose first packet breaks the
// standard cannot be served: the fact says so, and the version is the one that the packet seems to have.
func (r *runner) clientVersion(ctx context.Context) (proto.Version, *Fact, error) {
	var version proto.Version
	var why error
	c := r.clientAttempt(ctx, &job{k: &Case{Name: "version", Run: func(c *C) {
		version = c.Accept().v
	}}, v: proto.V5, found: &Found{}}, &why)
	switch {
	case ctx.Err() != nil:
		return 0, nil, ctx.Err()
	case why != nil:
		return 0, nil, why
	case version == 0 && c.verdict == Fail && len(c.packets) > 0 && c.packets[0].Hex != "":
		version = levelOf(c.packets[0].Hex)
		return version, &Fact{VersionName(version), "cases", "conversation", "the first packet of the client breaks the standard: " + c.got}, nil
	case version == 0 && c.verdict != Skip && c.got != "":
		return 0, nil, errors.New(c.got)
	case version == 0:
		return 0, nil, ErrNoConnection
	}
	return version, nil, nil
}

// levelOf returns the version of a packet in hex that should be a CONNECT; 5.0 if it cannot be seen.
func levelOf(text string) proto.Version {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 || proto.Type(b[0]>>4) != proto.CONNECT {
		return proto.V5
	}
	for b = b[1:]; len(b) > 0 && b[0] >= 0x80; {
		b = b[1:]
	}
	if len(b) < 3 {
		return proto.V5
	}
	name := int(b[1])<<8 | int(b[2])
	if b = b[3:]; len(b) <= name {
		return proto.V5
	}
	switch v := proto.Version(b[name]); v {
	case proto.V31, proto.V311:
		return v
	}
	return proto.V5
}

// clientAttempt runs the command and the script of a job as its server. why receives the error of a
// command that could not be run.
func (r *runner) clientAttempt(ctx context.Context, j *job, why *error) *C {
	limited, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	c := r.newC(limited, j)
	c.subject = rules.Client
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.verdict, c.got = Unsure, err.Error()
		return c
	}
	c.listener = l.(*net.TCPListener)
	port := strconv.Itoa(c.listener.Addr().(*net.TCPAddr).Port)
	running, stop := context.WithCancel(limited)
	over := make(chan struct{})
	c.over = over
	go func() { // ends with the command, which ends with running
		defer close(over)
		err := r.client.Command(running, []string{
			"MQTT_URL=mqtt://127.0.0.1:" + port, "MQTT_HOST=127.0.0.1", "MQTT_PORT=" + port, "MQTT_CLIENT_ID=" + c.ID("c"),
		})
		if err != nil && why != nil {
			*why = err
		}
	}()
	c.script(0, j.k.Run)
	l.Close() //nolint:errcheck // nothing was promised to further connections
	stop()
	<-over
	return c
}
