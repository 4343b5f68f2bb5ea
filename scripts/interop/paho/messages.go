package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/eclipse/paho.golang/paho"
)

// Messages of every kind arrive once and in order.

func qos(level byte) func(context.Context, *server) error {
	return func(ctx context.Context, s *server) error {
		sub, pub, end, err := s.pair(ctx, level)
		if err != nil {
			return err
		}
		defer end()
		for _, payload := range []string{"one", "", "three 3"} {
			if err := pub.say(ctx, s.topic, level, false, payload); err != nil {
				return err
			}
			if _, err := sub.next(ctx, payload, level); err != nil {
				return err
			}
		}
		return nil
	}
}

func flood(level byte, count int) func(context.Context, *server) error {
	return func(ctx context.Context, s *server) error {
		sub, pub, end, err := s.pair(ctx, level)
		if err != nil {
			return err
		}
		defer end()
		for n := range count {
			_, err := pub.PublishWithOptions(ctx, &paho.Publish{Topic: s.topic, QoS: level, Payload: []byte(strconv.Itoa(n))},
				paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
			if err != nil {
				return fmt.Errorf("publish %d: %w", n, err)
			}
		}
		for n := range count {
			if _, err := sub.next(ctx, strconv.Itoa(n), level); err != nil {
				return err
			}
		}
		// The library panics if an acknowledgement comes while it disconnects. This is the last one.
		return pub.say(ctx, s.topic+"/last", level, false, "x")
	}
}

func large(ctx context.Context, s *server) error {
	sub, pub, end, err := s.pair(ctx, 1)
	if err != nil {
		return err
	}
	defer end()
	payload := string(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
	if err := pub.say(ctx, s.topic, 1, false, payload); err != nil {
		return err
	}
	_, err = sub.next(ctx, payload, 1)
	return err
}

func retained(ctx context.Context, s *server) error {
	pub, err := s.dial(ctx, nil)
	if err != nil {
		return err
	}
	defer pub.close()
	if err := pub.say(ctx, s.topic, 1, true, "kept"); err != nil {
		return err
	}
	if err := pub.listen(ctx, s.topic, 1); err != nil {
		return err
	}
	p, err := pub.next(ctx, "kept", 1)
	if err != nil {
		return err
	}
	if !p.Retain {
		return fmt.Errorf("retain is not set on a retained message")
	}
	if err := pub.say(ctx, s.topic, 1, true, ""); err != nil {
		return err
	}
	if p, err = pub.next(ctx, "", 1); err != nil {
		return err
	}
	if p.Retain {
		return fmt.Errorf("retain is set on a live message")
	}
	other, err := s.dial(ctx, nil)
	if err != nil {
		return err
	}
	defer other.close()
	if err := other.listen(ctx, s.topic, 1); err != nil {
		return err
	}
	return other.quiet()
}
