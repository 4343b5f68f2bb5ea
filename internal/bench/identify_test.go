package bench

import (
	"context"
	"net"
	"strings"
	"testing"

	"mqtt/internal/broker"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// TestIdentify asks a server that publishes its version, and one that does not.
func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		opt  broker.Options
		want string
	}{
		{broker.Options{Version: "mqtt 9.9"}, "mqtt 9.9"},
		{broker.Options{Version: "mqtt 9.9", SysInterval: -1}, ""},
	} {
		b := broker.New(c.opt)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go b.Serve(t.Context(), l) // ends with Close
		p := &Plan{Configure: func(Role, int, *Phases) (*conn.Config, error) {
			return &conn.Config{Connect: proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "k0"}, Timeout: connectTimeout,
				Dial: func(ctx context.Context, _ proto.Version) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
				}}, nil
		}}
		if got := Identify(t.Context(), p); got != c.want {
			t.Errorf("the server is %q, want %q", got, c.want)
		}
		b.Close(t.Context())
		if got := Identify(t.Context(), p); got != "" {
			t.Errorf("a server that is not there is %q", got)
		}
	}
}

const connectTimeout = 5e9

func TestConnackIdentity(t *testing.T) {
	var ps proto.Props
	ps = ps.AppendPair("region", "eu")
	ps = ps.AppendPair("Server_Name", " Broker\n").AppendPair("version", "1.2")
	if got := connackIdentity(ps); got != "Broker 1.2" {
		t.Errorf("the server is %q", got)
	}
	long := shortText([]byte(strings.Repeat("é", maxIdentity) + "\xff"))
	if len(long) > maxIdentity+len("…") || !strings.HasSuffix(long, "é…") {
		t.Errorf("a long text is %q", long)
	}
}

func TestHostTexts(t *testing.T) {
	if got := releaseName("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"); got != "Debian GNU/Linux 12 (bookworm)" {
		t.Errorf("the system is %q", got)
	}
	if got := releaseName("PRETTY_NAME='Alpine Linux'\n"); got != "Alpine Linux" {
		t.Errorf("the system is %q", got)
	}
	if got := processorName("processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nmodel name\t: other\n"); strings.TrimSpace(got) != "Some CPU @ 2.00GHz" {
		t.Errorf("the processor is %q", got)
	}
	if got := hostText(" a\n b\xff" + strings.Repeat("é", 100)); !strings.HasPrefix(got, "a bé") || len(got) > maxHostText {
		t.Errorf("the text is %q", got)
	}
}
