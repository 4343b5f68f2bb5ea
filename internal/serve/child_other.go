//go:build !unix

package serve

import "os/exec"

// OwnProcessGroup leaves the command as it is: the end of its context kills it alone.
func OwnProcessGroup(*exec.Cmd) {}

// KillProcessGroup does nothing: there is no process group.
func KillProcessGroup(*exec.Cmd) {}
