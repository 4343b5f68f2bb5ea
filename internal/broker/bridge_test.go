package broker

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// A bridge of 3.1 or 3.1.1 sets bit 7 of the protocol level. It does not get its own messages back,
// and gets retain flags as they were published.
func TestBridgeLevels(t *testing.T) {
	for _, v := range []proto.Version{proto.V31, proto.V311} {
		in(t, Options{}, func(k *bench) {
			p := k.connect(v, "bridge", func(c *proto.Connect) { c.Bridge = true })
			p.send(sub(1, to("#", 1)))
			p.want("SUBACK 1 01")
			p.send(pub("a", "mine", 1, 1))
			p.want("PUBACK 1")
			p.silent()
			k.connect(proto.V5, "other").send(pub("a", "theirs", 0, 0, retain))
			p.want(`PUBLISH a "theirs" retain`)
		})
	}
}

// A will below $SYS, which bridges have by default, does not prevent a connection and is never
// published.
func TestWillBelowSYS(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		watch := k.connect(v, "w")
		watch.subscribe(to("$SYS/broker/connection/#", 0))
		p := k.connect(v, "p", willed("$SYS/broker/connection/p/state", "0", func(w *proto.Will) { w.Retain = true }))
		p.send(pub("$SYS/broker/connection/p/state", "1", 1, 1, retain), pub("$SYS/broker/connection/p/state", "1", 0, 0, retain))
		if got, ok := p.next().(*proto.Ack); !ok || got.PacketID != 1 {
			t.Fatalf("got %v", got)
		}
		p.silent()
		p.cut()
		k.pass(time.Minute)
		watch.silent()
		if n := k.b.Stats().Retained; n != 0 {
			t.Errorf("%d messages are retained", n)
		}
	})
}

// mosquittoPath returns the path of mosquitto, and skips the test if it is not installed.
func mosquittoPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		t.Skip("mosquitto is not installed")
	}
	return path
}

// Without retained messages such a will does not prevent a connection of an older client either. An
// MQTT 5 client was told [MQTT-3.2.2-13].
func TestWillBelowSYSWithoutRetain(t *testing.T) {
	everyVersion(t, Options{Without: Without{Retain: true}}, func(k *bench, v proto.Version) {
		p := k.open(v, "p", willed("$SYS/broker/connection/p/state", "0", func(w *proto.Will) { w.Retain = true }))
		if v == proto.V5 {
			p.want("CONNACK 9A why")
		} else {
			p.want("CONNACK 00")
		}
	})
}

// mosquittoServer runs mosquitto with these lines of configuration until the test ends, and returns
// its port.
func mosquittoServer(t *testing.T, path, conf string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	conf = "listener " + port + " 127.0.0.1\nallow_anonymous true\n" + conf
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-c", file)
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
		cmd.Args = append(cmd.Args, "-v")
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	until(t, "mosquitto listens", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return port
}

// Mosquitto as a bridge with its defaults connects, and forwards each message once.
func TestMosquittosBridge(t *testing.T) {
	path := mosquittoPath(t)
	for _, v := range []string{"mqttv31", "mqttv311", "mqttv50"} {
		for qos := range 3 {
			t.Run(fmt.Sprintf("%s QoS %d", v, qos), func(t *testing.T) {
				b, addr := serveTCP(t, Options{SysInterval: -1})
				port := mosquittoServer(t, path, fmt.Sprintf("connection x\naddress %s\ntopic # both %d\nbridge_protocol_version %s\n", addr, qos, v))
				until(t, "the bridge subscribes", func() bool { return b.Stats().Subscriptions == 1 })
				near, far := dialTCP(t, addr, "near"), dialTCP(t, "127.0.0.1:"+port, "far")
				for _, c := range []net.Conn{near, far} {
					if _, err := c.Write([]byte{0x82, 6, 0, 1, 0, 1, 't', byte(qos)}); err != nil {
						t.Fatal(err)
					}
					readAll(t, c, []byte{0x90, 3, 0, 1, byte(qos)})
				}
				for _, c := range []net.Conn{near, far} {
					for i := range byte(3) {
						if _, err := c.Write([]byte{0x30, 4, 0, 1, 't', '0' + i}); err != nil {
							t.Fatal(err)
						}
					}
					for _, c := range []net.Conn{near, far} {
						for i := range byte(3) {
							readAll(t, c, []byte{0x30, 4, 0, 1, 't', '0' + i})
						}
					}
				}
				for _, c := range []net.Conn{near, far} { // nothing comes twice
					if _, err := c.Write([]byte{0xC0, 0}); err != nil {
						t.Fatal(err)
					}
					readAll(t, c, []byte{0xD0, 0})
				}
				if s := b.Stats(); s.ConnectsRefused != 0 || s.Connects != 2 {
					t.Errorf("%d connections were refused, %d came", s.ConnectsRefused, s.Connects)
				}
			})
		}
	}
}

// readAll expects exactly these bytes.
func readAll(t *testing.T, c net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, 0, len(want))
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for len(got) < len(want) {
		n, err := c.Read(got[len(got):cap(got)])
		if got = got[:len(got)+n]; err != nil {
			t.Fatalf("got %x, want %x: %v", got, want, err)
		}
	}
	if string(got) != string(want) {
		t.Fatalf("got %x, want %x", got, want)
	}
}
