package bench

import "strings"

// maxPairs bounds the work to find out when messages were lost: it is the largest number of
// pairs of a filter and a publisher that are compared.
const maxPairs = 1 << 22

// setLossOverTime sets Lost of each point: the messages that were due in its time and never
// received. If not all of them are found, because the server refused some or because they are
// of other processes, the points have none.
func (r *run) setLossOverTime(res *Result) {
	if res.Lost == 0 || !res.Accounted || len(res.Series.Points) == 0 || r.plan.Clients > 0 {
		return
	}
	lost := make([]uint64, len(res.Series.Points))
	meets := r.filterPublishers()
	seen := map[*receipts]bool{} // of shared subscriptions
	var all uint64
	for _, c := range r.subs.clients {
		s := c.sub
		if !s.granted || seen[s.receipts] {
			continue
		}
		seen[s.receipts] = true
		publishers, ok := meets(s.filter)
		if !ok {
			return
		}
		for _, p := range publishers {
			n, ok := r.addLost(lost, p, s.receipts.tracks[uint32(p.number)])
			if !ok {
				return
			}
			all += n
		}
	}
	if all != res.Lost {
		return
	}
	for i, n := range lost {
		res.Series.Points[i].Lost = n
	}
}

// lossOverTime returns the largest number of messages that one point lost, and whether the points
// have all that were lost.
func (res *Result) lossOverTime() (most uint64, known bool) {
	var all uint64
	for i := range res.Series.Points {
		n := res.Series.Points[i].Lost
		all, most = all+n, max(most, n)
	}
	return most, all == res.Lost
}

// filterPublishers returns a function for the publishers whose messages all match a filter. It
// reports false if there are too many to compare.
func (r *run) filterPublishers() func(filter string) ([]*client, bool) {
	exact := map[string][]*client{} // by topic
	known := map[string][]*client{} // by filter
	fixed := true
	for _, c := range r.pubs.clients {
		topic := r.plan.Topic.forClient(c.number)
		if fixed = fixed && !varies(topic); !fixed {
			break
		}
		topic = strings.ReplaceAll(topic, "%%", "%")
		exact[topic] = append(exact[topic], c)
	}
	pairs := 0
	return func(filter string) ([]*client, bool) {
		found, ok := known[filter]
		if fixed && !strings.ContainsAny(filter, "+#") {
			return exact[filter], true
		}
		if !ok {
			if pairs += len(r.pubs.clients); pairs > maxPairs {
				return nil, false
			}
			for _, c := range r.pubs.clients {
				if matches(filter, r.plan.Topic.forClient(c.number)) == matchesAll {
					found = append(found, c)
				}
			}
			known[filter] = found
		}
		return found, true
	}
}

// addLost adds the messages of publisher c that t lacks to the points they were due in, and
// returns how many there are. t is nil if nothing was received. ok is false if they are not known.
func (r *run) addLost(lost []uint64, c *client, t *track) (n uint64, ok bool) {
	u := c.pub
	if u.refused > 0 || t != nil && t.blind {
		return 0, false
	}
	add := func(g gap) {
		n += g.to - g.from
		for g.from < g.to {
			step, end := u.stepOf(r, g)
			lost[min(step, len(lost)-1)] += end - g.from
			g.from = end
		}
	}
	next := uint64(0)
	if t != nil {
		next = t.next
		t.each(add)
	}
	if next < u.sent {
		add(gap{next, u.sent})
	}
	return n, true
}

// stepOf returns the point in which the first message of g was due, and the first message of g
// that was due later, or the end of g.
func (u *publisher) stepOf(r *run, g gap) (step int, end uint64) {
	width := r.series.width
	if r.plan.Rate > 0 {
		step = int(r.pace.due(u.index, g.from) / width)
		return step, max(r.pace.before(u.index, int64(step+1)*width, g.to), g.from+1)
	}
	var before uint64
	for i, n := range u.steps.counts {
		if before += uint64(n); before > g.from {
			return int(int64(i) * u.steps.width / width), min(before, g.to)
		}
	}
	return max(len(r.series.points)-1, 0), g.to // not counted yet when the run ended
}

// steps counts the messages of a publisher in equal steps of time, as a series has points. A
// closed loop has no schedule that tells when a message was due.
type steps struct {
	width  int64 // nanoseconds
	counts []uint32
}

// add counts n messages at a time since the start.
func (s *steps) add(at int64, n uint64) {
	if s.width == 0 {
		s.width = sampleInterval
	}
	i := int(max(at, 0) / s.width)
	for i >= maxPoints {
		half := s.counts[:0]
		for j := 0; j < len(s.counts); j += 2 {
			x := s.counts[j]
			if j+1 < len(s.counts) {
				x += s.counts[j+1]
			}
			half = append(half, x)
		}
		s.counts, s.width = half, 2*s.width
		i = int(max(at, 0) / s.width)
	}
	for len(s.counts) <= i {
		s.counts = append(s.counts, 0)
	}
	s.counts[i] += uint32(n)
}
