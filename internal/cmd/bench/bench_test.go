package bench

import (
	"testing"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

// Without flags, bench measures from one publisher to one subscriber for ten seconds, as fast as the
// inflight window allows, with payloads that carry what they are counted by. Trap 54.
func TestBenchDefaults(t *testing.T) {
	fs := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	var load loadFlags
	var pace paceFlags
	load.register(fs)
	pace.register(fs)
	if err := fs.Parse(nil); err != nil {
		t.Fatal(err)
	}
	b := &bench.Plan{}
	if err := pace.compile(fs, b); err != nil {
		t.Fatal(err)
	}
	p := &connect.Plan{Cfg: &conn.Config{Connect: proto.Connect{Version: proto.V5}}}
	if err := load.compile(t.Context(), &cli.Env{}, fs, &connect.Flags{}, p, b); err != nil {
		t.Fatal(err)
	}
	if b.Publishers != 1 || b.Subscribers != 1 || b.Rate != 0 || p.Cfg.Window < 10 || b.Duration != 10*time.Second || b.Messages != 0 ||
		b.Size < bench.HeaderSize || b.Carrier != bench.InPayload || b.Drain <= 0 || b.Topic == nil {
		t.Errorf("%+v, a window of %d", b, p.Cfg.Window)
	}
}
