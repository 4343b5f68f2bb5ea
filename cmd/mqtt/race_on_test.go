//go:build race

package main

// raceDetector reports whether the tests, and the programs that they start, run under the race
// detector, which needs more memory.
const raceDetector = true
