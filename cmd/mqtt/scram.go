package main

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// scramAuth is SCRAM-SHA-256 or SCRAM-SHA-512 (RFC 5802, RFC 7677) without channel binding. The server must prove that
// it knows the password too. The two messages are written here because the libraries for it bring tables that every
// start of the program would pay for.
//
// BUG: user name and password are taken as they are; SASLprep, which matters beyond ASCII only, is not done.
type scramAuth struct {
	method, username, password string

	bare    string // the client's first message, without its header
	nonce   string
	proof   []byte // that the server must give
	replied bool
	proven  bool
}

// Bounds of what a server may ask for.
const (
	scramFewest = 4096
	scramMost   = 1 << 20 // iterations: a second or two of work
)

func (a *scramAuth) Method() string { return a.method }

func (a *scramAuth) hash() func() hash.Hash {
	if a.method == "SCRAM-SHA-512" {
		return sha512.New
	}
	return sha256.New
}

// Start returns the client's first message.
func (a *scramAuth) Start() ([]byte, error) {
	a.nonce, a.replied, a.proven = rand.Text(), false, false
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(a.username)
	a.bare = "n=" + name + ",r=" + a.nonce
	return []byte("n,," + a.bare), nil
}

// Next answers the server's first message, or checks its last one where that comes in an AUTH of its own.
func (a *scramAuth) Next(challenge []byte) ([]byte, error) {
	if a.replied {
		return nil, a.check(challenge)
	}
	a.replied = true
	first := string(challenge)
	fields := scramFields(first)
	salt, err := base64.StdEncoding.DecodeString(fields["s"])
	rounds, err2 := strconv.Atoi(fields["i"])
	switch {
	case fields["e"] != "":
		return nil, fmt.Errorf("%s: the server says %s", a.method, fields["e"])
	case err != nil || err2 != nil || len(salt) == 0 || !strings.HasPrefix(fields["r"], a.nonce) || len(fields["r"]) == len(a.nonce):
		return nil, fmt.Errorf("%s: the server's challenge makes no sense", a.method)
	case rounds < scramFewest || rounds > scramMost:
		return nil, fmt.Errorf("%s: the server asks for %d iterations, not %d to %d", a.method, rounds, scramFewest, scramMost)
	}
	salted, err := pbkdf2.Key(a.hash(), a.password, salt, rounds, a.hash()().Size())
	if err != nil {
		return nil, err
	}
	final := "c=biws,r=" + fields["r"]
	signed := a.bare + "," + first + "," + final
	client := a.mac(salted, "Client Key")
	stored := a.hash()()
	stored.Write(client)
	proof := a.mac(stored.Sum(nil), signed)
	subtle.XORBytes(proof, proof, client)
	a.proof = a.mac(a.mac(salted, "Server Key"), signed)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// Finish checks the server's last message, which comes with its success.
func (a *scramAuth) Finish(data []byte) error {
	if a.proven {
		return nil
	}
	return a.check(data)
}

func (a *scramAuth) check(last []byte) error {
	fields := scramFields(string(last))
	if e := fields["e"]; e != "" {
		return fmt.Errorf("%s: the server says %s", a.method, e)
	}
	got, err := base64.StdEncoding.DecodeString(fields["v"])
	if err != nil || len(a.proof) == 0 || subtle.ConstantTimeCompare(got, a.proof) != 1 {
		return errors.New(a.method + ": the server did not prove that it knows the password")
	}
	a.proven = true
	return nil
}

func (a *scramAuth) mac(key []byte, text string) []byte {
	m := hmac.New(a.hash(), key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// scramFields reads a=value,b=value.
func scramFields(s string) map[string]string {
	fields := make(map[string]string, 4)
	for part := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(part, "="); ok {
			fields[k] = v
		}
	}
	return fields
}
