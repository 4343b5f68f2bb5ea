package bench

import (
	"testing"

	"mqtt/internal/broker"
	"mqtt/internal/cmd/cmdtest"
)

// Messages that a good server delivers once are neither lost nor duplicates, in whatever order and
// however late they come.
func TestCountsAreExact(t *testing.T) {
	for _, row := range []struct {
		name string
		want uint64 // deliveries
		args []string
	}{
		{"a shared group, QoS 0", 100_000, []string{"--subs", "2", "--shared", "g", "-q", "0", "--messages", "100000", "--rate", "100000"}},
		{"a shared group, QoS 1", 100_000, []string{"--subs", "2", "--shared", "g", "-q", "1", "--inflight", "2000", "--messages", "100000"}},
		{"a shared group, QoS 2", 30_000, []string{"--subs", "3", "--shared", "g", "-q", "2", "--inflight", "2000", "--messages", "30000"}},
		{"a large shared group", 50_000, []string{"--pubs", "5", "--subs", "20", "--shared", "g", "-q", "1", "--inflight", "1000", "--messages", "50000"}},
		{"retained", 20_000, []string{"--late", "-r", "-q", "1", "-t", "late/%n", "--messages", "20000"}},
		{"retained of several publishers", 40_000, []string{"--late", "-r", "-q", "2", "--pubs", "4", "--subs", "2", "-t", "late/%i/%n", "--filter", "late/#", "--messages", "20000"}},
		{"a backlog", 20_000, []string{"--offline", "--subs", "2", "-q", "1", "--messages", "10000"}},
		{"a backlog of a shared group", 10_000, []string{"--offline", "--subs", "2", "--shared", "g", "-q", "1", "--messages", "10000"}},
		{"churn", 2_000, []string{"--churn", "20", "--rate", "2000", "--pubs", "2", "-q", "2", "--messages", "2000"}},
		{"churn with retained messages", 2_000, []string{"--churn", "20", "-r", "--rate", "2000", "-q", "2", "--messages", "2000"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := cmdtest.StartBroker(t, broker.Options{QueueMessages: 1_000_000})
			args := append(row.args, "--format", "json", "--fail-if", "loss", "--fail-if", "dup", "--drain", "30s", "--quiet")
			r := command.Run(t, b.Args(args...)...)
			v := result(t, r)
			if r.Status != 0 || v.Received != row.want || v.Expected != row.want || v.Lost+v.Duplicated != 0 || !v.Accounted {
				t.Errorf("status %d, received %d of %d, lost %d, duplicated %d, accounted %v, %v: %s",
					r.Status, v.Received, v.Expected, v.Lost, v.Duplicated, v.Accounted, v.Notes, r.Err)
			}
		})
	}
}
