package rules

import (
	"strconv"

	"mqtt/internal/proto"
)

// Way is the direction of a packet.
type Way uint8

// The two directions.
const (
	In  Way = iota // from the client to the server
	Out            // from the server to the client
)

// String returns in or out.
func (w Way) String() string {
	if w == In {
		return "in"
	}
	return "out"
}

// sender returns the role that sends in direction w.
func (w Way) sender() Role {
	if w == In {
		return Client
	}
	return Server
}

// Role is who a statement binds, or who broke it.
type Role uint8

// The roles.
const (
	Client Role = 1
	Server Role = 2
	Both   Role = Client | Server
)

// String returns client, server or both.
func (r Role) String() string {
	switch r {
	case Client:
		return "client"
	case Server:
		return "server"
	case Both:
		return "both"
	}
	return "role " + strconv.Itoa(int(r))
}

// Level is how strongly a statement binds.
type Level uint8

// The levels, as the standards use the words.
const (
	Must Level = iota + 1
	Should
	May
)

// String returns MUST, SHOULD or MAY.
func (l Level) String() string {
	switch l {
	case Must:
		return "MUST"
	case Should:
		return "SHOULD"
	case May:
		return "MAY"
	}
	return "level " + strconv.Itoa(int(l))
}

// Statement is one statement of a standard, in our words.
type Statement struct {
	ID      string        // such as MQTT-3.8.4-1; empty if the standard gives no number
	Version proto.Version // V5, V311 or V31
	Section string        // such as 3.8.4
	Level   Level
	Binds   Role
	Text    string // one sentence
	// Shown is "observer" if the Observer reports violations, "case" if only an active test can
	// show one, and otherwise the reason why no test can.
	Shown string

	key string // ID, or a name of the same form for a statement without a number
}

// Name returns the number of s, or its section if it has none.
func (s Statement) Name() string {
	if s.ID != "" {
		return s.ID
	}
	return s.Section
}

// Violation says that a peer broke a statement, with the evidence.
type Violation struct {
	Statement
	Broken Role     // who broke it: Client or Server
	Got    string   // what was seen: one line, printable
	Also   []string // numbers of other statements of this version that say the same
	Packet []byte   // a copy of the packet that shows it, bounded, with passwords masked; nil for a close
}
