// Package bench measures a server with many connections: it paces messages to an
// intended schedule, gives each of them a publisher and a sequence, and counts what
// came of them. One goroutine has one connection; times go to a few histograms that
// all share.
//
// A Result is data: counts and HDR histograms that merge. Reports draw it.
//
// The package knows no flags and opens no sockets: it takes a Plan with a dial
// function. It never prints, exits, logs or reads the environment.
package bench
