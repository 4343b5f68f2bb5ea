package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
)

// forScram reports whether h can be used for SCRAM-SHA-512: a $7$ hash of 64 bytes is the SaltedPassword
// of that method. Clients refuse fewer than 4096 iterations; mosquitto_passwd makes 101.
func (h *hash) forScram() bool {
	return h.kind == '7' && len(h.key) == sha512.Size && len(h.salt) > 0 && h.rounds >= scram.MinIterations && h.rounds <= scram.MaxIterations
}

// Start implements broker.Enhanced. It offers SCRAM-SHA-512 if the file has a hash for it.
func (u *Users) Start(_ context.Context, who *broker.Identity, method string) (broker.Exchange, proto.Reason) {
	t := u.table.Load()
	if method != scram.SHA512 || t == nil || len(t.scram) == 0 {
		return nil, proto.BadAuthenticationMethod
	}
	x := &exchange{users: u}
	x.Method = method
	x.Find = func(name string) (scram.Secret, bool) {
		made := u.nobody(t, name) // for known users too: it takes time
		if who.HasUsername && who.Username != name {
			if prepared, err := scram.Prepare(who.Username); err != nil || prepared != name {
				return made, false
			}
			name = who.Username
		}
		x.user = name
		i, ok := t.names[name]
		if h := &t.hashes[i]; ok && h.forScram() {
			x.line = u.line(t, name)
			return scram.Secret{Salt: h.salt, Salted: h.key, Iterations: h.rounds}, true
		}
		return made, false
	}
	return x, proto.Success
}

// nobody returns a made-up secret for a user who has none. It is the same each time while this process
// runs, and it has the lengths and the iterations of a user's real secret.
func (u *Users) nobody(t *users, name string) scram.Secret {
	sum := u.sum(name, nil, nil)
	like := &t.hashes[t.scram[binary.BigEndian.Uint64(sum[:])%uint64(len(t.scram))]]
	var b []byte
	for n := byte(0); len(b) < len(like.salt)+len(like.key); n++ {
		m := hmac.New(sha512.New, u.key[:])
		m.Write(append([]byte{n}, name...))
		b = m.Sum(b)
	}
	return scram.Secret{Salt: b[:len(like.salt)], Salted: b[len(like.salt):][:len(like.key)], Iterations: like.rounds}
}

// exchange is one run of SCRAM.
type exchange struct {
	scram.Server
	users *Users
	user  string
	line  uint64 // identifies the line of the file whose hash is used
}

// Step implements broker.Exchange.
func (x *exchange) Step(_ context.Context, data []byte) ([]byte, proto.Reason) {
	answer, done, err := x.Server.Step(data)
	switch {
	case errors.Is(err, scram.ErrRefused):
		return nil, proto.BadUserNameOrPassword
	case err != nil:
		return nil, proto.ProtocolError
	case !done:
		return answer, proto.ContinueAuthentication
	case x.users.line(x.users.table.Load(), x.user) != x.line:
		return nil, proto.BadUserNameOrPassword // the file was reloaded meanwhile
	}
	return answer, proto.Success
}

// User implements broker.Exchange.
func (x *exchange) User() string { return x.user }
