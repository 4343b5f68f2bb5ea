package main

import (
	"errors"
	"strings"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
)

// auth is the enhanced authentication that --auth-method asks for, nil for none.
func (f *identityFlags) auth(p *proto.Connect) (conn.Auth, error) {
	if f.authMethod == "" {
		if f.authData != "" {
			return nil, usage("--auth-data without --auth-method", "name the method")
		}
		return nil, nil
	}
	if err := checkText("--auth-method", f.authMethod); err != nil {
		return nil, err
	}
	if method := strings.ToUpper(f.authMethod); scram.Known(method) {
		if !p.HasUsername || !p.HasPassword {
			return nil, usage("--auth-method "+f.authMethod+" without credentials", "it needs -u and a password")
		}
		for flag, s := range map[string]string{"-u": p.Username, "password": string(p.Password)} {
			if _, err := scram.Prepare(s); err != nil {
				return nil, usage(flag+" for "+method+": "+err.Error(), "leave that character out")
			}
		}
		a := scramAuth{&scram.Client{Name: method, User: p.Username, Password: string(p.Password)}}
		// The password stays here: that is what SCRAM is for.
		p.HasPassword, p.Password = false, nil
		return a, nil
	}
	return &rawAuth{method: f.authMethod, data: []byte(f.authData)}, nil
}

// takeOver makes -D connect authentication-method and -data what they mean: --auth-method and --auth-data. In AUTH packets
// the two stand anyway.
func (f *identityFlags) takeOver(sets map[proto.Type]proto.Props) error {
	for _, p := range []struct {
		id   proto.PropID
		flag string
		to   *string
	}{{proto.AuthenticationMethod, "--auth-method", &f.authMethod}, {proto.AuthenticationData, "--auth-data", &f.authData}} {
		if sets[proto.AUTH].Has(p.id) {
			return usage("-D auth "+p.id.String(), p.flag+" is for CONNECT and AUTH alike")
		}
		ps := sets[proto.CONNECT]
		if !ps.Has(p.id) {
			continue
		}
		if *p.to != "" {
			return usage(p.flag+" with -D connect "+p.id.String(), "give one of them")
		}
		*p.to = string(ps.Value(p.id))
		sets[proto.CONNECT] = ps.Without(p.id)
	}
	return nil
}

// scramAuth tells a server that refuses from one that breaks the method.
type scramAuth struct{ *scram.Client }

// Next answers a challenge.
func (a scramAuth) Next(challenge []byte) ([]byte, error) {
	answer, err := a.Client.Next(challenge)
	if err != nil && !denied(err) {
		err = &conn.Violation{Err: err}
	}
	return answer, err
}

// denied tells whether the server said no in the words of the method.
func denied(err error) bool {
	var d *scram.Denied
	return errors.As(err, &d)
}

// rawAuth sends the same data whenever it is asked.
type rawAuth struct {
	method string
	data   []byte
}

func (a *rawAuth) Method() string      { return a.method }
func (a *rawAuth) Finish([]byte) error { return nil }
func (a *rawAuth) Start() ([]byte, error) {
	if len(a.data) == 0 {
		return nil, nil // then the property is left out
	}
	return a.data, nil
}
func (a *rawAuth) Next([]byte) ([]byte, error) {
	if len(a.data) == 0 {
		return nil, fail(exitRefused, "give it with --auth-data", "the server sent a challenge, and there is no data to answer it")
	}
	return a.data, nil
}
