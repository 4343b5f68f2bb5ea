package main

import (
	"errors"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"mqtt/internal/cmd/cmdtest"
)

// apart is the port that was used last.
var apart atomic.Int32

// listenApart listens on a port that was not used before and that the system does not assign by
// itself: a client of another script that still looks for a server that has ended must not find
// this one.
func listenApart() (net.Listener, error) {
	apart.CompareAndSwap(0, int32(20000+os.Getpid()*97%6000))
	for range 2000 {
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(int(apart.Add(1)))); err == nil {
			return l, nil
		}
	}
	return nil, errors.New("no port is free from 20000 on")
}

// cmdFake starts a server that follows a script: see cmdtest.Fake.
func cmdFake(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "fake FILE")
	l, err := listenApart()
	ts.Check(err)
	w := worldOf(ts)
	if w.fake != nil {
		cmdFaked(ts, false, nil)
	}
	w.fake, err = cmdtest.Follow(l, args[0], ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Setenv("PORT", w.fake.Port)
}

// cmdFaked waits until the script was followed to its end.
func cmdFaked(ts *testscript.TestScript, neg bool, args []string) {
	f := worldOf(ts).fake
	need(ts, neg, len(args) == 0 && f != nil, "faked (behind fake)")
	ts.Check(f.Wait())
}
