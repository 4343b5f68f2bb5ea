package access

import (
	"bytes"
	"strings"
	"testing"

	"mqtt/internal/broker"
)

// FuzzPasswords reads any data as a password file. A valid file keeps its users when one is set or deleted.
func FuzzPasswords(f *testing.F) {
	f.Add([]byte(mosquittos), "alice", []byte("secret"))
	f.Add([]byte("  # x\r\n\r\na:$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA"), "b", []byte("x"))
	f.Add([]byte("a:$7$1$$AAAAAAAAAAAAAAAAAAAAAA== \t\nb c:$6$AA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"), "b c", []byte{0})
	f.Add([]byte("a:$argon2id$v=19$m=99999999,t=16777216,p=255$AAAA$AAAAAAAAAAAAAAAAAAAAAA"), "", []byte{})
	f.Add([]byte("a:secret\n:\n\xff\n"), "#a", []byte("x"))
	f.Fuzz(func(t *testing.T, file []byte, name string, password []byte) {
		before := bytes.Clone(file)
		u, err := parseUsers("file", file)
		if !bytes.Equal(before, file) {
			t.Fatal("reading wrote to its input")
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "file:") {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		for name, i := range u.names {
			if err := CheckUser(name); err != nil {
				t.Fatalf("the file has a user with a name that is not allowed: %v", err)
			}
			if h := &u.hashes[i]; h.rounds <= 10 && h.memory <= 64 {
				h.matches(password)
			}
		}
		if CheckUser(name) != nil {
			return
		}
		_, there := u.names[name]
		file, found := put(file, name, name+":$6$AAAA$AAAAAAAAAAAAAAAAAAAAAA==")
		now := reread(t, file)
		if _, ok := now.names[name]; !ok || found != there {
			t.Fatalf("the user that was set is in the file: %t; found: %t, was there: %t", ok, found, there)
		}
		same(t, u, now, name)
		file, found = put(file, name, "")
		now = reread(t, file)
		if _, ok := now.names[name]; ok || !found {
			t.Fatalf("the deleted user is in the file: %t; found: %t", ok, found)
		}
		same(t, u, now, name)
	})
}

func reread(t *testing.T, file []byte) *users {
	t.Helper()
	u, err := parseUsers("file", file)
	if err != nil {
		t.Fatalf("%v in\n%q", err, file)
	}
	return u
}

// same fails the test unless all users but one have the same passwords in both files.
func same(t *testing.T, was, now *users, but string) {
	t.Helper()
	for _, pair := range [2][2]*users{{was, now}, {now, was}} {
		for name, i := range pair[0].names {
			if name == but {
				continue
			}
			j, ok := pair[1].names[name]
			if !ok {
				t.Fatalf("%q is in one file only", name)
			}
			if a, b := pair[0].hashes[i], pair[1].hashes[j]; a.kind != b.kind || a.rounds != b.rounds || !bytes.Equal(a.salt, b.salt) || !bytes.Equal(a.key, b.key) {
				t.Fatalf("%q has another password", name)
			}
		}
	}
}

// FuzzRights reads any data as an ACL file. Allow agrees with a slow and simple implementation, and a client
// that may read a topic may subscribe to it.
func FuzzRights(f *testing.F) {
	f.Add([]byte("topic read a/#\ntopic deny a/b\nuser alice\ntopic write +/x\npattern readwrite d/%c/#\npattern deny d/%c/%u\n"), "alice", "me", "a/b", true)
	f.Add([]byte("pattern readwrite d-%c/%u-%u/#\npattern deny %c%c\npattern read %%c%\n"), "u", "$c", "d-$c/u-u/x", true)
	f.Add([]byte("pattern %u/%c\r\npattern read $SYS/%u/#\ntopic #"), "a/b", "c/d/e", "a/b/c/d/e", true)
	f.Add([]byte("user a b\n topic deny #\ntopic a b\n"), "a b", "", "$SYS/+/#", false)
	f.Add([]byte("topic\nuser\n\x00"), "+", "#", "a/+/b", true)
	f.Fuzz(func(t *testing.T, file []byte, name, id, topic string, named bool) {
		table, err := parseRights("file", file)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "file:") {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		r := &Rights{}
		r.table.Store(table)
		who := &broker.Identity{ClientID: id, HasUsername: named, Username: name}
		read, write, subscribe := r.Allow(who, topic, broker.Read), r.Allow(who, topic, broker.Write), r.Allow(who, topic, broker.Subscribe)
		if strings.ContainsAny(topic, "+#") {
			return
		}
		if read != subscribe {
			t.Fatalf("read %t, subscribe %t", read, subscribe)
		}
		if want := slowly(table, who, topic, func(r *rule) bool { return r.read }); read != want {
			t.Fatalf("read %t, want %t", read, want)
		}
		if want := slowly(table, who, topic, func(r *rule) bool { return r.write }); write != want {
			t.Fatalf("write %t, want %t", write, want)
		}
	})
}

// slowly is a simple implementation of Allow for a topic name.
func slowly(t *rights, who *broker.Identity, topic string, of func(*rule) bool) bool {
	own := t.anonymous
	if who.HasUsername {
		own = t.users[who.Username]
	}
	lists := [][]rule{own}
	if !strings.ContainsAny(who.Username, "+#") && !strings.ContainsAny(who.ClientID, "+#") {
		lists = append(lists, t.patterns)
	}
	for _, list := range lists {
		allowed := false
		for i := range list {
			one := &list[i]
			filter := one.filter
			if one.pattern {
				filter = strings.NewReplacer("%u", who.Username, "%c", who.ClientID).Replace(filter)
			}
			if one.user && !who.HasUsername || !takesIn(strings.Split(filter, "/"), strings.Split(topic, "/")) || strings.HasPrefix(filter, "$") && one.filter[0] != '$' || strings.HasPrefix(topic, "$") && one.filter[0] != '$' {
				continue
			}
			if one.deny {
				return false
			}
			allowed = allowed || of(one)
		}
		if allowed {
			return true
		}
	}
	return false
}

func takesIn(filter, topic []string) bool {
	switch {
	case len(filter) == 0:
		return len(topic) == 0
	case filter[0] == "#":
		return true
	case len(topic) == 0:
		return false
	}
	return (filter[0] == "+" || filter[0] == topic[0]) && takesIn(filter[1:], topic[1:])
}
