package connect

import (
	"errors"
	"strings"
	"sync"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
)

// auth returns the enhanced authentication of --auth-method, nil for none.
func (f *IdentityFlags) auth(p *proto.Connect) (conn.Auth, error) {
	if f.AuthMethod == "" {
		if f.authData != "" {
			return nil, cli.BadFlag("--auth-data", " without --auth-method", "name the method")
		}
		return nil, nil
	}
	if err := cli.CheckText("--auth-method", f.AuthMethod); err != nil {
		return nil, err
	}
	if method := strings.ToUpper(f.AuthMethod); scram.Supported(method) {
		if f.PerClient {
			return nil, nil
		}
		if !p.HasUsername || !p.HasPassword {
			return nil, cli.BadFlag("--auth-method", " "+f.AuthMethod+" without credentials", "it needs -u and a password")
		}
		if err := CheckScram("-u", "password", method, p.Username, string(p.Password)); err != nil {
			return nil, err
		}
		a := TakeScram(method, p).(*scramAuth)
		a.password = f.reread
		return a, nil
	}
	return &rawAuth{method: f.AuthMethod, data: []byte(f.authData)}, nil
}

// TakeScram moves the credentials of p to an authentication by method. The password is not sent.
func TakeScram(method string, p *proto.Connect) conn.Auth {
	a := &scramAuth{client: &scram.Client{Method: method, User: p.Username, Password: string(p.Password)}}
	p.HasPassword, p.Password = false, nil
	return a
}

// CheckScram rejects characters that SCRAM cannot carry. The first two arguments say where they are.
func CheckScram(atUser, atPassword, method, user, password string) error {
	if _, err := scram.Prepare(user); err != nil {
		return cli.Usage(atUser+" for "+method+": "+err.Error(), "leave that character out")
	}
	if _, err := scram.Prepare(password); err != nil {
		return cli.Usage(atPassword+" for "+method+": "+err.Error(), "leave that character out")
	}
	return nil
}

// takeAuthProperties moves -D connect authentication-method and authentication-data to --auth-method
// and --auth-data. AUTH packets carry both properties anyway.
func (f *IdentityFlags) takeAuthProperties(sets map[proto.Type]proto.Props) error {
	for _, p := range []struct {
		id   proto.PropID
		flag string
		to   *string
	}{{proto.AuthenticationMethod, "--auth-method", &f.AuthMethod}, {proto.AuthenticationData, "--auth-data", &f.authData}} {
		if sets[proto.AUTH].Has(p.id) {
			return cli.BadFlag("-D", " auth "+p.id.String(), p.flag+" is for CONNECT and AUTH alike")
		}
		ps := sets[proto.CONNECT]
		if !ps.Has(p.id) {
			continue
		}
		if *p.to != "" {
			return cli.BadFlag(p.flag, " with -D connect "+p.id.String(), "give one of them")
		}
		*p.to = string(ps.Value(p.id))
		sets[proto.CONNECT] = ps.Without(p.id)
	}
	return nil
}

// scramAuth is conn.Auth with a method of package scram.
type scramAuth struct {
	password func() ([]byte, error) // reads the password of each exchange; nil means that of client

	mu     sync.Mutex
	client *scram.Client
}

// Method returns the name of the method.
func (a *scramAuth) Method() string { return a.current().Method }

func (a *scramAuth) current() *scram.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.client
}

// refresh reads the password again. Exchanges with the same password share a client, which keeps what is
// slow to compute.
func (a *scramAuth) refresh() error {
	if a.password == nil {
		return nil
	}
	b, err := a.password()
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if string(b) != a.client.Password {
		a.client = &scram.Client{Method: a.client.Method, User: a.client.User, Password: string(b)}
	}
	return nil
}

// Begin begins an exchange.
func (a *scramAuth) Begin() (conn.Exchange, error) {
	if err := a.refresh(); err != nil {
		return nil, err
	}
	x, err := a.current().Begin()
	if err != nil {
		return nil, err
	}
	return scramExchange{x}, nil
}

// scramExchange distinguishes a server that refuses from one that breaks the method.
type scramExchange struct{ *scram.ClientExchange }

// Next answers a challenge.
func (x scramExchange) Next(challenge []byte) ([]byte, error) {
	answer, err := x.ClientExchange.Next(challenge)
	if err = denied(err); err != nil && conn.Class(err) != conn.ClassRefused {
		err = &conn.Violation{Err: err}
	}
	return answer, err
}

// Finish checks the server's last message.
func (x scramExchange) Finish(data []byte) error { return denied(x.ClientExchange.Finish(data)) }

// denied marks an error with which the server ended the exchange.
func denied(err error) error {
	var d *scram.Denied
	if errors.As(err, &d) {
		return &conn.Denied{Err: err}
	}
	return err
}

// rawAuth sends the same data at each step.
type rawAuth struct {
	method string
	data   []byte
}

func (a *rawAuth) Method() string                { return a.method }
func (a *rawAuth) Begin() (conn.Exchange, error) { return a, nil }
func (a *rawAuth) Finish([]byte) error           { return nil }
func (a *rawAuth) Start() []byte {
	if len(a.data) == 0 {
		return nil // then the property is left out
	}
	return a.data
}
func (a *rawAuth) Next([]byte) ([]byte, error) {
	if len(a.data) == 0 {
		return nil, cli.Fail(cli.ExitRefused, "give it with --auth-data", "the server sent a challenge, and there is no data to answer it")
	}
	return a.data, nil
}
