package main

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// closedPipe tells whether a write failed because nobody reads any more, as behind | head.
func closedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}
