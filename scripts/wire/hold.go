package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

// holdResult is the result of hold.
type holdResult struct {
	Held int `json:"held"` // connections that were still open at the end
}

// holdCommand keeps idle connections open until its standard input ends.
func holdCommand(args []string) error {
	f := flags("hold")
	addr := f.String("connect", "127.0.0.1:1883", "`address` of the broker")
	count := f.Int("count", 10_000, "number of connections")
	ready := f.String("ready", "", "`file` to write when all connections are open and have subscribed")
	version := f.String("V", "3.1.1", "protocol `version`: 3.1, 3.1.1, 5")
	if err := f.Parse(args); err != nil {
		return err
	}
	lv, err := level(*version)
	if err != nil {
		return err
	}
	if *count < 1 {
		return errors.New("count: want 1 or more")
	}
	conns := make([]net.Conn, *count)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	const dialers = 20
	errs := make(chan error, dialers)
	var wg sync.WaitGroup
	for d := range dialers {
		wg.Go(func() {
			for i := d; i < *count; i += dialers {
				conn, err := net.Dial("tcp", *addr)
				if err == nil {
					conns[i] = conn
					err = hello(conn, lv, fmt.Sprintf("hold-%d-%d", os.Getpid(), i), true, fmt.Sprintf("hold/%d", i), 0)
				}
				if err != nil {
					errs <- fmt.Errorf("connection %d: %w", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	if *ready != "" {
		if err := os.WriteFile(*ready, nil, 0o644); err != nil {
			return fmt.Errorf("write ready file: %w", err)
		}
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	held := 0
	for _, c := range conns {
		if _, err := c.Write([]byte{typePingreq, 0}); err != nil {
			continue
		}
		if head, _, err := exactly(c); err == nil && head == typePingresp {
			held++
		}
	}
	return report(holdResult{held})
}
