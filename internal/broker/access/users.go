package access

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"mqtt/internal/broker"
	"mqtt/internal/broker/fair"
	"mqtt/internal/proto"
)

// Anonymous selects the clients that Users lets in without credentials.
type Anonymous byte

// The values of Anonymous. A verified client certificate is a credential.
const (
	AnonymousNone  Anonymous = iota
	AnonymousLocal           // clients of a loopback address or a Unix socket
	AnonymousAll             // all clients
)

// Limits of the checks that wait for their turn. A check of our own hashes takes about 15 ms.
const (
	waitPerAddress = 64
	waitMost       = 1000
)

// Users decides who may connect. Its methods may be called from many goroutines.
type Users struct {
	path      string // "" without a password file
	anonymous Anonymous
	table     atomic.Pointer[users]
	key       [32]byte // of this process, for sums of passwords
	checks    *fair.Slots
	right     memory // of passwords that were right
	wrong     memory // of passwords that were wrong
}

// users is the content of a file.
type users struct {
	names  map[string]int
	hashes []hash
	scram  []int // indexes of the hashes that can be used for SCRAM
}

// NewUsers reads the password file at path. If path is "", user names of the clients that a lets in are
// not checked.
func NewUsers(path string, a Anonymous) (*Users, error) {
	u := &Users{path: path, anonymous: a, checks: fair.NewSlots(max(1, runtime.GOMAXPROCS(0)/2), waitPerAddress, waitMost)}
	rand.Read(u.key[:])
	return u, u.Reload()
}

// Reload reads the file again. It changes nothing if the file has an error. Broker.Revise must follow.
func (u *Users) Reload() error {
	if u.path == "" {
		return nil
	}
	b, err := os.ReadFile(u.path)
	if err != nil {
		return fmt.Errorf("read the password file: %w", err)
	}
	t, err := parseUsers(u.path, b)
	if err != nil {
		return err
	}
	u.table.Store(t)
	return nil
}

// parseUsers parses lines of the form name:hash. A password that is not hashed is an error, whose text
// does not repeat it.
func parseUsers(path string, b []byte) (*users, error) {
	all, err := lines(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := &users{names: make(map[string]int, len(all)), hashes: make([]hash, 0, len(all))}
	for _, l := range all {
		name, text, ok := strings.Cut(l.text, ":")
		if !ok {
			return nil, fmt.Errorf("%s:%d: expected user:hash", path, l.number)
		}
		if err := CheckUser(name); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, l.number, err)
		}
		if _, twice := t.names[name]; twice {
			return nil, fmt.Errorf("%s:%d: user %q is there twice", path, l.number, name)
		}
		h, err := parseHash(strings.TrimRight(text, " \t"))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: password of %q: %w", path, l.number, name, err)
		}
		t.names[name] = len(t.hashes)
		if h.forScram() {
			t.scram = append(t.scram, len(t.hashes))
		}
		t.hashes = append(t.hashes, h)
	}
	return t, nil
}

// Authenticate implements broker.Auth.
func (u *Users) Authenticate(ctx context.Context, who *broker.Identity, password []byte) proto.Reason {
	t := u.table.Load()
	if t != nil && who.HasUsername {
		return u.check(ctx, t, who, password)
	}
	switch {
	case who.Certificate != nil && who.CertificateName() == "" && who.HasUsername:
		return proto.NotAuthorized // the certificate names nobody, and nobody has checked the user name
	case who.Certificate != nil, u.anonymous == AnonymousAll, u.anonymous == AnonymousLocal && local(who.Local):
		return proto.Success
	case !who.HasUsername && t != nil:
		return proto.BadUserNameOrPassword
	}
	return proto.NotAuthorized
}

// Stamp implements broker.Credentials. It changes with the line of the file that lets who in.
func (u *Users) Stamp(who *broker.Identity) uint64 {
	t := u.table.Load()
	if t == nil || !who.HasUsername {
		return 0
	}
	return u.line(t, who.Username)
}

// line returns a number that identifies a user's line of the file.
func (u *Users) line(t *users, name string) uint64 {
	i, ok := t.names[name]
	if !ok {
		return 1
	}
	sum := u.sum(name, t.hashes[i].salt, t.hashes[i].key)
	return binary.BigEndian.Uint64(sum[:])
}

// local reports whether the listener's address a can be reached from this machine only.
func local(a net.Addr) bool {
	at, ok := a.(*net.TCPAddr)
	return !ok || at.IP.IsLoopback()
}

// Remembers implements broker.PasswordMemory: it reports whether the password of who was right lately.
func (u *Users) Remembers(who *broker.Identity, password []byte) bool {
	t := u.table.Load()
	if t == nil || !who.HasUsername {
		return false
	}
	i, known := t.names[who.Username]
	return known && u.right.has(u.sum(who.Username, password, t.hashes[i].key))
}

// check checks a password. That of an unknown user is compared with another user's hash, which takes
// as long. A password that was right or wrong lately is not hashed again.
func (u *Users) check(ctx context.Context, t *users, who *broker.Identity, password []byte) proto.Reason {
	name := who.Username
	i, known := t.names[name]
	if !known {
		if len(t.hashes) == 0 {
			return proto.BadUserNameOrPassword
		}
		sum := u.sum(name, nil, nil)
		i = int(binary.BigEndian.Uint64(sum[:]) % uint64(len(t.hashes)))
	}
	h := &t.hashes[i]
	key := h.key
	if !known {
		key = nil // the user may be added later with that very hash
	}
	sum := u.sum(name, password, key)
	if r, ok := u.recall(sum, known); ok {
		return r
	}
	switch err := u.checks.Take(ctx, fair.KeyOf(who.Remote), name); {
	case errors.Is(err, fair.ErrBusy):
		return proto.ServerBusy
	case err != nil:
		return proto.ServerUnavailable
	}
	if r, ok := u.recall(sum, known); ok { // it was checked for another client meanwhile
		u.checks.Release()
		return r
	}
	done := make(chan bool, 1)
	password = bytes.Clone(password) // the check may outlast this call

	go func() { // ends with the check, which cannot be interrupted
		defer u.checks.Release()
		same := h.matches(password)
		if same && known {
			u.right.add(sum)
		} else {
			u.wrong.add(sum)
		}
		done <- same && known
	}()
	select {
	case right := <-done:
		if right {
			return proto.Success
		}
		return proto.BadUserNameOrPassword
	case <-ctx.Done():
		return proto.ServerUnavailable
	}
}

// recall returns the verdict of an earlier check of the same password. ok is false if there was none.
func (u *Users) recall(sum [32]byte, known bool) (r proto.Reason, ok bool) {
	switch {
	case known && u.right.has(sum):
		return proto.Success, true
	case u.wrong.has(sum):
		return proto.BadUserNameOrPassword, true
	}
	return 0, false
}

// sum returns the fingerprint under which a password is remembered. It does not tell the password, and
// it changes when the file gets another hash for the user.
func (u *Users) sum(name string, password, key []byte) (sum [32]byte) {
	m := hmac.New(sha256.New, u.key[:])
	var n [8]byte
	for _, part := range [][]byte{[]byte(name), password, key} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		m.Write(n[:])
		m.Write(part)
	}
	m.Sum(sum[:0])
	return sum
}
