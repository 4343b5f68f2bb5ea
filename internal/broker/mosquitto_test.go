package broker

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// tool returns the path of one of mosquitto's clients, and skips the test if it is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// 3.1.1 [MQTT-7.0.0-2]
func TestMosquittosClients(t *testing.T) {
	pubPath, subPath := tool(t, "mosquitto_pub"), tool(t, "mosquitto_sub")
	for _, v := range []string{"mqttv31", "mqttv311", "mqttv5"} {
		for qos := range 3 {
			t.Run(fmt.Sprintf("%s QoS %d", v, qos), func(t *testing.T) {
				t.Parallel()
				b, addr := serveTCP(t, Options{SysInterval: -1})
				host, port, err := net.SplitHostPort(addr)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				topic := fmt.Sprintf("from/%s/%d", v, qos)
				args := []string{"-h", host, "-p", port, "-V", v, "-q", fmt.Sprint(qos), "-t", topic}
				var want strings.Builder
				for i := range 500 {
					fmt.Fprintf(&want, "line %d of 500\n", i)
				}
				sub := exec.CommandContext(ctx, subPath, append(args, "-C", "500")...)
				var got bytes.Buffer
				sub.Stdout = &got
				if err := sub.Start(); err != nil {
					t.Fatal(err)
				}
				until(t, "mosquitto_sub subscribes", func() bool { return b.Stats().Subscriptions == 1 })
				pub := exec.CommandContext(ctx, pubPath, append(args, "-l")...)
				pub.Stdin = strings.NewReader(want.String())
				if out, err := pub.CombinedOutput(); err != nil {
					t.Fatalf("mosquitto_pub: %v\n%s", err, out)
				}
				if err := sub.Wait(); err != nil {
					t.Fatalf("mosquitto_sub: %v", err)
				}
				if got.String() != want.String() {
					t.Errorf("the lines did not come as they were sent: %d bytes of %d", got.Len(), want.Len())
				}
				until(t, "mosquitto_sub leaves", func() bool { return b.Stats().Subscriptions == 0 })
			})
		}
	}
}

func TestMosquittosShare(t *testing.T) {
	pubPath, subPath := tool(t, "mosquitto_pub"), tool(t, "mosquitto_sub")
	b, addr := serveTCP(t, Options{SysInterval: -1})
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	args := []string{"-h", host, "-p", port, "-V", "mqttv5", "-q", "1"}
	var subs [2]*exec.Cmd
	for i := range subs {
		subs[i] = exec.CommandContext(ctx, subPath, append(args, "-t", "$share/g/t", "-C", "50")...)
		if err := subs[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "two mosquitto_sub subscribe", func() bool { return b.Stats().Subscriptions == 2 })
	pub := exec.CommandContext(ctx, pubPath, append(args, "-t", "t", "-l")...)
	pub.Stdin = strings.NewReader(strings.Repeat("x\n", 100))
	if out, err := pub.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range subs {
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	}
}
