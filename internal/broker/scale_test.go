package broker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mqtt/internal/paralleltest"
	"mqtt/internal/proto"
)

// alone is an environment variable that makes the test binary a broker, which serves until its
// standard input ends. Two processes may have more descriptors than one.
const alone = "MQTT_TEST_BROKER_ALONE"

func TestMain(m *testing.M) {
	if os.Getenv(alone) == "" {
		paralleltest.Allow(4)
		goleak.VerifyTestMain(m) // no test leaves a goroutine behind; it does not return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	b := New(Options{SysInterval: -1})
	fmt.Println(l.Addr())
	go b.Serve(context.Background(), l) // ends with Close
	io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// serveAlone runs a broker in a process of its own and returns its address. At the end of the test
// the process must exit without an error.
func serveAlone(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), alone+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.Contains(lines.Text(), ":") {
		t.Fatalf("the broker does not start: %q", lines.Text())
	}
	addr := lines.Text()
	t.Cleanup(func() {
		in.Close()
		rest, _ := io.ReadAll(out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the broker's end: %v: %s", err, rest)
		}
	})
	return addr
}

// Ten thousand clients connect over TCP. Each subscribes to a topic of its own and to one that all
// have, and gets a message of each.
func TestTenThousandClients(t *testing.T) {
	const all, hands = 10_000, 50
	addr := serveAlone(t)
	conns := make([]net.Conn, all)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	limit := time.Now().Add(5 * time.Minute) // the machine may be busy
	each := func(do func(i int) error) {
		t.Helper()
		var wg sync.WaitGroup
		errs := make(chan error, hands)
		for h := range hands {
			wg.Go(func() {
				for i := h; i < all; i += hands {
					if err := do(i); err != nil {
						errs <- fmt.Errorf("client %d: %w", i, err)
						return
					}
				}
			})
		}
		wg.Wait()
		select {
		case err := <-errs:
			t.Fatal(err)
		default:
		}
	}
	expect := func(c net.Conn, want []byte) error {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil {
			return fmt.Errorf("wait for %x: %w", want, err)
		}
		if string(got) != string(want) {
			return fmt.Errorf("want %x, got %x", want, got)
		}
		return nil
	}
	wire := func(packets ...proto.Packet) (b []byte) {
		for _, p := range packets {
			b, _ = p.Append(b, proto.V311)
		}
		return b
	}
	own := func(i int) string { return fmt.Sprint("own/", i) }
	each(func(i int) (err error) {
		if conns[i], err = net.Dial("tcp", addr); err != nil {
			return err
		}
		conns[i].SetDeadline(limit)
		hello := wire(&proto.Connect{ClientID: fmt.Sprint("c", i), CleanStart: true}, sub(1, to(own(i), 0), to("all", 0)))
		if _, err = conns[i].Write(hello); err != nil {
			return err
		}
		return expect(conns[i], []byte{0x20, 2, 0, 0, 0x90, 4, 0, 1, 0, 0})
	})
	p := dialTCP(t, addr, "p")
	var one []byte
	for i := range all {
		one = append(one, wire(pub(own(i), fmt.Sprint(i), 0, 0))...)
	}
	if _, err := p.Write(append(one, wire(pub("all", "to all", 0, 0))...)); err != nil {
		t.Fatal(err)
	}
	each(func(i int) error {
		return expect(conns[i], wire(pub(own(i), fmt.Sprint(i), 0, 0), pub("all", "to all", 0, 0)))
	})
}
