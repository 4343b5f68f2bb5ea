package bench

import (
	"fmt"
	"slices"
	"strings"

	"mqtt/internal/format"
)

// Shortfall is work that was not done, whether or not an error says why: messages that
// were never sent, never acknowledged, or did not come although the QoS forbids loss.
type Shortfall struct {
	Unsent         uint64 // of what was asked for
	Unacknowledged uint64 // of Sent, at QoS 1 and 2
	Missing        uint64 // of Expected
	Sent, Expected uint64
	QoS            int
}

// Shortfall returns what r lacks, nil where nothing is.
func (r *Result) Shortfall() *Shortfall {
	s := Shortfall{Unsent: r.Unsent, Sent: r.Sent, Expected: r.Expected, QoS: r.Config.QoS}
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

// Failure returns the shortfall by which r fails. Where all was sent and acknowledged, a
// threshold about loss alone decides how much of it fails a run.
func (r *Result) Failure() *Shortfall {
	s := r.Shortfall()
	aboutLoss := func(v Verdict) bool {
		return strings.HasPrefix(v.Metric, "loss") || strings.HasPrefix(v.Metric, "lost")
	}
	if s != nil && s.LossAlone() && slices.ContainsFunc(r.Verdicts, aboutLoss) {
		return nil
	}
	return s
}

// LossAlone tells whether all was sent and acknowledged, and some of it did not come.
func (s *Shortfall) LossAlone() bool { return s.Unsent+s.Unacknowledged == 0 }

// Error names all that is missing.
func (s *Shortfall) Error() string {
	var all []string
	add := func(n uint64, text string, args ...any) {
		if n > 0 {
			all = append(all, format.Count(n)+fmt.Sprintf(text, args...))
		}
	}
	add(s.Unsent, " messages were never sent")
	add(s.Unacknowledged, " of %s messages sent were not acknowledged", format.Count(s.Sent))
	add(s.Missing, " of %s expected deliveries did not come, which QoS %d forbids", format.Count(s.Expected), s.QoS)
	return strings.Join(all, "; ")
}

// unhealed returns the first error that the run did not get over. A connection that
// was lost and came back is none, nor is one that had nothing left to do.
func (r *run) unhealed(res *Result) error {
	r.registry.mu.Lock()
	defer r.registry.mu.Unlock()
	if err := r.registry.lasting; err != nil {
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
