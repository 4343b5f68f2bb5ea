package broker

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mqtt/internal/proto"
)

// The tree and the definition in the standard agree on random filters and topics.
func TestTreesMatchAsFiltersDo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "b", "", "a!", "$x", "+", "#"}
	text := func(n int) string {
		levels := make([]string, 1+random.IntN(6))
		for i := range levels {
			levels[i] = words[random.IntN(n)]
		}
		return strings.Join(levels, "/")
	}
	for range 200 {
		var r router
		var kept retained
		kept.init()
		filters := map[*session]string{}
		for range 40 {
			f := text(len(words))
			if proto.CheckFilter(f) != nil {
				continue
			}
			s := &session{}
			filters[s] = f
			r.add(s, newSubscription(to(f, 0), 0))
			if other := text(len(words)); proto.CheckFilter(other) == nil { // a filter that is added and removed
				gone := newSubscription(to(other, 0), 0)
				r.add(s, gone)
				if other != f {
					r.remove(s, gone)
				} else {
					r.add(s, newSubscription(to(f, 0), 0))
				}
			}
		}
		topics := map[string]bool{}
		for range 60 {
			topic := text(len(words) - 2)
			if topic == "" {
				continue
			}
			topics[topic] = true
			kept.put(&Message{Topic: []byte(topic), Payload: []byte("x")}, false)
			rt := r.find([]byte(topic))
			for s, f := range filters {
				if want, got := proto.Match(f, []byte(topic)), rt.targetOf(s) != nil; want != got {
					t.Fatalf("filter %q, topic %q: %v, want %v", f, topic, got, want)
				}
			}
		}
		for _, f := range filters {
			got := map[string]bool{}
			at := cursor{filter: f}
			for done := false; !done; {
				var found []*Message
				left := 1 + random.IntN(30)
				if found, done = kept.next(&at, walkView{serial: kept.serial}, &left, 1+random.IntN(3), nil); left > 30 {
					t.Fatal("a step that cost nothing")
				}
				for _, m := range found {
					if got[string(m.Topic)] {
						t.Fatalf("retained: filter %q, topic %q comes twice", f, m.Topic)
					}
					got[string(m.Topic)] = true
				}
			}
			for topic := range topics {
				if want := proto.Match(f, []byte(topic)); want != got[topic] {
					t.Fatalf("retained: filter %q, topic %q: %v, want %v", f, topic, got[topic], want)
				}
			}
		}
		for s, f := range filters {
			r.remove(s, newSubscription(to(f, 0), 0))
		}
		for topic := range topics {
			kept.remove(topic, false)
		}
		if !r.root.empty() || r.plain != 0 || kept.topics.Len() != 0 || kept.count != 0 || kept.bytes != 0 {
			t.Fatal("something is left in an empty tree")
		}
	}
}

func TestRetainedIsBounded(t *testing.T) {
	var r retained
	r.init()
	put := func(topic string) bool {
		m := &Message{Topic: []byte(topic), Payload: []byte("x")}
		r.reserved = 1
		ok := r.limit(m, 2, 1<<20) == ""
		if ok {
			r.put(m, false)
		}
		return ok
	}
	if !put("a") || !put("b/c") || put("d/e/f") || !put("a") || r.count != 2 {
		t.Error("the limit of two is not kept")
	}
	if r.limit(&Message{Topic: []byte("a")}, 2, -1) != "" {
		t.Error("nothing can be cleared")
	}
	r.remove("a", false)
	if !put("d/e/f") {
		t.Error("no room after one was cleared")
	}
	larger := &Message{Topic: []byte("b/c"), Payload: []byte("yyy")}
	if r.limit(&Message{Topic: []byte("b/c"), Payload: []byte("y")}, 2, -1) != "" || r.limit(larger, 2, 1) == "" || r.limit(larger, 2, 2) != "" {
		t.Error("what takes the place of another needs room for what it is larger by")
	}
}

// count returns the number of nodes below n.
func (n *node) count() (all int) {
	for _, c := range n.children {
		all += 1 + c.count()
	}
	return all
}

// A filter adds at most two nodes, however many levels it has. A route costs no more steps than
// there are nodes and levels that could match.
func TestDeepFiltersAreCheap(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const filters, levels = 2000, 99
	var r router
	s := &session{}
	var subs []*subscription
	for len(subs) < filters {
		deep := make([]string, levels)
		for i := range deep {
			deep[i] = []string{"+", "x"}[random.IntN(2)]
		}
		subs = append(subs, newSubscription(to(strings.Join(deep, "/"), 1), uint32(len(subs)+1)))
	}
	for some := range slices.Chunk(subs, 10) {
		r.add(s, some...)
	}
	if n := r.root.count(); n > 2*filters {
		t.Errorf("%d nodes for %d filters", n, filters)
	}
	rt := r.find([]byte(strings.Repeat("x/", levels-1) + "x"))
	ids := 0
	for range rt.targets[0].grant.ids.All() {
		ids++
	}
	if len(rt.targets) != 1 || ids != filters {
		t.Errorf("%d targets with %d identifiers", len(rt.targets), ids)
	}
	if most := 2*filters + filters*levels/8; rt.steps > most {
		t.Errorf("%d steps, want no more than %d", rt.steps, most)
	}
	if rt.size() < len(rt.targets[0].grant.ids) {
		t.Error("identifiers are not counted in the size of a route")
	}
	random.Shuffle(len(subs), func(i, j int) { subs[i], subs[j] = subs[j], subs[i] })
	for i, sub := range subs {
		r.remove(s, sub)
		if n := r.root.count(); n > 2*(filters-i-1) {
			t.Fatalf("%d nodes are left for %d filters", n, filters-i-1)
		}
	}
}
