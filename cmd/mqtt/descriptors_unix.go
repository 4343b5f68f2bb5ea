//go:build unix

package main

import "syscall"

// descriptors is how many files this process may have open at once, 0 where nobody knows. The runtime has raised the limit
// in force to the highest that is allowed.
func descriptors() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return int(min(uint64(l.Cur), 1<<31-1))
}
