// Package rr is the rr command: it sends requests and prints their answers, or answers requests
// with what a command prints (--serve).
//
// A requester owns the connections of the first side: ask.go publishes requests and keeps those
// without an answer, match.go finds the request of an answer. An answerer owns the connections of
// the second side: serve.go is its loop, request.go takes a request in, job.go follows it to its
// acknowledgement, command.go runs the command. Only the commands run in goroutines of their own.
package rr
