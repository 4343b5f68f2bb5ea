package scram

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Denied is an exchange that the server ended with an error of the method, such as invalid-proof.
type Denied struct{ Method, Reason string }

// Error returns the method and the server's error value.
func (d *Denied) Error() string { return d.Method + ": the server says " + d.Reason }

// Violations of the method by a server.
var (
	// ErrProof reports that the server's signature is missing or wrong.
	ErrProof = errors.New("the server did not prove that it knows the password")
	// ErrIterations reports an iteration count outside MinIterations to MaxIterations.
	ErrIterations = errors.New("iterations")
)

// Client is the credentials of one user. Any number of exchanges may use it at the same time.
type Client struct {
	Method, User, Password string

	// The salted password of the last challenge. Its computation takes 0.1 s and more, so
	// exchanges with the same salt share it.
	mu           sync.Mutex
	salted, salt []byte
	iterations   int
}

// ClientExchange is the client's side of one exchange. It belongs to one goroutine.
type ClientExchange struct {
	c        *Client
	password string // as Prepare returns it
	bare     string // client-first-message-bare of RFC 5802
	nonce    string
	server   []byte // the ServerSignature to expect
	replied  bool   // the challenge was answered
	proven   bool   // the server's signature was checked
}

// Begin starts an exchange. It returns an error if the user name or the password contains a
// character that SASLprep forbids.
func (c *Client) Begin() (*ClientExchange, error) {
	name, err := Prepare(c.User)
	if err != nil {
		return nil, fmt.Errorf("%s: user name: %w", c.Method, err)
	}
	password, err := Prepare(c.Password)
	if err != nil {
		return nil, fmt.Errorf("%s: password: %w", c.Method, err)
	}
	nonce := rand.Text()
	bare := "n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(name) + ",r=" + nonce
	return &ClientExchange{c: c, password: password, bare: bare, nonce: nonce}, nil
}

// Start returns the first message, which names the user.
func (x *ClientExchange) Start() []byte { return []byte("n,," + x.bare) }

// Next answers the server's first message. A server may send its signature in a second one,
// rather than with its success: Next checks it and returns nil.
func (x *ClientExchange) Next(challenge []byte) ([]byte, error) {
	if x.replied {
		return nil, x.verify(challenge)
	}
	x.replied = true
	method, first := x.c.Method, string(challenge)
	f := fields(first)
	salt, err := base64.StdEncoding.DecodeString(f["s"])
	iterations, err2 := strconv.Atoi(f["i"])
	switch {
	case f["e"] != "":
		return nil, &Denied{method, f["e"]}
	case err != nil || err2 != nil || len(salt) == 0 || !strings.HasPrefix(f["r"], x.nonce) || len(f["r"]) == len(x.nonce):
		return nil, fmt.Errorf("%s: the server's challenge is malformed", method)
	case iterations < MinIterations || iterations > MaxIterations:
		return nil, fmt.Errorf("%s: the server asks for %d %w, not %d to %d", method, iterations, ErrIterations, MinIterations, MaxIterations)
	}
	salted, err := x.c.saltedPassword(x.password, salt, iterations)
	if err != nil {
		return nil, err
	}
	final := "c=biws,r=" + f["r"]
	signed := x.bare + "," + first + "," + final
	key := mac(method, salted, "Client Key")
	proof := mac(method, sum(method, key), signed)
	subtle.XORBytes(proof, proof, key)
	x.server = mac(method, mac(method, salted, "Server Key"), signed)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// saltedPassword returns the SaltedPassword of a prepared password for a challenge.
func (c *Client) saltedPassword(password string, salt []byte, iterations int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.salted != nil && iterations == c.iterations && bytes.Equal(salt, c.salt) {
		return c.salted, nil
	}
	salted, err := SaltedPassword(c.Method, password, salt, iterations)
	if err != nil {
		return nil, err
	}
	c.salted, c.salt, c.iterations = salted, salt, iterations
	return salted, nil
}

// Finish checks the server's last message, which came with its success.
func (x *ClientExchange) Finish(last []byte) error {
	if x.proven {
		return nil
	}
	return x.verify(last)
}

// verify checks the ServerSignature.
func (x *ClientExchange) verify(last []byte) error {
	f := fields(string(last))
	if e := f["e"]; e != "" {
		return &Denied{x.c.Method, e}
	}
	got, err := base64.StdEncoding.DecodeString(f["v"])
	if err != nil || len(x.server) == 0 || subtle.ConstantTimeCompare(got, x.server) != 1 {
		return fmt.Errorf("%s: %w", x.c.Method, ErrProof)
	}
	x.proven = true
	return nil
}
