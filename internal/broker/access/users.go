package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// Anonymous says whom Users lets in without credentials.
type Anonymous byte

// The choices. A client certificate that was verified is a credential.
const (
	Nobody     Anonymous = iota
	Loopback             // who comes over an address or a socket of this machine alone
	Everywhere           // everybody
)

const (
	rememberFor  = 5 * time.Minute // a password that was right
	rememberMost = 10_000          // of them
	waitMost     = 1000            // clients whose password waits to be checked
)

// Users decides who may connect. Its methods may be called from many goroutines.
type Users struct {
	path      string // "" without a password file
	anonymous Anonymous
	table     atomic.Pointer[users]
	key       [32]byte      // of this process, for what is remembered
	turns     chan struct{} // as many as may check a password at once
	waiting   atomic.Int64

	mu    sync.Mutex
	right map[[32]byte]time.Time // until when a password that was right needs no check
}

// users is what a file says.
type users struct {
	names  map[string]int
	hashes []hash
	scram  []int // of the hashes, those that serve for it
}

// NewUsers reads the password file at path. Without one, user names are taken on trust
// from whoever may come anonymously.
func NewUsers(path string, a Anonymous) (*Users, error) {
	u := &Users{path: path, anonymous: a, right: make(map[[32]byte]time.Time), turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	rand.Read(u.key[:])
	return u, u.Reload()
}

// Reload reads the file again. After an error the users are those that were.
// Broker.Revise must follow.
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

// parseUsers reads name:hash lines. A password that is not hashed is an error, and not
// repeated in it.
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
			return nil, fmt.Errorf("%s:%d: %q is there twice", path, l.number, name)
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
		return u.check(ctx, t, who.Username, password)
	}
	switch {
	case who.Certificate != nil, u.anonymous == Everywhere, u.anonymous == Loopback && local(who.Local):
		return proto.Success
	case !who.HasUsername && t != nil:
		return proto.BadUserNameOrPassword
	}
	return proto.NotAuthorized
}

// Stamp implements broker.Credentials: it changes with the line that lets who in.
func (u *Users) Stamp(who *broker.Identity) uint64 {
	t := u.table.Load()
	if t == nil || !who.HasUsername {
		return 0
	}
	return u.line(t, who.Username)
}

// line is a number for what the file says of a user.
func (u *Users) line(t *users, name string) uint64 {
	i, ok := t.names[name]
	if !ok {
		return 1
	}
	sum := u.sum(name, t.hashes[i].salt, t.hashes[i].key)
	return binary.BigEndian.Uint64(sum[:])
}

// local tells whether an address of ours can be reached from this machine only.
func local(a net.Addr) bool {
	at, ok := a.(*net.TCPAddr)
	return !ok || at.IP.IsLoopback()
}

// check compares a password. That of an unknown user is compared with another user's
// hash: it takes as long.
func (u *Users) check(ctx context.Context, t *users, name string, password []byte) proto.Reason {
	i, known := t.names[name]
	if !known {
		if len(t.hashes) == 0 {
			return proto.BadUserNameOrPassword
		}
		sum := u.sum(name, nil, nil)
		i = int(binary.BigEndian.Uint64(sum[:]) % uint64(len(t.hashes)))
	}
	h := &t.hashes[i]
	seen := u.sum(name, password, h.key)
	if known && u.remembers(seen) {
		return proto.Success
	}
	if u.waiting.Add(1) > waitMost {
		u.waiting.Add(-1)
		return proto.ServerBusy
	}
	defer u.waiting.Add(-1)
	select {
	case u.turns <- struct{}{}:
	case <-ctx.Done():
		return proto.ServerUnavailable
	}
	same := h.matches(password)
	<-u.turns
	if !same || !known {
		return proto.BadUserNameOrPassword
	}
	u.remember(seen)
	return proto.Success
}

// sum is what is remembered of a password that was right: nothing that tells it, and
// another one when the file has another hash.
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

func (u *Users) remembers(sum [32]byte) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	until, ok := u.right[sum]
	return ok && time.Now().Before(until)
}

func (u *Users) remember(sum [32]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if len(u.right) >= rememberMost {
		for s, until := range u.right {
			if now.After(until) {
				delete(u.right, s)
			}
		}
		if len(u.right) >= rememberMost {
			clear(u.right)
		}
	}
	u.right[sum] = now.Add(rememberFor)
}
