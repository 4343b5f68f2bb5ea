package transport

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// tryEach calls dial for each address until one succeeds. Each attempt may take an equal share of the
// time that is left until the deadline of ctx, so that a server that does not answer leaves time for
// the others.
func tryEach(ctx context.Context, addrs []string, dial func(context.Context, string) (net.Conn, error)) (net.Conn, error) {
	var failed attempts
	for i, addr := range addrs {
		c, err := tryFor(ctx, len(addrs)-i, addr, dial)
		if err == nil {
			return c, nil
		}
		if failed = append(failed, err); ctx.Err() != nil {
			break
		}
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	return nil, failed
}

// tryFor calls dial with 1/share of the time that is left.
func tryFor(ctx context.Context, share int, addr string, dial func(context.Context, string) (net.Conn, error)) (net.Conn, error) {
	if end, ok := ctx.Deadline(); ok && share > 1 {
		part, cancel := context.WithTimeout(ctx, time.Until(end)/time.Duration(share))
		defer cancel()
		ctx = part
	}
	return dial(ctx, addr)
}

// attempts are the errors of several addresses.
type attempts []error

// mostNamed bounds how many errors the text of attempts has.
const mostNamed = 5

// Error has the text of each error.
func (a attempts) Error() string {
	var texts []string
	for _, err := range a[:min(len(a), mostNamed)] {
		texts = append(texts, err.Error())
	}
	if n := len(a) - mostNamed; n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the errors. The last one comes first: it has what the server said that was tried last.
func (a attempts) Unwrap() []error {
	list := make([]error, 0, len(a))
	for i := len(a) - 1; i >= 0; i-- {
		list = append(list, a[i])
	}
	return list
}
