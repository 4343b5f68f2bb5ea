package bench

import "strings"

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
const elsewhereText = "what was published elsewhere is not known here: loss cannot be told yet"

// accountForParts computes Expected and Lost of the merged result m. Parts of one --run are
// accounted for together. Any other part counts only its own messages, so its own Lost is
// used.
func (m *Result) accountForParts(parts []*Result) {
	m.Expected, m.Lost, m.Accounted = 0, 0, true
	unknown := false // a part received messages and does not know what was sent
	named := map[string][]*Result{}
	add := func(p *Result) {
		m.Expected += p.Expected
		m.Lost += p.Lost
		m.Accounted = m.Accounted && p.Accounted
		unknown = unknown || len(p.Filters) > 0 && len(p.Topics) == 0
	}
	for _, p := range parts {
		if name := p.Config.Run; name != "" {
			named[name] = append(named[name], p)
		} else {
			add(p)
		}
	}
	for _, of := range named {
		add(accountTogether(of))
	}
	if unknown && len(m.Topics) == 0 {
		return
	}
	m.drop(func(n Note) bool { return n.Text == elsewhereText })
	if unknown {
		m.Notes = append(m.Notes, Note{About: "accounting",
			Text:   "these are results of different runs: what one sent and another received cannot be compared, so loss is not known",
			Remedy: "give all processes the same --run NAME"})
	}
}

// accountTogether returns a result with the accounting of the parts of one run.
func accountTogether(parts []*Result) *Result {
	if len(parts) == 1 {
		return parts[0]
	}
	sum := &Result{Accounted: true}
	for _, p := range parts {
		sum.addTopics(p.Topics)
		sum.addFilters(p.Filters)
		sum.Received += p.Received
		sum.Accounted = sum.Accounted && !p.unaccountable()
	}
	sum.accountFor()
	return sum
}

// unaccountable reports whether the messages of r had no publisher and sequence.
func (r *Result) unaccountable() bool {
	return !r.Accounted && (len(r.Topics) > 0 || r.Received > 0 && r.unique() == 0)
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
	res := Result{Topics: r.topics(), Filters: r.filters(), Accounted: true}
	res.accountFor()
	return res.Expected
}
