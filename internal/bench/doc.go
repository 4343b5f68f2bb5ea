// Package bench measures a server with many connections. It publishes messages at the times
// of a schedule, marks each with its publisher and a sequence, and counts which of them
// subscribers receive, how late, and in which order.
//
// The caller makes a Plan, which has the function that opens connections. Run starts a
// goroutine for each connection and ends all of them before it returns. Clients share a
// few tallies and histograms, so that an idle connection costs almost nothing. A Result
// consists of counts and HDR histograms, which Merge can add up over several machines; the
// reports are functions that draw a Result.
//
// The package knows no flags. It never prints, exits, or reads the environment.
package bench
