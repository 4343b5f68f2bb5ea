package check

import (
	"context"
	"net"
	"time"

	"mqtt/internal/proto"
)

// User is a user name with its password.
type User struct {
	Name        string
	Password    string
	HasPassword bool
}

// Options say what to check, and how.
type Options struct {
	// Dial opens a byte stream to the server, for a connection of version v.
	Dial func(ctx context.Context, v proto.Version) (net.Conn, error)
	URL  string // of the server, without secrets, for the report
	User *User  // for every CONNECT; nil means none

	Versions  []proto.Version // to check; empty means all that the server speaks
	Selectors []string        // rules, sections and names of cases; empty means all
	Harsh     bool            // also cases that send floods or very large packets
	Limit     time.Duration   // for one answer, and a third of the time in which a server must come back; 0 means 5 s
	Parallel  int             // cases at a time; 0 means 64
	Name      string          // of this run, in topics and client identifiers: at most 6 letters and digits; "" means random

	SecondUser  *User  // for cases that need another user
	DeniedTopic string // a topic that User may not publish to
	// Restart restarts the server and returns when that has been ordered; nil means it cannot be.
	Restart func(ctx context.Context) error

	// Trace, if not nil, is called with the ID of the case and each packet or event, by one goroutine at a
	// time. Passwords are masked.
	Trace func(id string, p *Packet)
	// Progress, if not nil, is called with each result, by one goroutine at a time.
	Progress func(done, of int, r *Result)
}
