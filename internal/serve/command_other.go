//go:build !unix

package serve

import (
	"os"
	"os/exec"
)

// grouped leaves a command as it is, and returns what sends it a signal.
func grouped(*exec.Cmd) func(*os.Process, os.Signal) error { return (*os.Process).Signal }
