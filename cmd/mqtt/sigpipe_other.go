//go:build !unix

package main

import "syscall"

const sigpipe = syscall.Signal(13)
