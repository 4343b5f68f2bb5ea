package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// Connections, and sessions that outlive them.

func keepalive(ctx context.Context, s *server) error {
	sub, err := s.dial(ctx, func(c *paho.Connect) { c.KeepAlive = 1 })
	if err != nil {
		return err
	}
	defer sub.close()
	if err := sub.listen(ctx, s.topic, 0); err != nil {
		return err
	}
	time.Sleep(3200 * time.Millisecond)
	if err := sub.say(ctx, s.topic, 0, false, "late"); err != nil {
		return err
	}
	_, err = sub.next(ctx, "late", 0)
	return err
}

func password(ctx context.Context, s *server) error {
	for _, word := range []string{"secret", "wrong"} {
		c, err := s.dial(ctx, func(c *paho.Connect) {
			c.UsernameFlag, c.Username, c.PasswordFlag, c.Password = true, "interop", true, []byte(word)
		})
		switch {
		case word == "secret" && err != nil:
			return err
		case word == "secret":
			c.close()
		case err == nil:
			c.close()
			return errAccepted
		case c == nil || c.ack.ReasonCode != 0x86 && c.ack.ReasonCode != 0x87:
			return fmt.Errorf("a wrong password: %w", err)
		}
	}
	return nil
}

func session(level byte) func(context.Context, *server) error {
	return func(ctx context.Context, s *server) error {
		keep := func(clean bool) func(*paho.Connect) {
			return func(c *paho.Connect) {
				expiry := uint32(600)
				c.ClientID, c.CleanStart, c.Properties.SessionExpiryInterval = "paho-"+s.topic, clean, &expiry
			}
		}
		first, err := s.dial(ctx, keep(true))
		if err != nil {
			return err
		}
		if err := first.listen(ctx, s.topic, level); err != nil {
			return err
		}
		first.close()
		pub, err := s.dial(ctx, nil)
		if err != nil {
			return err
		}
		defer pub.close()
		for n := range 3 {
			if err := pub.say(ctx, s.topic, level, false, strconv.Itoa(n)); err != nil {
				return err
			}
		}
		back, err := s.dial(ctx, keep(false))
		if err != nil {
			return err
		}
		defer back.close()
		if !back.ack.SessionPresent {
			return fmt.Errorf("the session was not present")
		}
		for n := range 3 {
			if _, err := back.next(ctx, strconv.Itoa(n), level); err != nil {
				return err
			}
		}
		return back.quiet()
	}
}

func takeover(ctx context.Context, s *server) error {
	twin := func(c *paho.Connect) { c.ClientID = "paho-twin-" + s.topic }
	first, err := s.dial(ctx, twin)
	if err != nil {
		return err
	}
	second, err := s.dial(ctx, twin)
	if err != nil {
		return err
	}
	defer second.close()
	select {
	case reason := <-first.lost:
		if reason != 0x8e {
			return fmt.Errorf("DISCONNECT with reason 0x%02x, not 0x8e", reason)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the first client was not disconnected")
	}
}

func will(ctx context.Context, s *server) error {
	watch, pub, end, err := s.pair(ctx, 1)
	if err != nil {
		return err
	}
	defer end()
	dying := func(c *paho.Connect) {
		c.WillMessage = &paho.WillMessage{Topic: s.topic, QoS: 1, Payload: []byte("last words")}
		c.WillProperties = &paho.WillProperties{ContentType: "text/plain"}
	}
	polite, err := s.dial(ctx, dying)
	if err != nil {
		return err
	}
	polite.close()
	if err := pub.say(ctx, s.topic, 1, false, "marker"); err != nil {
		return err
	}
	if _, err := watch.next(ctx, "marker", 1); err != nil {
		return err
	}
	victim, err := s.dial(ctx, dying)
	if err != nil {
		return err
	}
	victim.conn.Close()
	p, err := watch.next(ctx, "last words", 1)
	if err != nil {
		return err
	}
	if p.Properties == nil || p.Properties.ContentType != "text/plain" {
		return fmt.Errorf("the will lost its content type")
	}
	return nil
}
