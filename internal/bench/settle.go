package bench

import "strings"

// settle computes what is expected and lost from what was published and subscribed
// to. It needs no more than a Result has, so merged results are settled the same way.
func (res *Result) settle() {
	res.Expected, res.Lost = 0, 0
	sometimes := false
	exact := map[string]uint64{}
	var all, open []TopicCount
	for _, t := range res.Topics {
		all = append(all, t)
		if varies(t.Topic) {
			open = append(open, t)
			continue
		}
		exact[strings.ReplaceAll(t.Topic, "%%", "%")] += t.Sent
	}
	for _, f := range res.Filters {
		var expected uint64
		candidates := all
		if !strings.ContainsAny(f.Filter, "+#") {
			expected = exact[f.Filter]
			candidates = open
		}
		for _, t := range candidates {
			switch meets(f.Filter, t.Topic) {
			case always:
				expected += t.Sent
			case sometimesMeets:
				sometimes = true
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
	case len(res.Topics) == 0 || sometimes:
		// What was published elsewhere, or which of it a filter takes, is not known.
		res.Expected, res.Lost = res.unique(), 0
		res.Accounted = res.Accounted && len(res.Filters) == 0
	case !res.Accounted && res.Received < res.Expected:
		res.Lost = res.Expected - res.Received
	case !res.Accounted:
		res.Lost = 0
	}
}

// elsewhere is said of a result whose messages came from other processes.
const elsewhere = "what was published elsewhere is not known here: loss cannot be told yet"

// account settles what parts have together. Those of one --run are settled as one; any
// other counts its own messages alone, so it tells by itself what was lost, or nobody does.
func (m *Result) account(parts []*Result) {
	m.Expected, m.Lost, m.Accounted = 0, 0, true
	alone := false // some receive, and do not know what was sent
	named := map[string][]*Result{}
	add := func(p *Result) {
		m.Expected += p.Expected
		m.Lost += p.Lost
		m.Accounted = m.Accounted && p.Accounted
		alone = alone || len(p.Filters) > 0 && len(p.Topics) == 0
	}
	for _, p := range parts {
		if name := p.Config.Run; name != "" {
			named[name] = append(named[name], p)
		} else {
			add(p)
		}
	}
	for _, of := range named {
		add(together(of))
	}
	if alone && len(m.Topics) == 0 {
		return
	}
	m.drop(func(n Note) bool { return n.Text == elsewhere })
	if alone {
		m.Notes = append(m.Notes, Note{About: "accounting",
			Text:   "these are results of different runs: what one sent and another received cannot be compared, so loss is not known",
			Remedy: "give all processes the same --run NAME"})
	}
}

// together settles the parts of one run.
func together(parts []*Result) *Result {
	if len(parts) == 1 {
		return parts[0]
	}
	one := &Result{Accounted: true}
	for _, p := range parts {
		one.absorbTopics(p.Topics)
		one.absorbFilters(p.Filters)
		one.Received += p.Received
		one.Accounted = one.Accounted && !p.blind()
	}
	one.settle()
	return one
}

// blind tells whether messages of r carried no publisher and sequence.
func (r *Result) blind() bool {
	return !r.Accounted && (len(r.Topics) > 0 || r.Received > 0 && r.unique() == 0)
}

func (res *Result) unique() uint64 {
	var n uint64
	for _, f := range res.Filters {
		n += f.Unique
	}
	return n
}

// expected is what should come of what has been published.
func (r *run) expected() uint64 {
	res := Result{Topics: r.topics(), Filters: r.filters(), Accounted: true}
	res.settle()
	return res.Expected
}
