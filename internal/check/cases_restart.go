package check

import "time"

// restartCases are about what outlives a restart of the server.
var restartCases = [...]Case{
	{
		Name: "restart-keeps-retained", Title: "Retained messages outlive a restart of the server",
		V5: "4.1.1", V311: "4.1.1", Should: true, Needs: NeedRestart | NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			p.Disconnect()
			c.restart()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Publish(message(c.Topic("a"), "marker", 0))
			if got := s.Until("marker"); len(got) != 1 {
				c.Choice("retained messages do not outlive a restart of the server")
			}
		},
	},
	{
		Name: "restart-keeps-sessions", Title: "Sessions and their messages outlive a restart of the server",
		V5: "4.1.1", V311: "4.1.1", Should: true, Needs: NeedRestart | NeedSessions | NeedQoS1,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			s.Disconnect()
			p := c.Connect()
			p.Publish(message(c.Topic("a"), "kept", 1))
			p.Disconnect()
			c.restart()
			s = c.Connect(Lasting(id))
			if !s.Connack.SessionPresent {
				c.Choice("sessions do not outlive a restart of the server")
			}
			s.Expect(c.Topic("a"), "kept")
		},
	},
}

// restart restarts the server and waits until it accepts connections again.
func (c *C) restart() {
	if err := c.r.opt.Restart(c.ctx); err != nil {
		c.Unsure("the command of --restart failed: %v", err)
	}
	end := time.Now().Add(30 * time.Second)
	for {
		conn, err := c.r.opt.Dial(c.ctx, c.Version)
		if err == nil {
			conn.Close() //nolint:errcheck // it was opened to see whether the server is there
			return
		}
		if time.Now().After(end) {
			c.Unsure("the server did not come back within 30 s: %v", err)
		}
		c.Sleep(100 * time.Millisecond)
	}
}
