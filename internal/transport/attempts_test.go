package transport

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSilentAddressLeavesTime checks that each address is tried before the deadline, although those before
// it do not answer, and that the error names each.
func TestSilentAddressLeavesTime(t *testing.T) {
	for n := 1; n <= 12; n++ {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			addrs := make([]string, n)
			for i := range addrs {
				addrs[i] = "host" + string(rune('a'+i)) + ":1883"
			}
			var tried []string
			silent := func(ctx context.Context, addr string) (net.Conn, error) {
				tried = append(tried, addr)
				<-ctx.Done()
				return nil, &Error{Phase: Connect, Addr: addr, Err: ctx.Err()}
			}
			_, err := tryEach(ctx, addrs, silent)
			var e *Error
			if strings.Join(tried, " ") != strings.Join(addrs, " ") || !errors.As(err, &e) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d: tried %v: %v", n, tried, err)
			}
			for _, a := range addrs[:min(n, mostNamed)] {
				if !strings.Contains(err.Error(), "connect to "+a+": timed out") {
					t.Errorf("%v does not name %s", err, a)
				}
			}
			// The last one has time to answer.
			ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			client, server := net.Pipe()
			defer server.Close()
			c, err := tryEach(ctx, addrs, func(ctx context.Context, addr string) (net.Conn, error) {
				if addr == addrs[n-1] {
					return client, ctx.Err()
				}
				return silent(ctx, addr)
			})
			if err != nil {
				t.Fatalf("%d: %v", n, err)
			}
			c.Close()
		})
	}
}
