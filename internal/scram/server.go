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

// Server is one exchange on the side of the server. Two messages come, and no more.
type Server struct {
	Method string
	// Find returns the secret of a user, and for one that is not known a made-up one,
	// always the same, that looks like others. known decides at the end only.
	Find func(user string) (s Secret, known bool)

	user   string
	header string // of the first message
	signed string // as far as it is known
	nonce  string
	secret Secret
	known  bool
	state  byte // 0, 1 and 2: messages that came
}

// Why an exchange fails.
var (
	ErrMalformed = errors.New("not a message of the method") // what came is out of order
	ErrRefused   = errors.New("an unknown user or a wrong password")
)

// maxMessage bounds what a client may send, in bytes.
const maxMessage = 4096

// User is the name that the client gave.
func (s *Server) User() string { return s.user }

// Step takes a message and returns the answer. After the second one the exchange is
// over: without an error the client knows the password, and the answer tells it that we
// do.
func (s *Server) Step(message []byte) (answer []byte, done bool, err error) {
	if len(message) > maxMessage || s.state > 1 {
		return nil, true, ErrMalformed
	}
	s.state++
	if s.state == 1 {
		answer, err = s.first(string(message))
		return answer, err != nil, err
	}
	answer, err = s.last(string(message))
	return answer, true, err
}

// first reads n,,n=user,r=nonce. The header may also say that the client knows of
// channel binding and thinks that we do not, or name the user a second time.
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

// last reads c=header,r=nonce,p=proof.
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

// unescape takes =2C and =3D, and no other =, for a comma and an equals sign.
func unescape(s string) (string, bool) {
	plain := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(s)
	rest := strings.NewReplacer("=2C", "", "=3D", "").Replace(s)
	return plain, s != "" && !strings.Contains(rest, "=")
}
