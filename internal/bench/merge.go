package bench

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Merge returns the result that one machine would have measured that did the work of all
// parts. Several parts must be of the same --run and overlap in time. Merge does not change
// the parts. It does not merge verdicts; Judge computes new ones.
func Merge(parts []*Result) (*Result, error) {
	if len(parts) == 0 {
		return nil, errors.New("no results to merge")
	}
	first := parts[0]
	for i, p := range parts {
		if slices.ContainsFunc(parts[:i], p.equal) {
			return nil, fmt.Errorf("the result that began at %s is there twice", p.Started.Format(time.RFC3339Nano))
		}
	}
	if err := together(parts); err != nil {
		return nil, err
	}
	if n, ok := samePublisher(parts); ok {
		return nil, fmt.Errorf("two results have publisher %d, so their messages cannot be told apart: each process needs a --client-offset of its own", n)
	}
	m := &Result{
		Schema: Schema, Kind: first.Kind, Title: first.Title, Tool: first.Tool, ServerVersion: first.ServerVersion, Started: first.Started, Config: first.Config, Accounted: true,
		Latency: NewHistogram(), Service: NewHistogram(), Lag: NewHistogram(), Ack: NewHistogram(), Connect: NewHistogram(),
		Drained: Drain{Complete: true}, Clock: Clock{Mode: OneProcess},
	}
	m.Config.Publishers, m.Config.Subscribers, m.Config.Clients, m.Config.Rate, m.Config.Messages = 0, 0, 0, 0, 0
	m.Config.Ramp, m.Config.Churn = 0, 0
	for _, p := range parts {
		if p.Kind != m.Kind {
			return nil, fmt.Errorf("a result of %s does not merge with one of %s", p.Kind, m.Kind)
		}
		if p.Config.QoS != m.Config.QoS {
			return nil, fmt.Errorf("a result of QoS %d does not merge with one of QoS %d", p.Config.QoS, m.Config.QoS)
		}
		m.add(p)
	}
	m.align(parts)
	m.accountForParts(parts)
	if _, known := m.lossOverTime(); !known {
		for i := range m.Series.Points {
			m.Series.Points[i].Lost = 0
		}
	}
	if m.Clock.Mode == Estimated { // one note instead of one for each part
		m.drop(func(n Note) bool { return n.About == "clock" })
		m.Notes = append(m.Notes, m.Clock.note())
	}
	return m, nil
}

// A SeparateError says that results are not parts of one run.
type SeparateError struct{ Why string }

// Error returns why.
func (e *SeparateError) Error() string { return "these are results of separate runs: " + e.Why }

// together returns an error if parts are not of one run: measured by processes with the same
// --run, at the same time.
func together(parts []*Result) error {
	first := parts[0]
	var slack time.Duration
	for _, p := range parts[1:] {
		switch a, b := first.Config.Run, p.Config.Run; {
		case a == "" || b == "":
			return &SeparateError{"not all of them have a --run NAME"}
		case a != b:
			return &SeparateError{fmt.Sprintf("one is of --run %q, another of --run %q", a, b)}
		}
	}
	for _, p := range parts {
		slack = max(slack, p.Clock.slack())
	}
	ordered := slices.SortedFunc(slices.Values(parts), func(a, b *Result) int { return a.Started.Compare(b.Started) })
	ended := ordered[0].ended()
	for _, p := range ordered[1:] {
		if p.Started.After(ended.Add(slack)) {
			return &SeparateError{fmt.Sprintf("one began at %s, after the others of --run %q had ended at %s",
				p.Started.Format(time.RFC3339Nano), p.Config.Run, ended.Format(time.RFC3339Nano))}
		}
		if end := p.ended(); end.After(ended) {
			ended = end
		}
	}
	return nil
}

// samePublisher returns the number of a publisher that two of the parts have.
func samePublisher(parts []*Result) (n int, ok bool) {
	for i, p := range parts {
		for _, q := range parts[:i] {
			a, b := &p.Config, &q.Config
			from := max(a.Offset, b.Offset)
			single := len(p.Machines) == 1 && len(q.Machines) == 1 // the numbers of a merged result have gaps
			if single && from < min(a.Offset+a.Publishers, b.Offset+b.Publishers) {
				return from, true
			}
		}
	}
	return 0, false
}

// ended returns when r ended, with the wait for its last messages.
func (r *Result) ended() time.Time {
	return r.Started.Add(time.Duration(max(r.Seconds, r.SendSeconds+r.Drained.Seconds) * 1e9))
}

// equal reports whether r and q are the same result.
func (r *Result) equal(q *Result) bool {
	return r.Started.Equal(q.Started) && r.Config == q.Config && r.Seconds == q.Seconds && r.Sent == q.Sent && r.Received == q.Received &&
		r.Connections == q.Connections && slices.Equal(r.Topics, q.Topics) && reflect.DeepEqual(r.Filters, q.Filters)
}

// add adds the counts and histograms of p.
func (m *Result) add(p *Result) {
	if p.Started.Before(m.Started) {
		m.Started = p.Started
	}
	if p.Subscribed.After(m.Subscribed) {
		m.Subscribed = p.Subscribed
	}
	m.Sent += p.Sent
	m.Unsent += p.Unsent
	m.Acknowledged += p.Acknowledged
	m.Expected += p.Expected
	m.Received += p.Received
	m.Lost += p.Lost
	m.Duplicated += p.Duplicated
	m.Reordered += p.Reordered
	m.Foreign += p.Foreign
	m.Unknown += p.Unknown
	m.SessionsLost += p.SessionsLost
	m.Errors += p.Errors
	m.BytesSent += p.BytesSent
	m.BytesReceived += p.BytesReceived
	m.Latency.Merge(p.Latency)
	m.Service.Merge(p.Service)
	m.Lag.Merge(p.Lag)
	m.Ack.Merge(p.Ack)
	m.Connect.Merge(p.Connect)
	m.Config.add(&p.Config)
	m.Legal.add(p.Legal)
	m.Connections.add(&p.Connections)
	m.Clock.add(&p.Clock)
	m.addPhases(p.Phases)
	m.addErrors(p.ErrorKinds)
	m.addTopics(p.Topics)
	m.addFilters(p.Filters)
	m.Drained.Seconds = max(m.Drained.Seconds, p.Drained.Seconds)
	m.Drained.Complete = m.Drained.Complete && p.Drained.Complete
	m.Machines = append(m.Machines, p.Machines...)
	for _, n := range p.Notes {
		if !slices.Contains(m.Notes, n) {
			m.Notes = append(m.Notes, n)
		}
	}
}

// align sets the times and the series of m, on the wall clock from the earliest start.
func (m *Result) align(parts []*Result) {
	m.Series.Interval = time.Duration(sampleInterval).Seconds()
	var sending, receiving span
	for _, p := range parts {
		after := p.Started.Sub(m.Started).Seconds()
		m.Seconds = max(m.Seconds, after+p.Seconds)
		if p.Sent > 0 {
			sending.include(after, p.SendSeconds)
		}
		if p.Received > 0 {
			receiving.include(after, p.ReceiveSeconds)
		}
		m.Series.Interval = max(m.Series.Interval, p.Series.Interval)
	}
	m.SendSeconds = sending.to - sending.from
	m.ReceiveSeconds = receiving.to - max(receiving.from, min(sending.from, receiving.to)) // the time before the first message was sent does not count
	m.rates()
	for _, p := range parts {
		points := slices.Clone(p.Series.Points)
		for width := p.Series.Interval; width < m.Series.Interval; width *= 2 {
			points = coarser(points)
		}
		from := int(p.Started.Sub(m.Started).Seconds() / m.Series.Interval)
		for i, q := range points {
			at := from + i
			if at >= 4*maxPoints {
				break // results of different days have no common series
			}
			for len(m.Series.Points) <= at {
				m.Series.Points = append(m.Series.Points, Point{Latency: emptyHistogram()})
			}
			open := m.Series.Points[at].Connections + q.Connections
			m.Series.Points[at] = m.Series.Points[at].plus(&q)
			m.Series.Points[at].Connections = open
		}
	}
}

// span is the time from the earliest beginning to the latest end, in seconds.
type span struct {
	from, to float64
	any      bool
}

// include extends s by a time that begins at from.
func (s *span) include(from, duration float64) {
	if !s.any || from < s.from {
		s.from = from
	}
	s.to, s.any = max(s.to, from+duration), true
}

// drop removes notes.
func (m *Result) drop(which func(Note) bool) { m.Notes = slices.DeleteFunc(m.Notes, which) }
