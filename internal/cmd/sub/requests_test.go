package sub

import (
	"fmt"
	"strings"
	"testing"

	"mqtt/internal/cmd/cmdtest"
)

// many returns -t with n filters of the form f/N, and their bytes in a SUBSCRIBE of version 5.
func many(from, to int) (args []string, bytes string) {
	for i := from; i < to; i++ {
		args = append(args, "-t", fmt.Sprintf("f/%02d", i))
		bytes += fmt.Sprintf(` 00 04 "f/%02d" 00`, i)
	}
	return args, bytes
}

// More than eight filters go out in several packets, and -E ends the run only when all of them are
// answered, in whatever order.
func TestFiltersAtOnce(t *testing.T) {
	t.Parallel()
	_, first := many(0, 8)
	args, _ := many(0, 9)
	f := cmdtest.StartFake(t, `expect CONNECT
connack
expect 82 3b 00 01 00`+first+`
expect 82 0a 00 02 00 00 04 "f/08" 00
send 90 04 00 02 00 00
send 90 0b 00 01 00 00 00 00 00 00 00 00 00
expect DISCONNECT
`)
	if r := sub.Run(t, f.Args(append(args, "-V", "5", "-E")...)...); r.Status != 0 || r.Err != "" {
		t.Errorf("%+v", r)
	}
}

// The filters of one packet may be fewer than eight: the server's Maximum Packet Size holds.
func TestFiltersWithinPacketSize(t *testing.T) {
	t.Parallel()
	args, all := many(0, 3)
	unsubscribe := strings.Split(strings.ReplaceAll(strings.Join(args, " "), "-t", "-U"), " ")
	per := len(all) / 3
	f := cmdtest.StartFake(t, `expect CONNECT
send 20 08 00 00 05 27 00 00 00 14
expect 82 11 00 01 00`+all[:2*per]+`
expect 82 0a 00 02 00`+all[2*per:]+`
expect a2 0f 00 03 00`+strings.ReplaceAll(all[:2*per], `" 00`, `"`)+`
expect a2 09 00 04 00`+strings.ReplaceAll(all[2*per:], `" 00`, `"`)+`
send b0 05 00 03 00 00 00
send 90 05 00 01 00 00 00
send 90 04 00 02 00 00
send b0 04 00 04 00 87
expect DISCONNECT
`)
	r := sub.Run(t, f.Args(append(append(args, unsubscribe...), "-V", "5", "-E")...)...)
	if r.Status != 0 || !strings.Contains(r.Err, "unsubscribe f/02: ") {
		t.Errorf("%+v", r)
	}
}

// What is refused in a later packet counts as in the first one.
func TestFiltersRefusedLater(t *testing.T) {
	t.Parallel()
	args, _ := many(0, 9)
	const script = `expect CONNECT
connack
expect SUBSCRIBE
expect SUBSCRIBE
send 90 0b 00 01 00 00 00 00 00 00 00 00 00
send 90 04 00 02 00 87
expect DISCONNECT
`
	f := cmdtest.StartFake(t, script)
	r := sub.Run(t, f.Args(append(args, "-V", "5", "-E")...)...)
	if r.Status != 5 || !strings.Contains(r.Err, "subscribe f/08: ") {
		t.Errorf("%+v", r)
	}
	f = cmdtest.StartFake(t, script)
	if r := sub.Run(t, f.Args(append(args, "-V", "5", "-E", "--partial-ok")...)...); r.Status != 0 || !strings.Contains(r.Err, "subscribe f/08: ") {
		t.Errorf("with --partial-ok: %+v", r)
	}
}
