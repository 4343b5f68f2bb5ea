// Package bench is the command mqtt bench with its subcommands conn, report and compare. It turns flags into
// a bench.Plan, runs it, and prints and judges the result.
package bench
