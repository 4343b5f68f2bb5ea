package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"mqtt/internal/transport"
)

// runCommand runs a command with the broker's address in its environment, hands signals on to it, and returns its exit
// status as an error that says nothing more.
func runCommand(ctx context.Context, e *env, args []string, u transport.URL) error {
	c := exec.Command(args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = e.in, inherited(e.out), inherited(e.err)
	c.Env = append(os.Environ(), "MQTT_URL="+u.String(), "MQTT_HOST="+u.Host, "MQTT_PORT="+u.Port)
	// A signal from the terminal reaches the command by itself, one from a process must be handed on.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := c.Start(); err != nil {
		return fail(exitOther, "name a program that can be run", "run %s: %w", args[0], err)
	}
	over := make(chan error, 1)
	go func() { over <- c.Wait() }() // ends with the command
	for {
		select {
		case err := <-over:
			return commandStatus(err)
		case sig := <-signals:
			if sig == syscall.SIGINT && e.ttyIn {
				continue // Ctrl-C: one is enough
			}
			c.Process.Signal(sig)
		}
	}
}

// commandStatus turns the end of a command into ours.
func commandStatus(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return exitStatus(128 + int(ws.Signal()))
	}
	return exitStatus(exit.ExitCode())
}
