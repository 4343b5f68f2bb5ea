package scram

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"
)

// Method names.
const (
	SHA256 = "SCRAM-SHA-256"
	SHA512 = "SCRAM-SHA-512"
)

// Bounds of the iteration count that a server may ask for. RFC 7677 sets the lower one; the upper
// one costs the client one or two seconds.
const (
	MinIterations = 4096
	MaxIterations = 1 << 20
)

// Supported reports whether method is SHA256 or SHA512.
func Supported(method string) bool { return method == SHA256 || method == SHA512 }

func hashOf(method string) func() hash.Hash {
	if method == SHA512 {
		return sha512.New
	}
	return sha256.New
}

// SaltedPassword returns RFC 5802's SaltedPassword: 32 bytes for SHA256, 64 for SHA512.
func SaltedPassword(method, password string, salt []byte, iterations int) ([]byte, error) {
	h := hashOf(method)
	return pbkdf2.Key(h, password, salt, iterations, h().Size())
}

func mac(method string, key []byte, text string) []byte {
	m := hmac.New(hashOf(method), key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func sum(method string, b []byte) []byte {
	h := hashOf(method)()
	h.Write(b)
	return h.Sum(nil)
}

// fields parses a message of the form a=value,b=value.
func fields(s string) map[string]string {
	all := make(map[string]string, 4)
	for part := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(part, "="); ok {
			all[k] = v
		}
	}
	return all
}
