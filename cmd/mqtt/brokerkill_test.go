package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mqtt/internal/conn"
)

// A broker that is killed repeatedly at random moments under load keeps everything it acknowledged:
// at QoS 1 nothing is lost [MQTT-4.3.2-2], at QoS 2 nothing arrives twice either [MQTT-4.3.3-10], for
// connected and for disconnected subscribers. Sessions [MQTT-3.1.2-5], retained messages and delayed
// wills are restored.
func TestBrokerKilled(t *testing.T) {
	t.Parallel()
	rounds := 10
	if *long {
		rounds = 100
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second+time.Duration(rounds)*5*time.Second)
	defer cancel()
	k := &killed{t: t, dir: filepath.Join(t.TempDir(), "data"), addr: addr}
	k.start(ctx)
	defer func() { k.kill() }()

	away, there, wills := gather("k/#"), gather("k/#"), gather("w/#")
	k.hold(ctx, "away", away.serve(true))
	k.hold(ctx, "there", there.serve(false))
	k.hold(ctx, "wills", wills.serve(false))
	for _, s := range []*gathered{away, there, wills} {
		select {
		case <-s.ready:
		case <-ctx.Done():
			t.Fatal("no subscription")
		}
	}
	var publishing []<-chan struct{}
	var all []*numbers
	for i := range 8 {
		p := &numbers{topic: fmt.Sprint("k/", i), qos: byte(1 + i%2)}
		all = append(all, p)
		publishing = append(publishing, k.hold(ctx, fmt.Sprint("publisher-", i), p.serve(k)))
	}

	willCount := 0
	for round := range rounds {
		if round%10 == 5 {
			k.leaveWill(ctx, round)
			willCount++
		}
		k.keep(ctx, round)
		select {
		case <-time.After(time.Duration(20+rand.IntN(200)) * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("out of time")
		}
		k.kill()
		k.start(ctx)
		k.kept(ctx, round)
	}
	k.over.Store(true)
	for _, over := range publishing {
		<-over // or the end of ctx
	}
	k.hold(ctx, "away", func(ctx context.Context, c *conn.Conn) error {
		if !c.Server().SessionPresent {
			t.Error("the session of who was away is gone")
		}
		away.made = true
		return away.serve(false)(ctx, c)
	})
	// Everything has arrived, including the wills, and for a second nothing else.
	quiet := func() bool {
		for _, s := range []*gathered{away, there} {
			if time.Since(time.Unix(0, s.last.Load())) < time.Second {
				return false
			}
			for _, p := range all {
				if lost, _ := s.count(p); lost > 0 {
					return false
				}
			}
		}
		wills.mu.Lock()
		defer wills.mu.Unlock()
		return len(wills.got) == willCount
	}
	for limit := time.Now().Add(patience); !quiet() && time.Now().Before(limit); {
		<-time.After(20 * time.Millisecond)
	}
	for _, s := range []*gathered{away, there, wills} {
		s.done.Store(true)
	}
	k.wg.Wait()
	total := uint64(0)
	for _, p := range all {
		total += p.next
		away.check(t, "who was away", p)
		there.check(t, "who was there", p)
	}
	if len(wills.got) != willCount {
		t.Errorf("%d wills came of %d", len(wills.got), willCount)
	}
	if text := k.log.String(); text != "" && strings.Contains(text, "damaged") {
		t.Errorf("the broker said\n%s", text)
	}
	size := int64(0)
	files, _ := os.ReadDir(k.dir)
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			size += info.Size()
		}
	}
	t.Logf("%d messages, %d kills, %d connections lost, %d wills, %d bytes in the folder", total, rounds, k.losses.Load(), willCount, size)
}
