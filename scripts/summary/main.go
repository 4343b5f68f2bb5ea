// Summary reads the output of go test -json on stdin. It prints what go test prints without -v: a line for each package, and the
// output of tests that failed. Then it prints the tests that were skipped, with the reason, and the counts.
//
//	go test -json ./... | summary [-to FILE]
//
// -to writes the counts to FILE for scripts/check.sh: passed, failed and skipped on the first line, and one skipped test on each
// following line. The exit status is 1 if a test or a package failed, or if no test was run.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// summary is what the events say.
type summary struct {
	passed, failed int
	skipped        []string // "package test: reason"

	output   map[string][]string // by package and test, until its result is known
	failures map[string]int      // by package
	out      io.Writer
}

func main() {
	to := flag.String("to", "", "write the counts to `FILE`")
	flag.Parse()
	s := read(os.Stdin, os.Stdout)
	s.print()
	if *to != "" {
		text := fmt.Sprintf("%d %d %d\n%s", s.passed, s.failed, len(s.skipped), lines(s.skipped))
		if err := os.WriteFile(*to, []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "summary:", err)
			os.Exit(1)
		}
	}
	if s.failed > 0 || s.passed == 0 {
		os.Exit(1)
	}
}

// read reads events to the end. A line that is not an event is printed unchanged: go test prints some errors so.
func read(in io.Reader, out io.Writer) *summary {
	s := &summary{output: make(map[string][]string), failures: make(map[string]int), out: out}
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadString('\n')
		var e event
		if line != "" && json.Unmarshal([]byte(line), &e) != nil {
			io.WriteString(out, line)
		}
		s.take(e)
		if err != nil {
			return s
		}
	}
}

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		io.WriteString(s.out, e.Output)
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "pass":
		if e.Test == "" {
			s.last(key)
		} else {
			s.passed++
		}
		delete(s.output, key)
	case "skip":
		if e.Test != "" {
			s.skipped = append(s.skipped, e.Package+" "+e.Test+": "+reason(s.output[key]))
		}
		delete(s.output, key)
	case "fail":
		if e.Test == "" && s.failures[e.Package] > 0 {
			s.last(key) // its tests have said why
		} else {
			if e.Test == "" {
				s.unfinished(e.Package) // a panic or a fatal error is output of the test that ran
			}
			s.failed++
			s.failures[e.Package]++
			io.WriteString(s.out, strings.Join(s.output[key], ""))
		}
		delete(s.output, key)
	}
}

// unfinished prints the output of the tests of a package that have no result.
func (s *summary) unfinished(pkg string) {
	for _, key := range slices.Sorted(maps.Keys(s.output)) {
		if of, test, _ := strings.Cut(key, " "); of == pkg && test != "" {
			io.WriteString(s.out, strings.Join(s.output[key], ""))
		}
	}
}

// last prints the last line of a package's output: its result.
func (s *summary) last(key string) {
	if all := s.output[key]; len(all) > 0 {
		io.WriteString(s.out, all[len(all)-1])
	}
}

// position matches the beginning of a line that a test logged.
var position = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)

// reason returns the last line that a test logged before it was skipped. A script test logs the whole script after it.
func reason(output []string) string {
	for i := len(output) - 1; i >= 0; i-- {
		if at := position.FindString(output[i]); at != "" && !strings.Contains(at, "testscript.go:") {
			return strings.TrimSpace(output[i][len(at):])
		}
	}
	return "no reason given"
}

func (s *summary) print() {
	if len(s.skipped) > 0 {
		fmt.Fprintf(s.out, "\nskipped:\n%s", lines(s.skipped))
	}
	if s.passed == 0 {
		fmt.Fprintln(s.out, "no test was run")
	}
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, len(s.skipped))
}

func lines(all []string) string {
	var b strings.Builder
	for _, l := range all {
		b.WriteString(l + "\n")
	}
	return b.String()
}
