package rules

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

var (
	firstSeed = flag.Uint64("seed", 0, "the first conversation of peers that keep to the standard")
	seeds     = flag.Uint64("seeds", 500, "how many there are")
)

// TestRightPeers lets peers that keep to the standard talk through a relay with faults: it drops,
// repeats, swaps and changes packets, and cuts connections. What it does is held against nobody.
func TestRightPeers(t *testing.T) {
	words := []string{"drop=5%", "duplicate=10%", "reorder=10%", "corrupt=5%", "cut-after=40", "stall=after:50",
		"duplicate=50% packets=PUBACK,PUBREC,PUBREL,PUBCOMP,SUBACK,UNSUBACK", "duplicate=50% packets=PUBLISH,SUBSCRIBE,UNSUBSCRIBE,PINGREQ,PINGRESP",
		"drop=10% duplicate=10% reorder=10%", "duplicate=100%", "duplicate=20% reorder=20%", "reorder=50%", "corrupt=20%", "delay=0"}
	packets := 0
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		random := rand.New(rand.NewPCG(seed, 5))
		text := fmt.Sprintf("seed=%d %s", seed, words[seed%uint64(len(words))])
		plan, err := faults.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		v := []proto.Version{proto.V5, proto.V311, proto.V31}[random.IntN(3)]
		w := &world{random: random, v: v, plan: plan, sessions: NewSessions(), client: newLedger()}
		for range 3000 {
			if w.step(); w.blamed {
				from := max(0, len(w.history)-120)
				t.Errorf("MQTT %s, faults %q:\n%s", v, text, strings.Join(w.history[from:], "\n"))
				break
			}
		}
		packets += w.packets
	}
	t.Logf("%d packets", packets)
}
