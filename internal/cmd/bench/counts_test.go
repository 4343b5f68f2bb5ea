package bench

import (
	"flag"
	"fmt"
	"testing"

	"mqtt/internal/broker"
	"mqtt/internal/cmd/cmdtest"
)

var long = flag.Bool("long", false, "run the soak sizes")

// Messages that a good server delivers once are neither lost nor duplicates, in whatever order and
// however late they come.
func TestCountsAreExact(t *testing.T) {
	for _, row := range []struct {
		name     string
		messages uint64 // ten times as many with -long
		copies   uint64 // deliveries of each
		args     []string
	}{
		{"a shared group, QoS 0", 10_000, 1, []string{"--subs", "2", "--shared", "g", "-q", "0", "--rate", "20000"}},
		{"a shared group, QoS 1", 10_000, 1, []string{"--subs", "2", "--shared", "g", "-q", "1", "--inflight", "2000"}},
		{"a shared group, QoS 2", 3_000, 1, []string{"--subs", "3", "--shared", "g", "-q", "2", "--inflight", "2000"}},
		{"a large shared group", 5_000, 1, []string{"--pubs", "5", "--subs", "20", "--shared", "g", "-q", "1", "--inflight", "1000"}},
		{"retained", 2_000, 1, []string{"--late", "-r", "-q", "1", "-t", "late/%n"}},
		{"retained of several publishers", 2_000, 2, []string{"--late", "-r", "-q", "2", "--pubs", "4", "--subs", "2", "-t", "late/%i/%n", "--filter", "late/#"}},
		{"a backlog", 1_000, 2, []string{"--offline", "--subs", "2", "-q", "1"}},
		{"a backlog of a shared group", 1_000, 1, []string{"--offline", "--subs", "2", "--shared", "g", "-q", "1"}},
		{"churn", 2_000, 1, []string{"--churn", "20", "--rate", "2000", "--pubs", "2", "-q", "2"}},
		{"churn with retained messages", 2_000, 1, []string{"--churn", "20", "-r", "--rate", "2000", "-q", "2"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := cmdtest.StartBroker(t, broker.Options{QueueMessages: 1_000_000})
			if *long {
				row.messages *= 10
			}
			want := row.messages * row.copies
			args := append(row.args, "--messages", fmt.Sprint(row.messages), "--format", "json", "--fail-if", "loss", "--fail-if", "dup", "--drain", "30s", "--quiet")
			r := command.Run(t, b.Args(args...)...)
			v := result(t, r)
			if r.Status != 0 || v.Received != want || v.Expected != want || v.Lost+v.Duplicated != 0 || !v.Accounted {
				t.Errorf("status %d, received %d of %d, lost %d, duplicated %d, accounted %v, %v: %s",
					r.Status, v.Received, v.Expected, v.Lost, v.Duplicated, v.Accounted, v.Notes, r.Err)
			}
		})
	}
}
