package connect

import (
	"errors"
	"fmt"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
)

// lossesInARow is how many connections the server must end soon, one after the other, until that is
// more than bad luck.
const lossesInARow = 3

// soon is how long a connection lasts that ended soon.
const soon = 5 * time.Second

// losses recognizes a server that ends each connection soon after it was opened. Before version 5 it
// cannot say why: two clients with the same identifier end each other's connections that way, and
// some servers end the connection of a client that lacks a right. The zero value is ready.
type losses struct {
	inARow int
	next   time.Time // when the next connection may be opened
	told   bool
}

// add adds a loss that is followed by a wait. It reports, once, that this was one of several in a row.
func (l *losses) add(err error, wait time.Duration, now time.Time) bool {
	var (
		opening *conn.OpenError
		broken  *conn.Broken
	)
	if errors.As(err, &opening) || !errors.As(err, &broken) {
		l.inARow = 0 // there was no connection, or the server has said why it ended
	} else if l.inARow > 0 && now.Sub(l.next) > soon {
		l.inARow = 1
	} else {
		l.inARow++
	}
	l.next = now.Add(wait)
	if l.told || l.inARow < lossesInARow {
		return false
	}
	l.told = true
	return true
}

// lossesText says what may be the cause.
func lossesText(err error, id string) string {
	text := fmt.Sprintf("the server ended %d connections soon after they were opened: ", lossesInARow)
	if hint := cli.UnansweredHint(err); hint != "" {
		return text + hint
	}
	return text + fmt.Sprintf("does another client use the identifier %q (-i)?", id)
}
