package fair

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func key(s string) Key { return KeyOf(&net.TCPAddr{IP: net.ParseIP(s)}) }

// An IPv4 address is one party, and so is an IPv6 network of 64 bits.
func TestKeyOf(t *testing.T) {
	for _, c := range []struct {
		a    net.Addr
		want Key
	}{
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, Key{Addr: netip.MustParsePrefix("192.0.2.1/32")}},
		{&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1")}, Key{Addr: netip.MustParsePrefix("192.0.2.1/32")}},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:3::4")}, Key{Addr: netip.MustParsePrefix("2001:db8:1:2::/64")}},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, Key{Addr: netip.MustParsePrefix("fe80::/64")}},
		{&net.UnixAddr{Name: "s"}, Key{}}, {nil, Key{}}, {&net.TCPAddr{}, Key{}},
	} {
		if got := KeyOf(c.a); got != c.want {
			t.Errorf("%v: %v, want %v", c.a, got, c.want)
		}
	}
}

// Free slots go to the addresses in turn, and to the users of an address in turn.
func TestSlotsAreTakenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(1, 100, 100)
		if err := s.Take(t.Context(), Key{}, ""); err != nil {
			t.Fatal(err)
		}
		var order strings.Builder
		var wg sync.WaitGroup
		for _, name := range []string{"1a", "1a", "1a", "1b", "2a", "2a", "3c"} {
			wg.Go(func() {
				if err := s.Take(t.Context(), key("10.0.0."+name[:1]), name[1:]); err != nil {
					t.Error(err)
				}
				order.WriteString(name + " ") // one slot: nobody else writes
				s.Release()
			})
			synctest.Wait()
		}
		s.Release()
		wg.Wait()
		if got, want := order.String(), "1a 2a 3c 1b 2a 1a 1a "; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
		if s.free != 1 || s.queue.n != 0 || len(s.queue.keys) != 0 || len(s.queue.inTurn) != 0 {
			t.Errorf("%d are free, %d wait", s.free, s.queue.n)
		}
	})
}

// A full queue costs the party and the user who have most of it, and nobody else.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(1, 3, 5)
		ctx, cancel := context.WithCancel(t.Context())
		s.Take(ctx, Key{}, "")
		errs := make(map[string]chan error)
		ask := func(name string) {
			c := make(chan error, 1)
			errs[name] = c
			go func() { c <- s.Take(ctx, key("10.0.0."+name[:1]), name[1:2]) }()
			synctest.Wait()
		}
		busy := func(name string) bool {
			select {
			case err := <-errs[name]:
				return errors.Is(err, ErrBusy)
			default:
				return false
			}
		}
		for _, name := range []string{"1a1", "1a2", "1a3", "1a4"} {
			ask(name)
		}
		if !busy("1a4") {
			t.Error("a fourth request of the user waits")
		}
		ask("1b1")
		if !busy("1a3") || busy("1b1") {
			t.Error("another user of a full address does not wait in the place of the one who has most")
		}
		ask("2a1")
		ask("2a2")
		ask("3a1")
		if !busy("1a2") || busy("3a1") {
			t.Error("another address does not wait in the place of the one that has most")
		}
		ask("4a1")
		ask("5a1") // of 1a1, 1b1, 2a1, 2a2, 3a1, 4a1 one had to go
		if n := s.queue.n; n != 5 {
			t.Errorf("%d wait", n)
		}
		cancel()
		synctest.Wait()
		if s.queue.n != 0 {
			t.Errorf("%d wait after the end of their contexts", s.queue.n)
		}
		s.Release()
		if s.free != 1 {
			t.Errorf("%d slots are free", s.free)
		}
	})
}

// A lone party has the whole rate, and a second's worth at once.
func TestRateOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(20)
		began, let := time.Now(), 0
		for range 1000 {
			if r.Take(t.Context(), key("10.0.0.1")) {
				let++
			}
			time.Sleep(2 * time.Millisecond)
		}
		if took := time.Since(began); let < 40 || float64(let) > 20+20*took.Seconds() {
			t.Errorf("%d were let in within %s", let, took)
		}
		if NewRate(0).Take(t.Context(), Key{}) != true {
			t.Error("0 is a limit")
		}
	})
}

// A party that uses up the rate leaves others their shares: they wait for a moment and are let in,
// while the sum stays within the rate.
func TestRateIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 20
		r := NewRate(each)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began, flood := time.Now(), 0
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				if r.Take(ctx, key("10.0.0.1")) {
					flood++
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
		time.Sleep(3 * time.Second)
		others := 0
		for i := range 12 {
			for _, k := range []Key{key("10.0.0.2"), {User: "ann"}} {
				asked := time.Now()
				if !r.Take(ctx, k) {
					t.Errorf("turn %d of %v was refused", i, k)
				}
				others++
				if waited := time.Since(asked); waited > 200*time.Millisecond {
					t.Errorf("%v waited for %s", k, waited)
				}
			}
			time.Sleep(400 * time.Millisecond)
		}
		wg.Wait()
		if all := flood + others; float64(all) > each+each*time.Since(began).Seconds() || flood < each {
			t.Errorf("%d were let in, %d of them others", all, others)
		}
		time.Sleep(10 * time.Second)
		r.Take(t.Context(), Key{})
		if len(r.used) != 1 {
			t.Errorf("%d parties are known", len(r.used))
		}
	})
}

// A wait for the rate ends with its context.
func TestRateWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(0.5)
		r.Take(t.Context(), key("10.0.0.1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r.Take(ctx, key("10.0.0.2")) || ctx.Err() == nil || r.queue.n != 0 {
			t.Errorf("context %v, %d wait", ctx.Err(), r.queue.n)
		}
		time.Sleep(10 * time.Second)
	})
}
