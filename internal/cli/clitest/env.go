// Package clitest helps tests to run commands in their own process.
package clitest

import (
	"io"
	"strings"

	"mqtt/internal/cli"
)

// Env returns an environment with empty standard input and with the given variables, each as
// NAME=VALUE. No stream is a terminal.
func Env(out, err io.Writer, variables ...string) *cli.Env {
	return &cli.Env{In: strings.NewReader(""), Out: out, Err: err,
		Environ: func() []string { return variables },
		LookupEnv: func(name string) (string, bool) {
			for _, v := range variables {
				if n, value, _ := strings.Cut(v, "="); n == name {
					return value, true
				}
			}
			return "", false
		}}
}
