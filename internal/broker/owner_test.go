package broker

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"

	"mqtt/internal/proto"
)

// A session belongs to its user. Another user with the same client identifier is refused, and
// neither reads nor ends the session nor disconnects its client, also after a restart.
func TestSessionBelongsToItsUser(t *testing.T) {
	who := &book{users: map[string]string{"ann": "a", "bob": "b"}, denied: map[string]bool{}}
	j := newJournal()
	opt := Options{Auth: who, ACL: who, Store: j}
	in(t, opt, func(k *bench) {
		strangers := func() {
			for _, with := range [][]func(*proto.Connect){
				{login("bob", "b"), resume, expiry(100)}, {login("bob", "b")}, {resume, expiry(100)}, {},
			} {
				k.open(proto.V5, "x", with...).want("CONNACK 85 why")
			}
			k.open(proto.V311, "x", login("bob", "b")).want("CONNACK 85")
		}
		ann := k.open(proto.V5, "x", login("ann", "a"), resume, expiry(100))
		ann.want("CONNACK 00")
		ann.subscribe(to("t", 1))
		p := k.connect(proto.V5, "p", login("bob", "b"))
		p.send(pub("t", "flying", 1, 1))
		p.want("PUBACK 1")
		ann.want(`PUBLISH t "flying" q1 id1`)
		strangers()
		ann.silent()
		ann.cut()
		p.send(pub("t", "queued", 1, 2))
		p.want("PUBACK 2")
		strangers()
		k.crash(j, opt)
		strangers()
		k.open(proto.V5, "x", login("ann", "a"), resume).want("CONNACK 00 present", `PUBLISH t "flying" q1 id1 dup`, `PUBLISH t "queued" q1 id2`)
		nobody := k.open(proto.V5, "n", resume, expiry(100))
		nobody.want("CONNACK 00")
		k.open(proto.V5, "n", login("bob", "b"), resume).want("CONNACK 85 why")
		nobody.silent()
	})
}

// A session of which only the user name is known, as in an old data folder, belongs to the first
// client with that name, also by a certificate, and to nobody else from then on. A restart alone
// does not change that.
func TestSessionWithoutOwner(t *testing.T) {
	named := &x509.Certificate{Subject: pkix.Name{CommonName: "cn"}}
	for _, name := range []string{"", "ann"} {
		s := &session{b: &Broker{opt: Options{Auth: &book{}}}, unowned: true}
		s.who.Store(&Identity{HasUsername: name != "", Username: name})
		if !s.mayTakeOver(&Identity{Certificate: named, Username: name}) || s.mayTakeOver(&Identity{HasUsername: true, Username: "bob"}) {
			t.Errorf("user name %q", name)
		}
	}
	who := &book{users: map[string]string{"ann": "a", "bob": "b"}}
	j := newJournal()
	opt := Options{Auth: who, Store: j}
	in(t, opt, func(k *bench) {
		k.open(proto.V5, "x", login("ann", "a"), resume, expiry(100)).want("CONNACK 00")
		j.mu.Lock()
		j.disk.sessions["x"].Unowned = true
		j.mu.Unlock()
		unowned := func(want bool) {
			t.Helper()
			j.mu.Lock()
			defer j.mu.Unlock()
			if got := j.disk.sessions["x"].Unowned; got != want {
				t.Errorf("unowned: %v, want %v", got, want)
			}
		}
		for range 2 {
			j = k.crash(j, opt)
			k.open(proto.V311, "x", login("bob", "b")).want("CONNACK 85")
			unowned(true)
		}
		k.open(proto.V5, "x", login("ann", "a"), resume, expiry(100)).want("CONNACK 00 present")
		unowned(false)
		j = k.crash(j, opt)
		k.open(proto.V5, "x", login("ann", "a"), resume, expiry(100)).want("CONNACK 00 present")
		unowned(false)
	})
}

// Messages that are queued or must be sent again are dropped if the rights have changed since, also
// between two runs. The packet identifier of a QoS 2 message that the client may have is not used
// for another message before PUBCOMP: the client would take that for a redelivery.
func TestResumeWithFewerRights(t *testing.T) {
	who := &book{users: map[string]string{"ann": "a"}, denied: map[string]bool{}}
	j := newJournal()
	opt := Options{Auth: who, ACL: who, Store: j}
	in(t, opt, func(k *bench) {
		ann := k.open(proto.V5, "x", login("ann", "a"), resume, expiry(100))
		ann.want("CONNACK 00")
		ann.subscribe(to("t/#", 2))
		p := k.connect(proto.V5, "p")
		p.send(pub("t/1", "1", 1, 1), pub("t/2", "2", 2, 2), pub("t/3", "3", 1, 3))
		p.want("PUBACK 1", "PUBREC 2", "PUBACK 3")
		ann.want(`PUBLISH t/1 "1" q1 id1`, `PUBLISH t/2 "2" q2 id2`, `PUBLISH t/3 "3" q1 id3`)
		ann.cut()
		p.send(pub("t/1", "4", 1, 4), pub("t/3", "5", 1, 5))
		p.want("PUBACK 4", "PUBACK 5")
		who.set(func() { who.denied["ann t/1"], who.denied["ann t/2"] = true, true })
		back := func(more ...string) {
			ann = k.open(proto.V5, "x", login("ann", "a"), resume, expiry(100))
			ann.want(append([]string{"CONNACK 00 present", "PUBREL 2"}, more...)...)
			ann.silent()
		}
		back(`PUBLISH t/3 "3" q1 id3 dup`, `PUBLISH t/3 "5" q1 id1`)
		p.send(pub("t/3", "6", 2, 6))
		p.want("PUBREC 6")
		ann.want(`PUBLISH t/3 "6" q2 id4`)
		k.crash(j, opt)
		who.set(func() { clear(who.denied) })
		back(`PUBLISH t/3 "3" q1 id3 dup`, `PUBLISH t/3 "5" q1 id1 dup`, `PUBLISH t/3 "6" q2 id4 dup`)
		ann.send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: 2, Reason: proto.PacketIdentifierNotFound})
		p = k.connect(proto.V5, "p")
		p.send(pub("t/2", "7", 2, 7))
		p.want("PUBREC 7")
		ann.want(`PUBLISH t/2 "7" q2 id2`)
	})
}

// The same holds for a message that exceeds the client's Maximum Packet Size.
func TestResumeWithSmallerPackets(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, p := k.connect(proto.V5, "s", expiry(100)), k.connect(proto.V5, "p")
		s.subscribe(to("t", 2))
		p.send(pub("t", big(100), 2, 1))
		p.want("PUBREC 1")
		s.next()
		s.cut()
		s = k.open(proto.V5, "s", resume, expiry(100), num(proto.MaximumPacketSize, 50))
		s.want("CONNACK 00 present", "PUBREL 1")
		p.send(pub("t", "small", 2, 2))
		p.want("PUBREC 2")
		s.want(`PUBLISH t "small" q2 id2`)
	})
}

// Unverified user names are not compared, and do not prevent a connection.
func TestSessionsOfUncheckedNames(t *testing.T) {
	j := newJournal()
	opt := Options{Store: j}
	in(t, opt, func(k *bench) {
		k.open(proto.V311, "x", resume).want("CONNACK 00")
		named := k.open(proto.V311, "x", resume, login("alice", "a"))
		named.want("CONNACK 00 present")
		k.open(proto.V5, "x", resume, login("bob", "b"), expiry(100)).want("CONNACK 00 present")
		named.closed()
		k.crash(j, opt)
		k.open(proto.V5, "x", resume).want("CONNACK 00 present")
	})
	nobody, ann := &Identity{}, &Identity{HasUsername: true, Username: "ann"}
	cert := &Identity{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "cert"}}}
	for _, with := range []struct {
		opt        Options
		owner, who *Identity
		strange    bool
	}{
		{Options{}, nobody, ann, false}, {Options{}, ann, cert, true}, {Options{}, cert, nobody, true}, {Options{}, cert, cert, false},
		{Options{Auth: &book{}}, nobody, ann, true}, {Options{Enhanced: roll{}}, ann, nobody, true}, {Options{Auth: &book{}}, ann, ann, false},
	} {
		s := &session{b: &Broker{opt: with.opt}}
		s.who.Store(with.owner)
		if got := !s.mayTakeOver(with.who); got != with.strange {
			t.Errorf("%+v and %+v with %+v: %v", with.owner, with.who, with.opt, got)
		}
	}
}

func TestSameUser(t *testing.T) {
	named := func(cn string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: cn}}
	}
	all := []Identity{
		{}, {HasUsername: true}, {HasUsername: true, Username: "ann"}, {Certificate: named("bob"), HasUsername: true, Username: "ann"},
		{HasUsername: true, Username: "eve"},
	}
	for i := range all {
		for j := range all {
			if got := all[i].same(&all[j]); got != (i == j) {
				t.Errorf("%d and %d: %v", i, j, got)
			}
		}
	}
	if !all[0].same(&Identity{ClientID: "other", Certificate: named("")}) || !all[2].same(&Identity{Certificate: named("ann")}) {
		t.Error("a name is the same from wherever it comes")
	}
}
