//go:build !unix

package bench

import "time"

// processorTime returns 0: the time is not known.
func processorTime() time.Duration { return 0 }

// resident returns 0: the memory is not known.
func resident() uint64 { return 0 }

// Descriptors returns 0: the number of files that may be open is not known.
func Descriptors() int { return 0 }
