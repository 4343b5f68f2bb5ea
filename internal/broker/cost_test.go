package broker

import (
	"fmt"
	"strings"
	"testing"
)

// The costs that doc.go names, in steps, because time depends on the machine.

// A step of a walk looks at a limited number of topics, and all steps together look at the topics
// that match and those they have to pass.
func TestStepsOfAWalkAreBounded(t *testing.T) {
	const topics = 20_000
	var r retained
	r.init()
	for i := range topics {
		r.put(&Message{Topic: fmt.Append(nil, "r", i), Payload: []byte("x")}, false)
	}
	for filter, row := range map[string]struct{ found, most int }{
		"#":       {topics, 2 * topics},
		"+":       {topics, 2 * topics},
		"+/nope":  {0, (scanBefore + searchCost) * topics},
		"r7":      {1, 4 * searchCost},
		"nope":    {0, 4 * searchCost},
		"r7/+/x":  {0, 4 * searchCost},
		"nope/#":  {0, 4 * searchCost},
		"$x/+":    {0, 4 * searchCost},
		"r7/#":    {1, 4 * searchCost},
		"+/+/+/#": {0, (scanBefore + searchCost) * topics},
	} {
		at := cursor{filter: filter}
		total, n := 0, 0
		for done := false; !done; {
			left := stepTopics
			var found []*Message
			found, done = r.next(&at, walkView{serial: r.serial}, &left, stepMessages, nil)
			if step := stepTopics - left; step > stepTopics+searchCost || len(found) > stepMessages {
				t.Fatalf("%s: a step came to %d topics and %d messages", filter, step, len(found))
			}
			total += stepTopics - left
			n += len(found)
		}
		if n != row.found || total > row.most {
			t.Errorf("%s: %d messages in %d steps, want %d in %d at most", filter, n, total, row.found, row.most)
		}
	}
}

// overlapping returns n subscriptions that all match the topic that matched returns.
func overlapping(n int) (subs []*subscription) {
	for i := range n {
		var b strings.Builder
		for bit := range 14 {
			b.WriteString([]string{"x/", "+/"}[i>>bit&1])
		}
		b.WriteString(strings.Repeat("x/", 84) + "x")
		subs = append(subs, newSubscription(to(b.String(), 1), uint32(i+1)))
	}
	return subs
}

func matched98() []byte { return []byte(strings.Repeat("x/", 98) + "x") }

// BenchmarkSubscribe adds and removes filters of 99 levels, as many at a time as a SUBSCRIBE does.
// The cost of one does not depend on how many there are.
func BenchmarkSubscribe(b *testing.B) {
	for _, n := range []int{64, 1024, 10_000} {
		b.Run(fmt.Sprint(n, " filters"), func(b *testing.B) {
			var r router
			s := &session{}
			subs := overlapping(n)
			r.add(s, subs...)
			some := subs[n-filtersAtOnce:]
			for b.Loop() {
				r.remove(s, some...)
				r.add(s, some...)
			}
		})
	}
}

// BenchmarkRoute builds the route of a topic that all filters match. The cost grows with their
// number, also with identifiers.
func BenchmarkRoute(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n, " filters"), func(b *testing.B) {
			var r router
			s := &session{}
			r.add(s, overlapping(n)...)
			for b.Loop() {
				r.build(matched98(), nil)
			}
		})
	}
}

// BenchmarkRetainedWalk visits all retained messages. The cost of one does not depend on their
// number.
func BenchmarkRetainedWalk(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		for _, filter := range []string{"r/#", "r/+/x", "r/+/nope"} {
			b.Run(fmt.Sprint(filter, " ", n, " topics"), func(b *testing.B) {
				var r retained
				r.init()
				for i := range n {
					r.put(&Message{Topic: fmt.Append(nil, "r/", i, "/x"), Payload: []byte("x")}, false)
				}
				found := make([]*Message, 0, stepMessages)
				for b.Loop() {
					at := cursor{filter: filter}
					for done := false; !done; {
						left := stepTopics
						found, done = r.next(&at, walkView{serial: r.serial}, &left, stepMessages, found[:0])
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/topic")
			})
		}
	}
}

// BenchmarkDisconnect offers the backlog of a member of a group to other members, none of which
// accepts it. The cost grows with the messages and with the members, and not with their product.
func BenchmarkDisconnect(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n, " messages and members"), func(b *testing.B) {
			broker := New(Options{SysInterval: -1})
			from := &session{b: broker}
			g := &group{}
			var members []member
			for range n {
				members = append(members, member{s: &session{b: broker, ended: true}, grant: &grant{group: g, qos: 1}})
			}
			g.members.Store(&members)
			left := make([]delivery, n)
			for i := range left {
				left[i] = delivery{m: &Message{QoS: 1}, g: members[0].grant, qos: 1}
			}
			for b.Loop() {
				bt := broker.batch(nil)
				broker.passToMembers(bt, from, left)
				bt.finish()
			}
		})
	}
}
