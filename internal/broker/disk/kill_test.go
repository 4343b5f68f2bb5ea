package disk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childVar has the folder and the rounds so far for a process that TestKilled starts.
const childVar = "MQTT_DISK_TEST_CHILD"

// No test leaves a goroutine behind.
func TestMain(m *testing.M) {
	if value := os.Getenv(childVar); value != "" {
		if err := child([]byte(value)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// rounds is what TestKilled passes to its child.
type rounds struct {
	Dir   string
	Steps []int // that were kept, for each process before
}

// modelAfter returns the model after those rounds.
func (k rounds) modelAfter() *model {
	m := newModel()
	for i, steps := range k.Steps {
		r := randomOf(i)
		for n := range steps {
			step(r, n, fixed{}, m)
		}
		m.restart()
	}
	return m
}

func randomOf(round int) *rand.Rand { return rand.New(rand.NewPCG(uint64(round), 11)) }

// child records steps until it is killed. It prints how many are committed.
func child(value []byte) error {
	var k rounds
	if err := json.Unmarshal(value, &k); err != nil {
		return err
	}
	s, err := Open(k.Dir, Options{SegmentSize: 24 << 10})
	if err != nil {
		return err
	}
	if _, err := s.Load(context.Background()); err != nil {
		return err
	}
	m, r := k.modelAfter(), randomOf(len(k.Steps))
	for n := 0; ; n++ {
		s.Begin()
		step(r, n, s, m)
		s.End()
		if n%5 > 0 {
			continue
		}
		if err := s.Commit(); err != nil {
			return err
		}
		fmt.Println(n + 1)
	}
}

// A process that is killed at any moment, also while it rotates and merges, has kept all that
// was committed, and no part of a step that was not.
func TestKilled(t *testing.T) {
	k := rounds{Dir: t.TempDir()}
	merged := uint64(0)
	for round := range repeat(200, 5) {
		value, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVar+"="+string(value))
		cmd.Stderr = &errs
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		kill := func(most time.Duration) { time.AfterFunc(rand.N(most), func() { cmd.Process.Kill() }) }
		committed := 0
		if round%4 == 3 {
			kill(50 * time.Millisecond) // perhaps while it loads
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if committed == 0 {
				kill(300 * time.Millisecond)
			}
			fmt.Sscan(lines.Text(), &committed)
		}
		if cmd.Wait(); errs.Len() > 0 {
			t.Fatalf("round %d: %s", round, errs.String())
		}
		s, im := open(t, k.Dir, Options{})
		abandon(s)
		merged = max(merged, s.manifest.snapshot.number)
		m, r, n := k.modelAfter(), randomOf(round), 0
		for ; n < committed || differ(im, m.image()) != ""; n++ {
			if n > committed+100 {
				t.Fatalf("round %d: the state is not that after %d steps, nor after up to 100 more", round, committed)
			}
			step(r, n, fixed{}, m)
		}
		k.Steps = append(k.Steps, n)
	}
	if merged == 0 {
		t.Error("nothing was merged")
	}
	t.Logf("steps %v, the last snapshot has all up to segment %d", k.Steps, merged)
}
