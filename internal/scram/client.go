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
)

// Denied is a server that ended the exchange with an error of the method, such as invalid-proof.
type Denied struct{ Method, Reason string }

// Error has the server's word.
func (d *Denied) Error() string { return d.Method + ": the server says " + d.Reason }

// What a server does wrong.
var (
	ErrProof      = errors.New("the server did not prove that it knows the password")
	ErrIterations = errors.New("iterations")
)

// Client proves that it knows a password, again and again where that is wanted, and has
// the server prove the same.
type Client struct {
	Name, User, Password string // of the method, and of whom

	bare    string // the first message, without its header
	nonce   string
	proof   []byte // that the server must give
	replied bool
	proven  bool

	// Of the last exchange: another with the same salt does not salt again.
	salted, salt []byte
	iterations   int
}

// Method is the name of the method.
func (c *Client) Method() string { return c.Name }

// Start returns the first message of an exchange.
func (c *Client) Start() ([]byte, error) {
	name, err := Prepare(c.User)
	if err != nil {
		return nil, fmt.Errorf("%s: user name: %w", c.Name, err)
	}
	c.nonce, c.replied, c.proven, c.proof = rand.Text(), false, false, nil
	c.bare = "n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(name) + ",r=" + c.nonce
	return []byte("n,," + c.bare), nil
}

// Next answers the server's first message, or checks its last one where that does not
// come with its success.
func (c *Client) Next(challenge []byte) ([]byte, error) {
	if c.replied {
		return nil, c.check(challenge)
	}
	c.replied = true
	first := string(challenge)
	f := fields(first)
	salt, err := base64.StdEncoding.DecodeString(f["s"])
	iterations, err2 := strconv.Atoi(f["i"])
	switch {
	case f["e"] != "":
		return nil, &Denied{c.Name, f["e"]}
	case err != nil || err2 != nil || len(salt) == 0 || !strings.HasPrefix(f["r"], c.nonce) || len(f["r"]) == len(c.nonce):
		return nil, fmt.Errorf("%s: the server's challenge makes no sense", c.Name)
	case iterations < Fewest || iterations > Most:
		return nil, fmt.Errorf("%s: the server asks for %d %w, not %d to %d", c.Name, iterations, ErrIterations, Fewest, Most)
	}
	if err := c.saltPassword(salt, iterations); err != nil {
		return nil, err
	}
	final := "c=biws,r=" + f["r"]
	signed := c.bare + "," + first + "," + final
	key := mac(c.Name, c.salted, "Client Key")
	proof := mac(c.Name, sum(c.Name, key), signed)
	subtle.XORBytes(proof, proof, key)
	c.proof = mac(c.Name, mac(c.Name, c.salted, "Server Key"), signed)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

func (c *Client) saltPassword(salt []byte, iterations int) error {
	if c.salted != nil && iterations == c.iterations && bytes.Equal(salt, c.salt) {
		return nil
	}
	password, err := Prepare(c.Password)
	if err != nil {
		return fmt.Errorf("%s: password: %w", c.Name, err)
	}
	if c.salted, err = Salted(c.Name, password, salt, iterations); err != nil {
		return err
	}
	c.salt, c.iterations = salt, iterations
	return nil
}

// Finish checks the server's last message, which comes with its success.
func (c *Client) Finish(last []byte) error {
	if c.proven {
		return nil
	}
	return c.check(last)
}

func (c *Client) check(last []byte) error {
	f := fields(string(last))
	if e := f["e"]; e != "" {
		return &Denied{c.Name, e}
	}
	got, err := base64.StdEncoding.DecodeString(f["v"])
	if err != nil || len(c.proof) == 0 || subtle.ConstantTimeCompare(got, c.proof) != 1 {
		return fmt.Errorf("%s: %w", c.Name, ErrProof)
	}
	c.proven = true
	return nil
}
