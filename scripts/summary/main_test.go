package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	const events = `{"Action":"start","Package":"m/a"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood","Elapsed":0}
{"Action":"output","Package":"m/a","Test":"TestBad","Output":"    a_test.go:7: it is wrong\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad","Elapsed":0}
{"Action":"output","Package":"m/a","Test":"TestNot/here","Output":"    a_test.go:9: mosquitto is not installed\n"}
{"Action":"output","Package":"m/a","Test":"TestNot/here","Output":"--- SKIP: TestNot/here (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestNot/here","Elapsed":0}
{"Action":"output","Package":"m/a","Output":"FAIL\n"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t0.1s\n"}
{"Action":"fail","Package":"m/a","Elapsed":0.1}
{"Action":"output","Package":"m/b","Output":"ok  \tm/b\t0.2s\n"}
{"Action":"pass","Package":"m/b","Elapsed":0.2}
{"Action":"output","Package":"m/c","Output":"panic: test timed out\n"}
{"Action":"output","Package":"m/c","Output":"FAIL\tm/c\t0.3s\n"}
{"Action":"fail","Package":"m/c","Elapsed":0.3}
{"Action":"output","Package":"m/f","Test":"TestEnded","Output":"=== RUN   TestEnded\n"}
{"Action":"output","Package":"m/f","Test":"TestEnded","Output":"fatal error: all goroutines are asleep\n"}
{"Action":"output","Package":"m/f","Output":"FAIL\tm/f\t0.4s\n"}
{"Action":"fail","Package":"m/f","Elapsed":0.4}
{"Action":"output","Package":"m/d","Output":"?   \tm/d\t[no test files]\n"}
{"Action":"skip","Package":"m/d","Elapsed":0}
{"ImportPath":"m/e","Action":"build-output","Output":"e.go:1: undefined: x\n"}
{"ImportPath":"m/e","Action":"build-fail"}
{"Action":"output","Package":"m/e","Output":"FAIL\tm/e [build failed]\n"}
{"Action":"fail","Package":"m/e","Elapsed":0,"FailedBuild":"m/e"}
no event at all
`
	const want = `    a_test.go:7: it is wrong
FAIL	m/a	0.1s
ok  	m/b	0.2s
panic: test timed out
FAIL	m/c	0.3s
=== RUN   TestEnded
fatal error: all goroutines are asleep
FAIL	m/f	0.4s
e.go:1: undefined: x
FAIL	m/e [build failed]
no event at all

skipped:
m/a TestNot/here: mosquitto is not installed

1 passed, 4 failed, 1 skipped
`
	var out strings.Builder
	read(strings.NewReader(events), &out).print()
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", &out, want)
	}
}

// No output at all is no success.
func TestSummaryOfNothing(t *testing.T) {
	var out strings.Builder
	s := read(strings.NewReader(""), &out)
	s.print()
	if s.passed != 0 || !strings.Contains(out.String(), "no test was run") {
		t.Errorf("%d passed, printed %q", s.passed, &out)
	}
}
