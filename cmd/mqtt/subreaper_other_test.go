//go:build !linux

package main

import "os"

// subreaper is for Linux.
func subreaper() { os.Exit(1) }
