package bench

import (
	"fmt"
	"slices"
	"strings"

	"mqtt/internal/format"
)

// Shortfall counts work that was not done, with or without an error as the reason: messages
// that were never sent, never acknowledged, or lost although the QoS forbids loss.
type Shortfall struct {
	Unsent         uint64 // of the messages wanted
	Unacknowledged uint64 // of Sent, at QoS 1 and 2
	Missing        uint64 // of Expected
	Sent, Expected uint64
	QoS            int
	SessionsLost   uint64 // that the server did not keep, which may be why deliveries are missing
}

// Shortfall returns the work of r that was not done, nil if all was done.
func (r *Result) Shortfall() *Shortfall {
	s := Shortfall{Unsent: r.Unsent, Sent: r.Sent, Expected: r.Expected, QoS: r.Config.QoS, SessionsLost: r.SessionsLost}
	if s.QoS > 0 && r.Config.Publishers > 0 {
		answered := r.Acknowledged
		for _, t := range r.Topics {
			answered += t.Refused
		}
		s.Unacknowledged = r.Sent - min(answered, r.Sent)
	}
	if !r.Legal.Loss {
		s.Missing = r.Lost
	}
	if s.Unsent+s.Unacknowledged+s.Missing == 0 {
		return nil
	}
	return &s
}

// Failure returns the shortfall because of which r fails, nil if there is none. If all was
// sent and acknowledged and r has a threshold about loss, only that decides whether loss
// fails the run.
func (r *Result) Failure() *Shortfall {
	s := r.Shortfall()
	aboutLoss := func(v Verdict) bool {
		return strings.HasPrefix(v.Metric, "loss") || strings.HasPrefix(v.Metric, "lost")
	}
	if s != nil && s.LossOnly() && slices.ContainsFunc(r.Verdicts, aboutLoss) {
		return nil
	}
	return s
}

// LossOnly reports whether all was sent and acknowledged, so that s is only loss.
func (s *Shortfall) LossOnly() bool { return s.Unsent+s.Unacknowledged == 0 }

// Error returns all parts of s.
func (s *Shortfall) Error() string {
	var all []string
	add := func(n uint64, text string, args ...any) {
		if n > 0 {
			all = append(all, format.Count(n)+fmt.Sprintf(text, args...))
		}
	}
	add(s.Unsent, " messages were never sent")
	add(s.Unacknowledged, " of %s messages sent were not acknowledged", format.Count(s.Sent))
	add(s.Missing, " of %s expected deliveries did not come, %s", format.Count(s.Expected), missingText(s.QoS, s.SessionsLost))
	return strings.Join(all, "; ")
}

// failure returns the first error from which the run did not recover. The loss of a
// connection is not one if the client connected again, or if all work was done.
func (r *run) failure(res *Result) error {
	r.registry.mu.Lock()
	defer r.registry.mu.Unlock()
	if err := r.registry.permanent; err != nil {
		return err
	}
	done := res.Lost == 0 && res.Shortfall() == nil
	for _, g := range []*group{r.pubs, r.subs, r.idlers} {
		for _, c := range g.clients {
			if c.broken != nil && (!done || c.role == Idler) {
				return c.broken
			}
		}
	}
	return nil
}
