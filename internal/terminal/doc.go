// Package terminal takes over a terminal: it shows frames, which are lists of lines, and reads keys.
// It knows no meaning of either.
//
// It asks the terminal nothing, so no answer can be mistaken for a key, and it works with every
// terminal that knows the sequences of a VT220 and an alternate screen. A Terminal belongs to one
// goroutine, but for Restore. It has one goroutine of its own, which reads, and which Close ends.
package terminal
