package sub

import (
	"strings"

	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// maxNamed is how many topic filters a status line names.
const maxNamed = 3

// granted says that the server granted holds of the filters, or that it did so again.
func (s *subscriber) granted(a *asked, holds int) {
	if a.subscribed {
		s.plan.Status.Again(", subscribed again; messages may have been missed")
		return
	}
	s.e.Status("subscribed to %s", filterText(a.subscribe.Filters, holds))
}

// resumed says that the server kept the session. It need not keep messages at QoS 0.
func (s *subscriber) resumed() {
	details := ", session resumed"
	if s.asked.highest() == 0 {
		details += "; messages may have been missed at QoS 0"
	}
	s.plan.Status.Again(details)
}

// filterText names filters, of which n are granted, or counts them if they are many or not all were
// granted.
func filterText(filters []proto.Subscription, n int) string {
	switch {
	case n < len(filters):
		return format.Count(uint64(n)) + " of " + format.Plural(uint64(len(filters)), "filter")
	case n > maxNamed:
		return format.Plural(uint64(n), "filter")
	}
	names := make([]string, len(filters))
	for i, f := range filters {
		names[i] = f.Filter
	}
	return strings.Join(names, ", ")
}
