package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

func TestOverlappingSubscriptionsDeliverOnceWithEveryIdentifier(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, p := k.connect(proto.V5, "s"), k.connect(proto.V5, "p")
		s.send(numbered(sub(1, to("a/#", 0)), 1), numbered(sub(2, to("a/+", 2)), 268435455), sub(3, to("+/b", 1)))
		s.want("SUBACK 1 00", "SUBACK 2 02", "SUBACK 3 01")
		p.send(pub("a/b", "m", 1, 1))
		x := s.next().(*proto.Publish)
		var ids []uint32
		for q := range x.Props.All() {
			if q.ID == proto.SubscriptionIdentifier {
				ids = append(ids, q.Num)
			}
		}
		if x.QoS != 1 || len(ids) != 2 || ids[0]+ids[1] != 268435456 { // [MQTT-3.3.4-2], [MQTT-3.3.4-3], [MQTT-3.3.4-4]
			t.Errorf("%s", dump(x))
		}
		s.silent()
		s.send(sub(4, to("a/#", 0))) // replaces the first, without an identifier [MQTT-3.8.4-3]
		s.want("SUBACK 4 00")
		p.send(pub("a/b", "m", 0, 0))
		s.want(`PUBLISH a/b "m" subscription-identifier=268435455`)
	})
}

// [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.7.3-1], [MQTT-4.8.2-1], [MQTT-4.8.2-2], 3.1.1
// [MQTT-4.7.1-2], [MQTT-4.7.1-3]
func TestRefusedFiltersByVersion(t *testing.T) {
	bad := []string{"a#", "a/#/b", "a+", "", "$share//x", "$share/g", "$share/g/", "$share/g+/x"}
	for _, filter := range bad {
		in(t, Options{}, func(k *bench) {
			k.misbehaves()
			p := k.connect(proto.V5, "5")
			p.asking(1, filter, 0)
			p.want("SUBACK 1 8F why")
			p = k.connect(proto.V311, "4")
			p.asking(1, filter, 1)
			p.want("SUBACK 1 80")         // 3.1.1 [MQTT-3.9.3-2]
			p = k.connect(proto.V31, "3") // 3.1 has no failure code
			p.asking(1, filter, 1)
			p.closed()
		})
	}
}

type noSecrets struct{}

func (noSecrets) Allow(who *Identity, topic string, a Access) bool {
	return who.Username == "root" || len(topic) < 6 || topic[:6] != "secret"
}

func TestACLIsAsked(t *testing.T) {
	root := func(c *proto.Connect) { c.HasUsername, c.Username = true, "root" }
	in(t, Options{ACL: noSecrets{}}, func(k *bench) {
		r, s, p3 := k.connect(proto.V5, "r", root), k.connect(proto.V5, "s"), k.connect(proto.V31, "p3")
		s.send(sub(1, to("secret/x", 1), to("#", 1)))
		s.want("SUBACK 1 87 01 why")
		r.subscribe(to("#", 0))
		r.send(pub("secret/x", "for root", 0, 0, retain), pub("open", "for all", 0, 0))
		r.want(`PUBLISH secret/x "for root"`, `PUBLISH open "for all"`)
		s.want(`PUBLISH open "for all"`) // # also matches topics that the client may only read
		s.send(pub("secret/x", "", 1, 1), pub("secret/x", "", 2, 2), pub("secret/x", "", 0, 0))
		s.want("PUBACK 1 87 why", "PUBREC 2 87 why")
		s.send(sub(2, to("#", 1)))
		s.want("SUBACK 2 01") // and no retained secret
		s.silent()
		r.silent()
		p3.send(sub(1, to("secret/x", 1))) // 3.1 cannot refuse, and the client gets nothing
		p3.want("SUBACK 1 01")
		r.send(pub("secret/x", "again", 0, 0))
		p3.silent()
		w := k.connect(proto.V5, "w", willed("secret/w", ""))
		w.cut()
		r.want(`PUBLISH secret/x "again"`)
		r.silent()
	})
}

func TestUnsubscribe(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, p, old := k.connect(proto.V5, "s"), k.connect(proto.V5, "p"), k.connect(proto.V311, "old")
		s.subscribe(to("a", 0), to("b", 0))
		p.send(pub("a", "1", 0, 0))
		s.want(`PUBLISH a "1"`)
		s.send(&proto.Unsubscribe{PacketID: 5, Filters: []string{"a", "c"}})
		s.want("UNSUBACK 5 00 11") // [MQTT-3.11.3-2]
		p.send(pub("a", "2", 0, 0), pub("b", "3", 0, 0))
		s.want(`PUBLISH b "3"`) // [MQTT-3.10.4-2]
		old.subscribe(to("a", 0))
		old.send(&proto.Unsubscribe{PacketID: 6, Filters: []string{"a", "never"}})
		old.want("UNSUBACK 6") // [MQTT-3.10.4-5]
		p.send(pub("a", "4", 0, 0))
		old.silent()
	})
}

func TestNoLocal(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		a, b := k.connect(proto.V5, "a"), k.connect(proto.V5, "b")
		a.subscribe(proto.Subscription{Filter: "t/#", NoLocal: true, QoS: 1})
		a.send(pub("t/1", "own", 0, 0, retain))
		b.send(pub("t/1", "other", 0, 0))
		a.want(`PUBLISH t/1 "other"`) // [MQTT-3.8.3-3]
		a.send(numbered(sub(1, proto.Subscription{Filter: "t/#", NoLocal: true}), 4))
		a.want("SUBACK 1 00") // nor the retained one
		a.silent()
		a.send(numbered(sub(2, proto.Subscription{Filter: "t/+", RetainHandling: 2}), 5))
		a.want("SUBACK 2 00")
		a.send(pub("t/1", "own", 0, 0)) // only the subscription without no-local matches
		a.want(`PUBLISH t/1 "own" subscription-identifier=5`)
	})
}

func TestRetained(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		p, live := k.connect(v, "p"), k.connect(v, "live")
		live.subscribe(to("r/#", 0))
		p.send(pub("r/1", "first", 0, 0, retain), pub("r/1", "one", 1, 1, retain), pub("r/2", "two", 0, 0, retain), pub("r", "top", 0, 0, retain))
		p.want("PUBACK 1")
		live.want(`PUBLISH r/1 "first"`, `PUBLISH r/1 "one"`, `PUBLISH r/2 "two"`, `PUBLISH r "top"`) // [MQTT-3.3.1-12], 3.1.1 [MQTT-3.3.1-9]
		s := k.connect(v, "s")
		s.send(sub(1, to("r/1", 2)))
		s.want("SUBACK 1 02", `PUBLISH r/1 "one" q1 id1 retain`) // [MQTT-3.3.1-9], 3.1.1 [MQTT-3.3.1-8]
		p.send(pub("r/2", "", 0, 0, retain))                     // [MQTT-3.3.1-6]
		live.want(`PUBLISH r/2 ""`)
		s = k.connect(v, "s2")
		s.send(sub(1, to("r/#", 0)))
		s.want("SUBACK 1 00")
		got := map[string]bool{dump(s.next()): true, dump(s.next()): true}
		if !got[`PUBLISH r/1 "one" retain`] || !got[`PUBLISH r "top" retain`] {
			t.Error(got)
		}
		s.silent() // [MQTT-3.3.1-7]
	})
}

func TestRetainHandlingAndRetainAsPublished(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		p, s := k.connect(proto.V5, "p"), k.connect(proto.V5, "s")
		p.send(pub("t", "kept", 0, 0, retain))
		with := func(handling byte, asPublished bool) *proto.Subscribe {
			return sub(1, proto.Subscription{Filter: "t", RetainHandling: handling, RetainAsPublished: asPublished})
		}
		s.send(with(2, false))
		s.want("SUBACK 1 00") // never [MQTT-3.3.1-11]
		s.send(with(1, false))
		s.want("SUBACK 1 00") // not new [MQTT-3.3.1-10]
		s.send(with(0, false))
		s.want("SUBACK 1 00", `PUBLISH t "kept" retain`)
		s.send(&proto.Unsubscribe{PacketID: 2, Filters: []string{"t"}})
		s.want("UNSUBACK 2 00")
		s.send(with(1, true))
		s.want("SUBACK 1 00", `PUBLISH t "kept" retain`)
		p.send(pub("t", "live", 0, 0, retain), pub("t", "plain", 0, 0))
		s.want(`PUBLISH t "live" retain`, `PUBLISH t "plain"`) // [MQTT-3.3.1-13]
	})
}

func TestManyRetainedMessagesToOneThatReadsSlowly(t *testing.T) {
	in(t, Options{HighWater: 4096}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		for i := range 200 {
			p.send(pub("r/"+string(rune('a'+i/26))+string(rune('a'+i%26)), big(100), 0, 0, retain))
		}
		s := k.connect(proto.V5, "s")
		goOn := s.pause()
		s.send(sub(1, to("r/+", 0)))
		synctest.Wait()
		p.send(pub("r/aa", "newer", 0, 0))
		k.pass(5 * time.Second)
		goOn()
		s.want("SUBACK 1 00")
		for range 200 {
			if x, ok := s.next().(*proto.Publish); !ok || !x.Retain {
				t.Fatal("a retained message is missing, or one that is newer has overtaken it")
			}
		}
		s.want(`PUBLISH r/aa "newer"`)
		s.silent()
	})
}

func TestSubscriptionLimits(t *testing.T) {
	in(t, Options{Subscriptions: 2, TopicLevels: 3}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(sub(1, to("a", 0), to("b", 0), to("c", 0), to("a", 1), to("1/2/3/4", 0)))
		p.want("SUBACK 1 00 00 97 01 8F why")
		p.send(pub("1/2/3/4", "", 1, 1))
		p.want("PUBACK 1 90 why")
	})
}

// Existing subscriptions count once: half the limit, all of it again, and one more.
func TestSubscriptionLimitCountsWhatIsNew(t *testing.T) {
	in(t, Options{Subscriptions: 4}, func(k *bench) {
		p := k.connect(proto.V5, "p", expiry(100))
		p.send(sub(1, to("a", 0), to("b", 0)))
		p.want("SUBACK 1 00 00")
		p.cut()
		p = k.open(proto.V5, "p", resume, expiry(100))
		p.want("CONNACK 00 present")
		p.send(sub(2, to("a", 0), to("b", 1), to("c", 0), to("d", 0), to("c", 2), to("e", 0)))
		p.want("SUBACK 2 00 01 00 00 02 97 why")
	})
}

// A packet with more filters than a session may have ends the connection, before it costs anything
// else. With fewer filters the routes of others become obsolete once.
func TestFiltersOfOnePacketAreBounded(t *testing.T) {
	in(t, Options{Subscriptions: 2000}, func(k *bench) {
		many, one, names := sub(1), sub(2), []string{}
		for range 2001 {
			many.Filters = append(many.Filters, to("a", 0))
			names = append(names, "a")
		}
		for range 2000 {
			one.Filters = append(one.Filters, proto.Subscription{Filter: "a", QoS: 1, RetainHandling: 2})
		}
		p := k.connect(proto.V5, "p")
		before := k.b.router.gen.Load()
		p.send(one)
		p.next()
		p.send(&proto.Unsubscribe{PacketID: 3, Filters: names[1:]})
		p.next()
		if n := k.b.router.gen.Load() - before; n != (2000+filtersAtOnce-1)/filtersAtOnce+1 || k.b.Stats().Subscriptions != 0 {
			t.Errorf("%d generations of routes, %d subscriptions", n, k.b.Stats().Subscriptions)
		}
		k.b.retained.mu.Lock() // like a publisher of a retained message
		p.send(sub(4, to("$share/g/a", 0), proto.Subscription{Filter: "b", RetainHandling: 2}))
		p.want("SUBACK 4 00 00")
		k.b.retained.mu.Unlock()
		before = k.b.router.gen.Load() - 2
		p.send(many)
		p.want("DISCONNECT 97 why")
		p.closed()
		p = k.connect(proto.V5, "p")
		p.send(&proto.Unsubscribe{PacketID: 3, Filters: names})
		p.want("DISCONNECT 97 why")
		p.closed()
		old := k.connect(proto.V311, "old")
		old.send(many)
		old.closed()
		if n := k.b.router.gen.Load() - before; n != 3 { // one more at the end of the session
			t.Errorf("%d generations of routes", n)
		}
	})
}

func TestSys(t *testing.T) {
	in(t, Options{Version: "test 1"}, func(k *bench) {
		s := k.connect(proto.V5, "s")
		s.send(sub(1, to("$SYS/broker/version", 0), to("$SYS/broker/clients/connected", 0)))
		s.want("SUBACK 1 00 00", `PUBLISH $SYS/broker/version "test 1" retain`, `PUBLISH $SYS/broker/clients/connected "1" retain`)
		s.silent()
		k.connect(proto.V5, "t")
		k.pass(10 * time.Second)
		s.want(`PUBLISH $SYS/broker/version "test 1"`, `PUBLISH $SYS/broker/clients/connected "2"`)
		all := k.connect(proto.V5, "all")
		all.subscribe(to("#", 0), to("+/broker/version", 0)) // [MQTT-4.7.2-1]
		k.pass(10 * time.Second)
		all.silent()
	})
	in(t, Options{SysInterval: -1}, func(k *bench) {
		s := k.connect(proto.V5, "s")
		s.subscribe(to("$SYS/#", 0))
		k.pass(time.Minute)
		s.silent()
	})
}
