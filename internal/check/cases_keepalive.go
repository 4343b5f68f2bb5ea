package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// keepAliveCases are about the Keep Alive.
var keepAliveCases = [...]Case{
	{
		Name: "keep-alive-ends-silence", Title: "A client that is silent for 1.5 times its Keep Alive is disconnected",
		V5: "3.1.2.10 MQTT-3.1.2-22 MQTT-3.2.2-22", V311: "3.1.2.10 MQTT-3.1.2-24", V31: "3.1",
		Run: func(c *C) {
			p := c.Connect(WithKeepAlive(1))
			keep := 1
			if n := p.Connack.Props.Num(proto.ServerKeepAlive, 1); n != 1 {
				keep = int(n)
			}
			if keep == 0 || keep > 4 {
				c.Choice("the server replaces a Keep Alive of 1 s by %d s", keep)
			}
			p.endsSilence(time.Duration(keep) * time.Second)
		},
	},
	{
		Name: "keep-alive-4-s", Title: "A client that is silent for 1.5 times a Keep Alive of 4 s is disconnected",
		V5: "3.1.2.10 MQTT-3.1.2-22", V311: "3.1.2.10 MQTT-3.1.2-24",
		Run: func(c *C) {
			const keep = 4
			p := c.Connect(WithKeepAlive(keep))
			if n := p.Connack.Props.Num(proto.ServerKeepAlive, keep); n != keep {
				c.Skip("the server replaces a Keep Alive of %d s by %d s", keep, n)
			}
			p.endsSilence(keep * time.Second)
		},
	},
	{
		Name: "keep-alive-any-packet", Title: "Every packet counts for the Keep Alive",
		V5: "3.1.2.10", V311: "3.1.2.10", V31: "3.1",
		Run: func(c *C) {
			p := c.Connect(WithKeepAlive(1))
			if n := p.Connack.Props.Num(proto.ServerKeepAlive, 1); n != 1 {
				c.Skip("the server replaces a Keep Alive of 1 s by %d s", n)
			}
			for range 6 {
				c.Sleep(500 * time.Millisecond)
				if pause := time.Since(p.sent); pause > time.Second {
					c.Unsure("%v passed between two packets: this machine or the connection is too slow for this case", pause.Round(time.Millisecond))
				}
				p.Publish(message(c.Topic("a"), "x", 0))
			}
			p.Barrier()
		},
	},
	{
		Name: "keep-alive-off", Title: "Without Keep Alive a silent client stays connected",
		V5: "3.1.2.10", V311: "3.1.2.10", V31: "3.1",
		Run: func(c *C) {
			p := c.Connect(WithKeepAlive(0))
			if n := p.Connack.Props.Num(proto.ServerKeepAlive, 0); n > 0 && n < 5 {
				c.Skip("the server asks for a Keep Alive of %d s", n)
			}
			c.Sleep(3 * time.Second)
			p.Barrier()
		},
	},
}

// endsSilence expects that the server ends the connection after 1.5 times the Keep Alive, since nothing is sent. A server
// that is late, but within the slack, may be one that looks now and then, or one on a busy machine: that is unsure.
func (p *Peer) endsSilence(keep time.Duration) {
	c, began, due := p.c, time.Now(), keep*3/2
	punctual := c.r.slack * 2 / 5 // 2 s: some servers look once a second
	end := began.Add(c.within(due))
	var lag time.Duration // by which this process itself was late
	for {
		now := time.Now()
		step := min(100*time.Millisecond, end.Sub(now))
		packet, err := p.read(step)
		took := time.Since(began)
		switch {
		case err == errNothing && time.Now().Before(end):
			lag = max(lag, time.Since(now)-step)
		case err == errNothing:
			c.Fail(fmt.Sprintf("the server closes the connection after %v", due), "it is open after %v", took.Round(time.Millisecond))
		case err == nil && packet.Type() != proto.DISCONNECT:
			c.Fail("the server closes the connection", "%s", p.describe(packet))
		case err == nil:
		case time.Since(p.sent) < keep: // the server counts from its receipt of that packet
			c.Fail(fmt.Sprintf("the server waits at least for the Keep Alive of %v", keep), "it closed the connection after %v", time.Since(p.sent).Round(time.Millisecond))
		case took > due+punctual+lag:
			c.Unsure("the server closed the connection after %v, %.1f times the Keep Alive: too late for the standard, but within the slack of this check",
				took.Round(100*time.Millisecond), took.Seconds()/keep.Seconds())
		default:
			return
		}
	}
}
