// Package watch is the model of sub --watch: a tree of topic levels with counts, rates and last
// messages, and a Browser that says which part of it a screen shows. It takes values and returns
// values: it knows no terminal, no clock and no network.
//
// A Model and its Browsers belong to one goroutine, or to a lock that their owner holds. What
// peers can make grow is bounded by Limits: a message that has no room is counted, not kept.
package watch
