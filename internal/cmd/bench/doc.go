// Package bench is the command mqtt bench with its subcommands conn and report. It turns flags into
// a bench.Plan, runs it, and prints and judges the result.
package bench
