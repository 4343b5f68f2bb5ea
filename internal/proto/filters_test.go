package proto

import "testing"

// TestFilters checks that counting filters does not allocate, and ends at malformed data.
func TestFilters(t *testing.T) {
	for _, v := range []Version{V311, V5} {
		for n := 1; n < 300; n += 99 {
			s, u := Subscribe{PacketID: 1}, Unsubscribe{PacketID: 1}
			if v >= V5 {
				s.Props = s.Props.AppendNum(SubscriptionIdentifier, 300)
			}
			for range n {
				s.Filters = append(s.Filters, Subscription{Filter: "a/é"})
				u.Filters = append(u.Filters, "a/é")
			}
			for _, p := range []Packet{&s, &u} {
				b, err := p.Append(nil, v)
				if err != nil {
					t.Fatal(err)
				}
				f, _, err := Split(b, 0)
				if err != nil {
					t.Fatal(err)
				}
				got := -1
				if allocs := testing.AllocsPerRun(10, func() { got = f.CountFilters(v) }); got != n || allocs > 0 {
					t.Errorf("%s of %s with %d filters: %d, %v allocations", p.Type(), v, n, got, allocs)
				}
				f.Body = f.Body[:len(f.Body)-1]
				if got := f.CountFilters(v); got != n {
					t.Errorf("%s of %s with %d filters, cut: %d", p.Type(), v, n, got)
				}
			}
		}
	}
}
