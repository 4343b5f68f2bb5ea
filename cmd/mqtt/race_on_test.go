//go:build race

package main

// raceDetector tells that the tests, and the tools that they start, run under the race detector, which takes memory.
const raceDetector = true
