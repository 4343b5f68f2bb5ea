package access

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"mqtt/internal/scram"
)

// Parameters of hashes. A new Argon2id hash takes 19 MiB and about 15 ms.
const (
	argonMemory  = 19 << 10 // KiB
	argonPasses  = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
	scramRounds  = 210_000 // of a new hash for SCRAM; they take the client about 100 ms
	mostMemory   = 4 << 20 // KiB, of a hash in a file
	mostRounds   = 1 << 24 // of a hash in a file
)

// hash is a hashed password of a file.
type hash struct {
	kind    byte // 'a' for Argon2id, or mosquitto's '6' and '7'
	salt    []byte
	key     []byte
	rounds  int    // PBKDF2 iterations, or Argon2 passes
	memory  uint32 // KiB
	threads uint8
}

// newHash returns the Argon2id hash of a password with a new salt, in PHC form.
func newHash(password []byte) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey(password, salt, argonPasses, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonThreads, b64(salt), b64(key))
}

// newScramHash returns a PBKDF2 hash in mosquitto's form, with more iterations than mosquitto uses.
func newScramHash(password []byte) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key, _ := scram.SaltedPassword(scram.SHA512, string(password), salt, scramRounds)
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("$7$%d$%s$%s", scramRounds, b64(salt), b64(key))
}

var errForm = errors.New("not a hash of a known form: $argon2id$, or mosquitto's $6$ or $7$")

// parseHash parses $argon2id$v=19$m=..,t=..,p=..$salt$key, mosquitto's $7$iterations$salt$key (PBKDF2
// with SHA-512) and its older $6$salt$key (one SHA-512 of password and salt).
func parseHash(s string) (h hash, err error) {
	f := strings.Split(s, "$")
	if len(f) < 4 || f[0] != "" {
		return h, errForm
	}
	var salt, key string
	switch {
	case f[1] == "argon2id" && len(f) == 6:
		var version int
		if _, err := fmt.Sscanf(f[2]+" "+f[3], "v=%d m=%d,t=%d,p=%d", &version, &h.memory, &h.rounds, &h.threads); err != nil || version != argon2.Version {
			return h, errForm
		}
		h.kind, salt, key = 'a', f[4], f[5]
		if h.memory < 8 || h.memory > mostMemory || h.threads < 1 || h.rounds < 1 || h.rounds > mostRounds {
			return h, fmt.Errorf("%s is out of bounds", f[3])
		}
	case f[1] == "7" && len(f) == 5:
		if h.rounds, err = strconv.Atoi(f[2]); err != nil || h.rounds < 1 || h.rounds > mostRounds {
			return h, errForm
		}
		h.kind, salt, key = '7', f[3], f[4]
	case f[1] == "6" && len(f) == 4:
		h.kind, salt, key = '6', f[2], f[3]
	default:
		return h, errForm
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(salt, "=")); err != nil {
		return h, errForm
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(key, "=")); err != nil || len(h.key) < 16 || len(h.key) > 1024 {
		return h, errForm
	}
	return h, nil
}

// matches reports whether h is the hash of password. It takes as long if it is not.
func (h *hash) matches(password []byte) bool {
	var key []byte
	switch h.kind {
	case 'a':
		key = argon2.IDKey(password, h.salt, uint32(h.rounds), h.memory, h.threads, uint32(len(h.key)))
	case '7':
		key, _ = pbkdf2.Key(sha512.New, string(password), h.salt, h.rounds, len(h.key)) // fails only in FIPS mode: no match
	case '6':
		sum := sha512.New()
		sum.Write(password)
		sum.Write(h.salt)
		key = sum.Sum(nil)
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1
}
