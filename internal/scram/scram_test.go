package scram

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

// TestExample runs the client through the example of RFC 7677.
func TestExample(t *testing.T) {
	c := begin(t, &Client{Method: SHA256, User: "user", Password: "pencil"})
	c.nonce, c.bare = "rOprNGfwEbeRWgbNEkqO", "n=user,r=rOprNGfwEbeRWgbNEkqO"
	got, err := c.Next([]byte("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	if string(got) != want {
		t.Errorf("client's proof:\n got %s\nwant %s", got, want)
	}
	if err := c.Finish([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err != nil {
		t.Error(err)
	}
	c.proven = false
	if err := c.Finish([]byte("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err == nil {
		t.Error("no error for a server that does not know the password")
	} else if !errors.Is(err, ErrProof) {
		t.Error(err)
	}
}

// TestExampleServer runs the server through the same example.
func TestExampleServer(t *testing.T) {
	s := &Server{Method: SHA256, Find: secrets(t, SHA256)}
	if _, _, err := s.Step([]byte("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")); err != nil {
		t.Fatal(err)
	}
	s.nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	s.signed = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" + s.nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	answer, done, err := s.Step([]byte("c=biws,r=" + s.nonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="))
	if string(answer) != "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" || !done || err != nil {
		t.Errorf("%s, %t, %v", answer, done, err)
	}
}

// secrets returns a Server.Find with two users, and the password and the salt of the RFC.
func secrets(t *testing.T, method string) func(string) (Secret, bool) {
	salt := []byte("\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81")
	salted, err := SaltedPassword(method, "pencil", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	return func(user string) (Secret, bool) {
		return Secret{salt, salted, 4096}, user == "user" || user == "a,=2C=b"
	}
}

func begin(t *testing.T, c *Client) *ClientExchange {
	t.Helper()
	x, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// run exchanges the messages of a client and a server.
func run(c *Client, s *Server) error {
	x, err := c.Begin()
	if err != nil {
		return err
	}
	m := x.Start()
	for done := false; err == nil && !done; {
		if m, done, err = s.Step(m); err != nil {
			return err
		}
		if done {
			return x.Finish(m)
		}
		m, err = x.Next(m)
	}
	return err
}

// TestBothSides runs client and server against each other, twice with each client: with the right
// password, with a wrong one, with an unknown user, who is refused like one with a wrong password,
// and with names that need escaping.
func TestBothSides(t *testing.T) {
	for _, method := range []string{SHA256, SHA512} {
		find := secrets(t, method)
		for _, c := range []struct {
			user, password string
			want           error
		}{{"user", "pencil", nil}, {"a,=2C=b", "pencil", nil}, {"user", "pen", ErrRefused}, {"nobody", "pencil", ErrRefused}, {"user", "", ErrRefused}} {
			client, s := &Client{Method: method, User: c.user, Password: c.password}, &Server{Method: method, Find: find}
			if err := run(client, s); !errors.Is(err, c.want) {
				t.Errorf("%s, %s with %q: %v, want %v", method, c.user, c.password, err, c.want)
			}
			if s.User() != c.user {
				t.Errorf("the user is %q, want %q", s.User(), c.user)
			}
			if err := run(client, &Server{Method: method, Find: find}); !errors.Is(err, c.want) {
				t.Errorf("%s again: %v", c.user, err)
			}
		}
		other := func(string) (Secret, bool) { return Secret{[]byte("salt"), []byte("another"), 4096}, true }
		if err := run(&Client{Method: method, User: "user", Password: "pencil"}, &Server{Method: method, Find: other}); err == nil {
			t.Error("no error with a server that has another secret")
		}
	}
}

// TestConcurrentExchanges runs several exchanges of one Client at the same time.
func TestConcurrentExchanges(t *testing.T) {
	c := &Client{Method: SHA512, User: "user", Password: "pencil"}
	find := secrets(t, SHA512)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := run(c, &Server{Method: SHA512, Find: find}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestBeginRefusesCharacters checks that a forbidden character is an error before anything is sent.
func TestBeginRefusesCharacters(t *testing.T) {
	for _, c := range []*Client{{Method: SHA512, User: "a\x01", Password: "p"}, {Method: SHA512, User: "u", Password: "p\x7F"}} {
		if _, err := c.Begin(); err == nil {
			t.Errorf("user %q with password %q began an exchange", c.User, c.Password)
		}
	}
}

// TestClientRefusesBadChallenges checks that malformed challenges, and iteration counts out of
// bounds, are errors.
func TestClientRefusesBadChallenges(t *testing.T) {
	for _, challenge := range []string{"", "e=unknown-user", "r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=NONCEmore,s=!,i=4096",
		"r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1", "r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999", "r=NONCE,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"} {
		c := begin(t, &Client{Method: SHA512, User: "u", Password: "p"})
		c.nonce = "NONCE"
		_, err := c.Next([]byte(challenge))
		var denied *Denied
		if err == nil || errors.As(err, &denied) != strings.HasPrefix(challenge, "e=") || errors.Is(err, ErrIterations) != (strings.HasSuffix(challenge, "i=1") || strings.HasSuffix(challenge, "i=99999999")) {
			t.Errorf("challenge %q: %v", challenge, err)
		}
	}
}

// TestServerRefusesOtherMessages checks that malformed messages are refused, whatever the secret,
// and so is a third message.
func TestServerRefusesOtherMessages(t *testing.T) {
	for _, first := range []string{"", "n", "n,", "n,,", "n,,n=user", "n,,r=x,n=user", "p=tls-unique,,n=user,r=x", "n,,n=,r=x", "n,,n=user,r=", "n,a=root,n=user,r=x",
		"n,,m=1,n=user,r=x", "n,,n=us=er,r=x", "x,,n=user,r=x", "n,,n=user,r=" + strings.Repeat("x", maxMessage)} {
		s := &Server{Method: SHA512, Find: secrets(t, SHA512)}
		if answer, done, err := s.Step([]byte(first)); answer != nil || !done || !errors.Is(err, ErrMalformed) {
			t.Errorf("%.40q: %q, %t, %v", first, answer, done, err)
		}
	}
	for _, header := range []string{"n,,", "y,,", "n,a=user,"} {
		s := &Server{Method: SHA512, Find: secrets(t, SHA512)}
		if _, _, err := s.Step([]byte(header + "n=user,r=x,ext=1")); err != nil {
			t.Errorf("%q: %v", header, err)
		}
	}
	for _, last := range []string{"", "c=biws,r=NONCE", "c=biws,r=other,p=AAAA", "c=eSws,r=NONCE,p=AAAA", "c=biws,r=NONCE,p=AAAA", "c=biws,r=NONCE,p=!", "r=NONCE,p=AAAA"} {
		s := &Server{Method: SHA512, Find: secrets(t, SHA512)}
		if _, _, err := s.Step([]byte("n,,n=user,r=x")); err != nil {
			t.Fatal(err)
		}
		last = strings.Replace(last, "NONCE", s.nonce, 1)
		if answer, done, err := s.Step([]byte(last)); answer != nil || !done || !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %q, %t, %v", last, answer, done, err)
		}
		if answer, done, err := s.Step([]byte(last)); answer != nil || !done || !errors.Is(err, ErrMalformed) {
			t.Errorf("a third message: %q, %t, %v", answer, done, err)
		}
	}
}
