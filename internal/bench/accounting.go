package bench

import (
	"math"
	"slices"
	"strings"
	"time"

	"mqtt/internal/format"
)

// accountFor computes Expected and Lost from Topics and Filters. It needs nothing but the
// Result, so merged results are computed in the same way.
func (res *Result) accountFor() {
	res.Expected, res.Lost = 0, 0
	partial := false             // a filter matches some topics of a template only
	exact := map[string]uint64{} // messages by topic
	var all, templates []TopicCount
	for _, t := range res.Topics {
		all = append(all, t)
		if varies(t.Topic) {
			templates = append(templates, t)
			continue
		}
		exact[strings.ReplaceAll(t.Topic, "%%", "%")] += t.Sent
	}
	for _, f := range res.Filters {
		var expected uint64
		candidates := all
		if !strings.ContainsAny(f.Filter, "+#") {
			expected = exact[f.Filter]
			candidates = templates
		}
		for _, t := range candidates {
			switch matches(f.Filter, t.Topic) {
			case matchesAll:
				expected += t.Sent
			case matchesSome:
				partial = true
			}
		}
		if f.Shared == "" {
			expected *= uint64(f.Subscribers)
		}
		res.Expected += expected
		if f.Unique < expected {
			res.Lost += expected - f.Unique
		}
	}
	switch {
	case len(res.Topics) == 0 || partial:
		// How many messages the filters match is not known.
		res.Expected, res.Lost = res.unique(), 0
		res.Accounted = res.Accounted && len(res.Filters) == 0
	case !res.Accounted && res.Received < res.Expected:
		res.Lost = res.Expected - res.Received
	case !res.Accounted:
		res.Lost = 0
	}
}

// elsewhereText is the note of a result with messages of other processes.
const elsewhereText = "messages from other processes are not known here: loss cannot be determined yet"

// sharedText is the note of a result with members of a shared subscription that may have
// others in other processes.
const sharedText = "members of the shared subscription in other processes may have received the missing messages: loss cannot be determined yet"

// accountForParts computes Expected, Lost and Accounted of the merged result m.
func (m *Result) accountForParts(parts []*Result) {
	if len(parts) == 1 {
		p := parts[0]
		m.Expected, m.Lost, m.Accounted = p.Expected, p.Lost, p.Accounted
		return
	}
	lacking := m.Unknown
	for _, p := range parts {
		m.Accounted = m.Accounted && !p.unaccountable()
		lacking -= p.Unknown
	}
	if lacking > 0 {
		m.Accounted = false
		m.Notes = append(m.Notes, Note{About: "accounting",
			Text: "the results do not say which messages the members of a shared subscription received in each process, so lost and duplicated are unknown"})
	}
	m.drop(func(n Note) bool { return n.Text == sharedText || n.Text == elsewhereText && len(m.Topics) > 0 })
	m.accountFor()
	if after := m.lateSubscribers(parts); m.Lost > 0 && after > 0 {
		m.Accounted = false
		m.accountFor()
		m.Notes = append(m.Notes, Note{About: "accounting",
			Text:   "subscribers of one process came " + format.Duration(after) + " after the first message of another, so what was lost is unknown",
			Remedy: "--start-at gives all processes one start"})
	}
}

// lateSubscribers returns how long after the first message of any part the last subscriber
// had subscribed, 0 if all had before.
func (m *Result) lateSubscribers(parts []*Result) time.Duration {
	var first, last time.Time
	for _, p := range parts {
		if p.Sent > 0 && (first.IsZero() || p.Started.Before(first)) {
			first = p.Started
		}
		if p.Subscribed.After(last) {
			last = p.Subscribed
		}
	}
	if first.IsZero() || last.IsZero() {
		return 0
	}
	return max(last.Sub(first)-m.Clock.slack(), 0)
}

// slack returns by how much the times of two parts may differ because of their clocks.
func (c *Clock) slack() time.Duration { return fromMicros(math.Abs(c.Offset) + c.Error) }

// unaccountable reports whether the messages of r had no publisher and sequence.
func (r *Result) unaccountable() bool {
	return r.Unknown > 0 || !r.Accounted && (len(r.Topics) > 0 && !r.sharedElsewhere() || r.Received > 0 && r.unique() == 0)
}

// sharedElsewhere reports whether r has a shared subscription with members in other
// processes, which alone may be why r is not accounted for.
func (r *Result) sharedElsewhere() bool {
	return r.Config.Run != "" && slices.ContainsFunc(r.Filters, func(f FilterCount) bool {
		return f.Shared != "" && (len(f.Receipts) > 0 || r.Received == 0)
	})
}

// unique returns the number of deliveries without duplicates.
func (res *Result) unique() uint64 {
	var n uint64
	for _, f := range res.Filters {
		n += f.Unique
	}
	return n
}

// expected returns the number of deliveries expected for the messages published so far.
func (r *run) expected() uint64 {
	res := Result{Topics: r.topics(), Filters: r.filters(false), Accounted: true}
	res.accountFor()
	return res.Expected
}
