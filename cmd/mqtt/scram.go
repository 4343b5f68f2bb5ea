package main

import (
	"fmt"

	"github.com/xdg-go/scram"
)

// scramAuth is SCRAM-SHA-256 or SCRAM-SHA-512 (RFC 5802, RFC 7677), without channel binding. The server must prove
// that it knows the password too.
type scramAuth struct {
	method, username, password string
	talk                       *scram.ClientConversation
}

func (a *scramAuth) Method() string { return a.method }

func (a *scramAuth) Start() ([]byte, error) {
	hash := scram.SHA256
	if a.method == "SCRAM-SHA-512" {
		hash = scram.SHA512
	}
	client, err := hash.NewClient(a.username, a.password, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.method, err)
	}
	a.talk = client.NewConversation()
	return a.Next(nil)
}

func (a *scramAuth) Next(challenge []byte) ([]byte, error) {
	answer, err := a.talk.Step(string(challenge))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.method, err)
	}
	return []byte(answer), nil
}

func (a *scramAuth) Finish(data []byte) error {
	if !a.talk.Done() {
		if _, err := a.talk.Step(string(data)); err != nil {
			return fmt.Errorf("%s: the server's proof: %w", a.method, err)
		}
	}
	if !a.talk.Valid() {
		return fmt.Errorf("%s: the server did not prove that it knows the password", a.method)
	}
	return nil
}
