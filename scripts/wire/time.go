package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// timed is the result of time for a command, in microseconds.
type timed struct {
	Command string  `json:"command"`
	Median  float64 `json:"median_us"`
	P10     float64 `json:"p10_us"`
	P90     float64 `json:"p90_us"`
	CPU     float64 `json:"cpu_us"` // median of user and system time
	Runs    int     `json:"runs"`
	// Cached names the libraries that --cold could not evict, because other programs use them.
	Cached []string `json:"cached,omitempty"`
}

// timeCommand runs commands in turn, A B A B, so that a slow period of the machine affects
// all of them. It stops at the first run that fails.
func timeCommand(args []string) error {
	f := flags("time")
	runs := f.Int("n", 200, "runs of each command")
	warm := f.Int("warm", 5, "runs before those, not counted")
	fromDisk := f.Bool("cold", false, "evict each program and its shared libraries from the page cache before each run")
	if err := f.Parse(args); err != nil {
		return err
	}
	commands := split(f.Args(), "--vs")
	if *runs < 1 {
		return errors.New("-n must be at least 1")
	}
	for _, c := range commands {
		if len(c) == 0 {
			return errors.New("a command is missing: wire time -n N -- COMMAND --vs COMMAND")
		}
	}
	evict, cached := make([]*cold, len(commands)), make([][]string, len(commands))
	for i := range commands {
		if !*fromDisk {
			break
		}
		var err error
		if evict[i], err = openCold(commands[i][0]); err != nil {
			return err
		}
		defer evict[i].close()
		cached[i] = evict[i].stay()
	}
	wall := make([][]time.Duration, len(commands))
	cpu := make([][]time.Duration, len(commands))
	for run := -*warm; run < *runs; run++ {
		for i, c := range commands {
			if evict[i] != nil {
				if err := evict[i].evict(); err != nil {
					return err
				}
			}
			w, p, err := once(c)
			if err != nil {
				return fmt.Errorf("%s: %w", strings.Join(c, " "), err)
			}
			if run >= 0 {
				wall[i] = append(wall[i], w)
				cpu[i] = append(cpu[i], p)
			}
		}
	}
	for i, c := range commands {
		slices.Sort(wall[i])
		slices.Sort(cpu[i])
		err := report(timed{
			Command: strings.Join(c, " "),
			Median:  micros(wall[i], 50), P10: micros(wall[i], 10), P90: micros(wall[i], 90),
			CPU: micros(cpu[i], 50), Runs: *runs, Cached: cached[i],
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// once runs a command with empty input and returns its wall time and processor time. The error
// of a command that fails contains what it wrote to stderr.
func once(args []string) (wall, cpu time.Duration, err error) {
	cmd := exec.Command(args[0], args[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	begin := time.Now()
	err = cmd.Run()
	wall = time.Since(begin)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// split splits args at each occurrence of at.
func split(args []string, at string) [][]string {
	lists := [][]string{nil}
	for _, a := range args {
		if a == at {
			lists = append(lists, nil)
			continue
		}
		lists[len(lists)-1] = append(lists[len(lists)-1], a)
	}
	return lists
}

// micros returns a percentile of sorted durations, by nearest rank, in microseconds.
func micros(sorted []time.Duration, percent int) float64 {
	i := (len(sorted)*percent + 99) / 100
	return float64(sorted[max(0, i-1)]) / float64(time.Microsecond)
}
