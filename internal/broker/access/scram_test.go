package access

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
)

// prove runs SCRAM against users, with or without a user name in the CONNECT.
func prove(t *testing.T, u *Users, connect, name, password string) (challenge string, user string, r proto.Reason) {
	t.Helper()
	who := &broker.Identity{HasUsername: connect != "", Username: connect}
	x, r := u.Start(context.Background(), who, scram.SHA512)
	if r != proto.Success {
		return "", "", r
	}
	c, err := (&scram.Client{Method: scram.SHA512, User: name, Password: password}).Begin()
	if err != nil {
		t.Fatal(err)
	}
	answer, r := x.Step(context.Background(), c.Start())
	if r != proto.ContinueAuthentication {
		return "", "", r
	}
	_, challenge, _ = strings.Cut(string(answer), ",")
	m, err := c.Next(answer)
	if err != nil {
		t.Fatal(err)
	}
	if answer, r = x.Step(context.Background(), m); r == proto.Success {
		if err := c.Finish(answer); err != nil {
			t.Error(err)
		}
	}
	return challenge, x.User(), r
}

// A $7$ hash works for SCRAM-SHA-512. A user without such a hash, or who is not in the file, is refused like a
// user with a wrong password, after a challenge that looks like others and is the same each time.
func TestScram(t *testing.T) {
	path := write(t, mosquittos) // the iterations of its hash are too few
	for name, set := range map[string]func(string, string, []byte) (bool, error){"carol": SetScram, "dave": SetPassword} {
		if _, err := set(path, name, []byte("pässword")); err != nil {
			t.Fatal(err)
		}
	}
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	if r := try(t, u, "carol", "pässword"); r != proto.Success {
		t.Errorf("the password itself: %s", r)
	}
	for _, c := range []struct {
		connect, name, password string
		want                    proto.Reason
	}{
		{"", "carol", "pässword", proto.Success}, {"carol", "carol", "pässword", proto.Success},
		{"", "carol", "passw", proto.BadUserNameOrPassword}, {"dave", "carol", "pässword", proto.BadUserNameOrPassword},
		{"", "dave", "pässword", proto.BadUserNameOrPassword}, {"", "alice", "secret", proto.BadUserNameOrPassword},
		{"", "nobody", "pässword", proto.BadUserNameOrPassword},
	} {
		challenge, user, r := prove(t, u, c.connect, c.name, c.password)
		if r != c.want || r == proto.Success && user != c.name {
			t.Errorf("%+v: %s for %q", c, r, user)
		}
		again, _, _ := prove(t, u, c.connect, c.name, c.password)
		if challenge != again || len(challenge) != len("s=")+24+len(",i=210000") || !strings.HasSuffix(challenge, ",i=210000") {
			t.Errorf("%+v: challenges %s, then %s", c, challenge, again)
		}
	}
	one, _, _ := prove(t, u, "", "nobody", "x")
	two, _, _ := prove(t, u, "", "nobody2", "x")
	if one == two {
		t.Error("two unknown users have one salt")
	}
}

// Other methods are refused, and so is SCRAM-SHA-512 if no hash works for it.
func TestScramIsOfferedWhereItCanBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if _, err := SetPassword(path, "dave", []byte("x")); err != nil {
		t.Fatal(err)
	}
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	open, err := NewUsers("", AnonymousAll)
	if err != nil {
		t.Fatal(err)
	}
	for _, users := range []*Users{u, open} {
		if _, r := users.Start(context.Background(), &broker.Identity{}, scram.SHA512); r != proto.BadAuthenticationMethod {
			t.Errorf("without a hash for it: %s", r)
		}
	}
	if _, err := SetScram(path, "carol", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := u.Reload(); err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]proto.Reason{scram.SHA512: proto.Success, scram.SHA256: proto.BadAuthenticationMethod, "": proto.BadAuthenticationMethod} {
		if _, r := u.Start(context.Background(), &broker.Identity{}, method); r != want {
			t.Errorf("%q: %s, want %s", method, r, want)
		}
	}
	x, _ := u.Start(context.Background(), &broker.Identity{}, scram.SHA512)
	if _, r := x.Step(context.Background(), bytes.Repeat([]byte("x"), 1<<16)); r != proto.ProtocolError {
		t.Errorf("a message of another form: %s", r)
	}
}

// FuzzScram sends any data to the server's side. A client that does not know the password is never let in.
func FuzzScram(f *testing.F) {
	path := filepath.Join(f.TempDir(), "users")
	if _, err := SetScram(path, "carol", []byte("x")); err != nil {
		f.Fatal(err)
	}
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("n,,n=carol,r=abc", "c=biws,", ",p=AAAA")
	f.Add("y,a=b,n=b,r=abc,x=y", "c=eSxhPWIs,", ",x=y,p=AAAA,p=BBBB")
	f.Fuzz(func(t *testing.T, first, before, behind string) {
		x, _ := u.Start(context.Background(), &broker.Identity{}, scram.SHA512)
		answer, r := x.Step(context.Background(), []byte(first))
		if r != proto.ContinueAuthentication {
			return
		}
		nonce, _, ok := strings.Cut(string(answer), ",")
		if !ok || !strings.HasPrefix(nonce, "r=") {
			t.Fatalf("answer %q", answer)
		}
		if _, r := x.Step(context.Background(), []byte(before+nonce+behind)); r != proto.BadUserNameOrPassword && r != proto.ProtocolError {
			t.Fatalf("let in with %q: %s", before+nonce+behind, r)
		}
		if _, r := x.Step(context.Background(), []byte(first)); r != proto.ProtocolError {
			t.Fatal("a third message")
		}
	})
}
