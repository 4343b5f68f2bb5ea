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
