package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// closedPipe tells whether a write failed because nobody reads any more, as behind | head.
func closedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// page is stdout for the texts of help, whose printer asks for no errors: the first is kept.
type page struct {
	w   io.Writer
	err error
}

func (p *page) Write(b []byte) (int, error) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
	return len(b), nil
}

// outcome is the error of a write, if it is one.
func (p *page) outcome() error {
	if p.err == nil || closedPipe(p.err) {
		return nil
	}
	return fmt.Errorf("write output: %w", p.err)
}
