package main

import (
	"testing"
)

// The exchange that RFC 7677 gives as its example.
func TestScramExample(t *testing.T) {
	a := &scramAuth{method: "SCRAM-SHA-256", username: "user", password: "pencil"}
	if _, err := a.Start(); err != nil {
		t.Fatal(err)
	}
	a.nonce, a.bare = "rOprNGfwEbeRWgbNEkqO", "n=user,r=rOprNGfwEbeRWgbNEkqO"
	got, err := a.Next([]byte("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	if string(got) != want {
		t.Errorf("client's proof:\n got %s\nwant %s", got, want)
	}
	if err := a.Finish([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err != nil {
		t.Error(err)
	}
	a.proven = false
	if err := a.Finish([]byte("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err == nil {
		t.Error("a server that does not know the password was believed")
	}
}

func TestScramRefusesBadChallenges(t *testing.T) {
	for _, challenge := range []string{"", "e=unknown-user", "r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=NONCEmore,s=!,i=4096",
		"r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1", "r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999", "r=NONCE,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"} {
		a := &scramAuth{method: "SCRAM-SHA-512", username: "u", password: "p"}
		a.Start()
		a.nonce = "NONCE"
		if _, err := a.Next([]byte(challenge)); err == nil {
			t.Errorf("challenge %q was answered", challenge)
		}
	}
}
