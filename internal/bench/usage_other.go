//go:build !unix

package bench

import "time"

func processorTime() time.Duration { return 0 }

func resident() uint64 { return 0 }

// Descriptors is how many files this process may have open at once, 0 where nobody knows.
func Descriptors() int { return 0 }
