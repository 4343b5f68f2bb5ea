//go:build !unix

package bench

import "time"

func processorTime() time.Duration { return 0 }

func resident() uint64 { return 0 }

func descriptors() int { return 0 }

func raiseDescriptors() {}
