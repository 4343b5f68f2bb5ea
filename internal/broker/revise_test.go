package broker

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// book is an Auth, an ACL and a method that can be changed. A user has a password. Clients without
// a password may connect without a user name. denied lists users and topics.
type book struct {
	mu     sync.Mutex
	users  map[string]string
	denied map[string]bool
	after  func() // called when a password was right
}

func (k *book) set(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

func (k *book) Authenticate(_ context.Context, who *Identity, password []byte) proto.Reason {
	k.mu.Lock()
	defer k.mu.Unlock()
	if who.HasUsername && (k.users[who.Username] == "" || k.users[who.Username] != string(password)) {
		return proto.BadUserNameOrPassword
	}
	if k.after != nil {
		k.after()
	}
	return proto.Success
}

func (k *book) Stamp(who *Identity) (n uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range []byte(k.users[who.Username]) {
		n = n<<8 | uint64(c)
	}
	return n
}

func (k *book) Allow(who *Identity, topic string, access Access) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return access != Read || !k.denied[who.Username+" "+topic]
}

func login(user, password string) func(*proto.Connect) {
	return func(c *proto.Connect) {
		c.HasUsername, c.Username, c.HasPassword, c.Password = true, user, true, []byte(password)
	}
}

// After Revise a client whose user was deleted or has another password is disconnected, and no
// other one, however it was authenticated. Its will is published.
func TestReviseSendsAway(t *testing.T) {
	who := &book{users: map[string]string{"ann": "a", "bob": "b", "eve": "e"}}
	var log bytes.Buffer
	in(t, Options{Auth: who, Enhanced: roll{}, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(k *bench) {
		ann := k.connect(proto.V5, "ann", login("ann", "a"), willed("will/ann", "gone"))
		old := k.connect(proto.V311, "old", login("ann", "a"))
		bob := k.connect(proto.V5, "bob", login("bob", "b"))
		eve := k.connect(proto.V5, "eve", login("eve", "e"))
		shown := k.open(proto.V5, "shown", rolled("eve"))
		shown.want("CONNACK 00 authentication-method=ROLL")
		nobody := k.connect(proto.V5, "nobody")
		nobody.subscribe(to("will/#", 0))
		if n := k.b.Revise(); n != 0 {
			t.Errorf("%d had to go, and nothing had changed", n)
		}
		who.set(func() { delete(who.users, "ann"); who.users["eve"] = "new" })
		if n := k.b.Revise(); n != 4 {
			t.Errorf("%d had to go, want 4", n)
		}
		for _, p := range []*peer{ann, eve, shown} {
			p.want("DISCONNECT 98 why")
			p.closed()
		}
		old.closed()
		nobody.want(`PUBLISH will/ann "gone"`)
		bob.silent()
		nobody.silent()
		k.open(proto.V5, "eve", login("eve", "e")).want("CONNACK 86")
		k.connect(proto.V5, "eve", login("eve", "new"))
		if n := k.b.Revise(); n != 0 {
			t.Errorf("%d had to go again", n)
		}
	})
	if got := log.String(); strings.Count(got, "client disconnected: its user") != 4 || !strings.Contains(got, "client=ann user=ann") {
		t.Errorf("log\n%s", got)
	}
}

// A client that connects while its credentials change is disconnected as well. One that
// reauthenticates stays.
func TestReviseOfWhoJustComes(t *testing.T) {
	who := &book{users: map[string]string{"ann": "a", "bob": "b"}}
	in(t, Options{Auth: who, Enhanced: roll{}}, func(k *bench) {
		who.after = func() { // with the lock held, as if it happened right after
			who.users["ann"] = "new"
			k.b.revision.Add(1)
		}
		p := k.connect(proto.V5, "ann", login("ann", "a"))
		p.want("DISCONNECT 98 why")
		p.closed()
		who.set(func() { who.after = nil })
		bob := k.open(proto.V5, "bob", rolled("bob"))
		bob.want("CONNACK 00 authentication-method=ROLL")
		who.set(func() { who.users["bob"] = "new" })
		bob.send(roller(proto.ReAuthenticate, "bob"))
		bob.want("AUTH 00 authentication-method=ROLL")
		if n := k.b.Revise(); n != 0 {
			t.Errorf("%d had to go", n)
		}
		bob.silent()
	})
}

// waiter is an ACL that counts how often it is asked, and how often a lock that others need is held
// meanwhile.
type waiter struct {
	locks []*sync.Mutex
	asked [3]int
	held  int
}

func (w *waiter) Allow(_ *Identity, _ string, access Access) bool {
	w.asked[access]++
	for _, mu := range w.locks {
		if !mu.TryLock() {
			w.held++
			continue
		}
		mu.Unlock()
	}
	return true
}

// A slow ACL does not block other clients while a session is resumed, and is asked once for
// consecutive messages of one topic.
func TestResumeKeepsNobodyOut(t *testing.T) {
	who := &waiter{}
	in(t, Options{ACL: who}, func(k *bench) {
		s, p := k.connect(proto.V5, "s", expiry(100)), k.connect(proto.V5, "p")
		s.subscribe(to("#", 1))
		s.cut()
		for i, topic := range []string{"a", "a", "a", "b", "b"} {
			p.send(pub(topic, "x", 1, uint16(i+1)))
			p.next()
		}
		who.locks, who.asked[Read] = []*sync.Mutex{&k.b.mu}, 0
		s = k.open(proto.V5, "s", resume, expiry(100))
		s.want("CONNACK 00 present")
		if who.asked[Read] != 2 || who.held > 0 {
			t.Errorf("asked %d times, %d of them with the broker's lock held", who.asked[Read], who.held)
		}
	})
}

// A slow ACL does not block publishers to a session while the session subscribes.
func TestSubscribeHoldsNobodyUp(t *testing.T) {
	who := &waiter{}
	in(t, Options{ACL: who}, func(k *bench) {
		s := k.connect(proto.V5, "s")
		k.b.mu.Lock()
		who.locks = []*sync.Mutex{&k.b.sessions["s"].mu, &k.b.mu}
		k.b.mu.Unlock()
		s.subscribe(to("a", 0), to("b", 1))
		if who.asked[Subscribe] != 2 || who.held > 0 {
			t.Errorf("asked %d times, %d locks were held", who.asked[Subscribe], who.held)
		}
	})
}

// After Revise a client gets no message that the ACL now denies, neither a new nor a queued one.
// Those of a shared subscription go to another member.
func TestReviseStopsDelivery(t *testing.T) {
	who := &book{users: map[string]string{"ann": "a", "bob": "b"}, denied: map[string]bool{}}
	in(t, Options{Auth: who, ACL: who}, func(k *bench) {
		ann, bob := k.connect(proto.V5, "ann", login("ann", "a")), k.connect(proto.V5, "bob", login("bob", "b"))
		away := k.connect(proto.V5, "away", login("ann", "a"), expiry(100))
		away.subscribe(to("x", 1), to("y", 1), to("$share/g/z", 1))
		away.leave()
		ann.subscribe(to("x", 0), to("y", 0))
		bob.subscribe(to("x", 0))
		send := func() { bob.post(pub("x", "1", 1, 1), pub("y", "2", 1, 2), pub("z", "3", 1, 3)) }
		send()
		bob.want(`PUBLISH x "1"`, "PUBACK 1", "PUBACK 2", "PUBACK 3")
		ann.want(`PUBLISH x "1"`, `PUBLISH y "2"`)
		bob.subscribe(to("$share/g/z", 0))
		who.set(func() { who.denied["ann x"], who.denied["ann z"] = true, true })
		k.b.Revise()
		bob.want(`PUBLISH z "3"`)
		send()
		bob.want(`PUBLISH x "1"`, `PUBLISH z "3"`, "PUBACK 1", "PUBACK 2", "PUBACK 3")
		ann.want(`PUBLISH y "2"`)
		ann.silent()
		away = k.open(proto.V5, "away", login("ann", "a"), resume)
		away.want("CONNACK 00 present", `PUBLISH y "2" q1 id1`, `PUBLISH y "2" q1 id2`)
		away.silent()
		who.set(func() { clear(who.denied) })
		k.b.Revise()
		send()
		ann.want(`PUBLISH x "1"`, `PUBLISH y "2"`)
	})
}

// onlyVersion lets clients of one version read.
type onlyVersion proto.Version

func (v onlyVersion) Allow(who *Identity, _ string, access Access) bool {
	return access != Read || who.Version == proto.Version(v)
}

// The rights of a client that resumes a session apply at once, also to a publisher that has looked
// up its subscribers before.
func TestRightsOfAResumedSessionCountAtOnce(t *testing.T) {
	in(t, Options{ACL: onlyVersion(proto.V5)}, func(k *bench) {
		s := k.connect(proto.V5, "s", resume, expiry(100))
		s.subscribe(to("t", 1))
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "before", 1, 1))
		p.want("PUBACK 1")
		s.want(`PUBLISH t "before" q1 id1`)
		s.send(ack(proto.PUBACK, 1))
		s.cut()
		k.pass(time.Second)
		rt := k.b.router.find([]byte("t"))
		if len(rt.targets) != 1 {
			t.Fatalf("%d subscribers", len(rt.targets))
		}
		old := k.open(proto.V311, "s", resume)
		old.want("CONNACK 00 present")
		if target := rt.targets[0]; target.epoch == target.s.epoch.Load() || k.b.router.cached(rt.topic) != nil {
			t.Error("a route with the rights of the last connection is still good")
		}
		p.send(pub("t", "after", 1, 2))
		p.want("PUBACK 2 10")
		old.silent()
	})
}
