package rr

import (
	"fmt"
	"strings"
	"testing"
)

// TestOpenJobs plays deliveries, answers and lost connections of requests at QoS 1 and 2. A step is
//
//	+NAME    the request is delivered and new
//	=NAME    it is delivered again, with DUP, and known
//	~NAME    it is delivered again, without DUP, and known
//	!NAME    it is delivered, without DUP, and new although its content is known
//	.NAME    its answer is sent
//	resumed  the connection is lost; the server kept the session
//	lost     the connection is lost; the server did not keep the session
//
// A NAME of upper case is a request of QoS 2, one that begins with n has no correlation data. want
// is what is left, each with its state.
func TestOpenJobs(t *testing.T) {
	states := map[jobState]string{working: "working", orphaned: "orphaned", acknowledged: "acknowledged", answered: "answered"}
	for steps, want := range map[string]string{
		"+a":                        "a:working",
		"+a .a":                     "",
		"+a +b .b":                  "a:working b:acknowledged",
		"+a +b .b .a":               "",
		"+a resumed":                "a:orphaned",
		"+a resumed =a":             "a:working",
		"+a resumed ~a":             "a:working",
		"+na resumed !na":           "na:orphaned na:working",
		"+na resumed =na":           "na:working",
		"+a resumed .a":             "a:answered",
		"+a resumed .a =a":          "",
		"+a resumed .a !a":          "a:answered a:working",
		"+a resumed .a resumed =a":  "",
		"+a resumed .a lost":        "",
		"+a lost":                   "a:orphaned",
		"+a lost .a":                "",
		"+a lost =a .a":             "",
		"+a +b .b resumed":          "a:orphaned b:answered",
		"+a +b .b resumed =b":       "a:orphaned",
		"+a +b .b resumed =b =a":    "a:working",
		"+a +b .b resumed =a =b":    "a:working b:acknowledged",
		"+a +b .b resumed =a =b .a": "",
		"+a +B .B resumed":          "a:orphaned",
		"+a +b .b lost":             "a:orphaned",
		"+A resumed .A":             "A:answered",
		"+A resumed .A resumed":     "A:answered",
		"+a !a":                     "a:working a:working",
	} {
		var o openJobs
		byName := make(map[string]*job)
		for i, step := range strings.Fields(steps) {
			name := step[1:]
			request := &job{number: uint64(i), topic: name, qos: 1, correlation: []byte(name), print: fingerprint([]byte(name))}
			if strings.ToUpper(name) == name {
				request.qos = 2
			}
			if name[0] == 'n' {
				request.correlation = nil
			}
			switch step[0] {
			case '+', '!':
				if o.again(request, false) != nil {
					t.Errorf("%s: step %s: the request is known", steps, step)
				}
				o.add(request)
				byName[name] = request
			case '=', '~':
				j := o.again(request, step[0] == '=')
				if j == nil || j != byName[name] {
					t.Errorf("%s: step %s: the request is not known", steps, step)
				} else if j.state == acknowledged {
					o.prune()
				}
			case '.':
				j := o.find(byName[name].number)
				if j == nil {
					t.Errorf("%s: step %s: no job waits for an answer", steps, step)
					continue
				}
				j.setAnswered()
				o.prune()
				if o.find(j.number) != nil {
					t.Errorf("%s: step %s: the job still waits for an answer", steps, step)
				}
			default:
				o.reconnect(step == "resumed")
			}
		}
		var got []string
		for _, j := range o.jobs {
			got = append(got, fmt.Sprintf("%s:%s", j.topic, states[j.state]))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", steps, s, want)
		}
	}
}
