package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// memory is the result of rss. Between fork and exec the child shares the pages of wire, which
// the kernel counts as the child's. A child that uses less than Floor has that as its peak.
type memory struct {
	Command string  `json:"command"`
	KiB     int64   `json:"peak_kib"`
	Floor   int64   `json:"floor_kib"`
	Seconds float64 `json:"cpu_seconds"`
	Status  int     `json:"status"`
}

// rssCommand runs a command with the stdin, stdout and stderr of wire. It writes the result to
// a file, because the command uses stdout.
func rssCommand(args []string) error {
	f := flags("rss")
	to := f.String("to", "", "`file` for the result (stderr if empty)")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return errors.New("a command is missing: wire rss --to FILE -- COMMAND")
	}
	cmd := exec.Command(f.Arg(0), f.Args()[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	peak, floor, err := peaks(cmd.ProcessState)
	if err != nil {
		return err
	}
	line, err := json.Marshal(memory{
		Command: f.Arg(0), KiB: peak, Floor: floor, Status: cmd.ProcessState.ExitCode(),
		Seconds: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
	})
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if *to == "" {
		_, err = os.Stderr.Write(line)
	} else {
		err = os.WriteFile(*to, line, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return exitStatus(max(1, code))
	}
	return nil
}
