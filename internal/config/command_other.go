//go:build !unix

package config

import "os/exec"

// TerminateGroup does nothing: the end of cmd's context terminates only cmd.
func TerminateGroup(*exec.Cmd) {}
