package scram

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// Secret is what a server stores instead of a password. Salted is the result of SaltedPassword.
type Secret struct {
	Salt, Salted []byte
	Iterations   int
}

// Server is the server's side of one exchange. The client sends exactly two messages.
type Server struct {
	Method string
	// Find returns the secret of a user. For an unknown user it returns an invented secret, always
	// the same one, that looks like any other: the exchange only fails at its end.
	Find func(user string) (s Secret, known bool)

	user   string
	header string // GS2 header of the first message
	signed string // AuthMessage of RFC 5802, as far as it is known
	nonce  string
	secret Secret
	known  bool
	count  byte // number of messages received
}

var (
	// ErrMalformed reports a message that is not one of the method, or is out of order.
	ErrMalformed = errors.New("not a message of the method")
	// ErrRefused reports an unknown user or a wrong password.
	ErrRefused = errors.New("an unknown user or a wrong password")
)

// maxMessage is the largest size of a client's message, in bytes.
const maxMessage = 4096

// User returns the user name that the client sent, or "" before its first message.
func (s *Server) User() string { return s.user }

// Step handles a message and returns the answer. The exchange ends with the second message, or with
// an error. Without an error the client has proved that it knows the password, and the answer
// proves the same of the server.
func (s *Server) Step(message []byte) (answer []byte, done bool, err error) {
	if len(message) > maxMessage || s.count > 1 {
		return nil, true, ErrMalformed
	}
	s.count++
	if s.count == 1 {
		answer, err = s.first(string(message))
		return answer, err != nil, err
	}
	answer, err = s.last(string(message))
	return answer, true, err
}

// first handles n,,n=user,r=nonce. The GS2 header may also say that the client supports channel
// binding but assumes that the server does not (y), or repeat the user name (a=).
func (s *Server) first(message string) ([]byte, error) {
	flag, rest, _ := strings.Cut(message, ",")
	as, bare, ok := strings.Cut(rest, ",")
	name, more, ok2 := strings.Cut(bare, ",")
	if !ok || !ok2 || flag != "n" && flag != "y" || !strings.HasPrefix(name, "n=") || !strings.HasPrefix(more, "r=") {
		return nil, ErrMalformed
	}
	nonce, _, _ := strings.Cut(more[2:], ",")
	if nonce == "" || as != "" && as != "a="+name[2:] {
		return nil, ErrMalformed
	}
	if s.user, ok = unescape(name[2:]); !ok {
		return nil, ErrMalformed
	}
	s.header, s.nonce = flag+","+as+",", nonce+rand.Text()
	s.secret, s.known = s.Find(s.user)
	answer := "r=" + s.nonce + ",s=" + base64.StdEncoding.EncodeToString(s.secret.Salt) + ",i=" + strconv.Itoa(s.secret.Iterations)
	s.signed = bare + "," + answer + ","
	return []byte(answer), nil
}

// last handles c=header,r=nonce,p=proof.
func (s *Server) last(message string) ([]byte, error) {
	at := strings.LastIndex(message, ",p=")
	if at < 0 {
		return nil, ErrMalformed
	}
	f := fields(message[:at])
	header, err := base64.StdEncoding.DecodeString(f["c"])
	proof, err2 := base64.StdEncoding.DecodeString(message[at+3:])
	if err != nil || err2 != nil || string(header) != s.header || f["r"] != s.nonce {
		return nil, ErrMalformed
	}
	signed := s.signed + message[:at]
	key := mac(s.Method, s.secret.Salted, "Client Key")
	stored := sum(s.Method, key)
	shown := mac(s.Method, stored, signed)
	if len(proof) != len(shown) {
		return nil, ErrMalformed
	}
	subtle.XORBytes(proof, proof, shown)
	right := subtle.ConstantTimeCompare(sum(s.Method, proof), stored)
	ours := mac(s.Method, mac(s.Method, s.secret.Salted, "Server Key"), signed)
	if right != 1 || !s.known {
		return nil, ErrRefused
	}
	return []byte("v=" + base64.StdEncoding.EncodeToString(ours)), nil
}

// unescape replaces =2C by a comma and =3D by an equals sign. ok is false if s is empty or has
// another equals sign.
func unescape(s string) (name string, ok bool) {
	plain := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(s)
	rest := strings.NewReplacer("=2C", "", "=3D", "").Replace(s)
	return plain, s != "" && !strings.Contains(rest, "=")
}
