package bench

import (
	"slices"
	"sort"
)

// add adds the clients and rates of o.
func (c *Config) add(o *Config) {
	if o.Run != c.Run {
		c.Run = ""
	}
	if o.Publishers > 0 && o.PayloadSize >= 0 {
		c.PayloadSize = o.PayloadSize
	}
	c.Offset = min(c.Offset, o.Offset)
	c.Publishers += o.Publishers
	c.Subscribers += o.Subscribers
	c.Clients += o.Clients
	c.Rate += o.Rate
	c.Messages += o.Messages
	c.Ramp += o.Ramp
	c.Churn += o.Churn
}

// add allows what l or o allows.
func (l *Legal) add(o Legal) {
	l.Loss = l.Loss || o.Loss
	l.Duplicate = l.Duplicate || o.Duplicate
	l.Reorder = l.Reorder || o.Reorder
}

// add adds the connections of another machine.
func (c *Connections) add(o *Connections) {
	c.Wanted += o.Wanted
	c.Opened += o.Opened
	c.Failed += o.Failed
	c.Lost += o.Lost
	c.Cut += o.Cut
	c.Reconnected += o.Reconnected
	c.Peak += o.Peak
	c.RampSeconds = max(c.RampSeconds, o.RampSeconds)
}

// add makes c the worse of the two clocks.
func (c *Clock) add(o *Clock) {
	switch {
	case c.Mode == Refused || o.Mode == Refused:
		*c = Clock{Mode: Refused}
	case o.Mode == Estimated:
		c.Mode = Estimated
		c.Error = max(c.Error, o.Error)
		if o.Offset*o.Offset > c.Offset*c.Offset {
			c.Offset = o.Offset
		}
	}
}

// addPhases adds the histograms of phases.
func (m *Result) addPhases(all []Phase) {
	for _, p := range all {
		i := slices.IndexFunc(m.Phases, func(q Phase) bool { return q.Name == p.Name })
		if i < 0 {
			m.Phases = append(m.Phases, Phase{p.Name, NewHistogram()})
			i = len(m.Phases) - 1
		}
		m.Phases[i].Took.Merge(p.Took)
	}
	sort.SliceStable(m.Phases, func(i, j int) bool { return phaseOrder(m.Phases[i].Name) < phaseOrder(m.Phases[j].Name) })
}

// phaseOrder returns the position of a phase.
func phaseOrder(name string) int { return slices.Index(phaseNames[:], name) }

// addErrors adds the counts of errors by kind.
func (m *Result) addErrors(all []ErrorKind) {
	for _, k := range all {
		if i := slices.IndexFunc(m.ErrorKinds, func(q ErrorKind) bool { return q.Kind == k.Kind }); i >= 0 {
			m.ErrorKinds[i].Count += k.Count
		} else {
			m.ErrorKinds = append(m.ErrorKinds, k)
		}
	}
	mostFirst(m.ErrorKinds)
}

// mostFirst sorts the kinds of errors by their counts.
func mostFirst(kinds []ErrorKind) {
	sort.SliceStable(kinds, func(i, j int) bool { return kinds[i].Count > kinds[j].Count })
}

// addTopics adds the counts of topics.
func (m *Result) addTopics(all []TopicCount) {
	for _, t := range all {
		if i := slices.IndexFunc(m.Topics, func(q TopicCount) bool { return q.Topic == t.Topic }); i >= 0 {
			m.Topics[i].Publishers += t.Publishers
			m.Topics[i].Sent += t.Sent
			m.Topics[i].Refused += t.Refused
		} else {
			m.Topics = append(m.Topics, t)
		}
	}
}

// addFilters adds the counts of filters.
func (m *Result) addFilters(all []FilterCount) {
	for _, f := range all {
		if i := slices.IndexFunc(m.Filters, func(q FilterCount) bool { return q.Filter == f.Filter && q.Shared == f.Shared }); i >= 0 {
			m.addFilter(&m.Filters[i], &f)
		} else {
			m.Filters = append(m.Filters, f)
		}
	}
}

// addFilter adds the counts of o to f, which is of the same filter. A message that members of
// a shared subscription received in both processes is a duplicate.
func (m *Result) addFilter(f, o *FilterCount) {
	f.Subscribers += o.Subscribers
	if f.Shared == "" {
		f.Unique += o.Unique
		return
	}
	all, unique, ok := union(f, o)
	if !ok {
		m.Unknown += f.Unique + o.Unique
		f.Unique += o.Unique
		f.Receipts = nil
		return
	}
	m.Duplicated += f.Unique + o.Unique - unique
	f.Unique, f.Receipts = unique, all
}
