package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/extensions/rpc"
)

// Features of MQTT 5 only.

func shared(ctx context.Context, s *server) error {
	var members [2]*client
	for i := range members {
		c, err := s.dial(ctx, nil)
		if err != nil {
			return err
		}
		defer c.close()
		if err := c.listen(ctx, "$share/paho/"+s.topic, 1); err != nil {
			return err
		}
		members[i] = c
	}
	const count = 8
	for n := range count {
		if err := members[0].say(ctx, s.topic, 1, false, strconv.Itoa(n)); err != nil {
			return err
		}
	}
	seen, shares := map[string]bool{}, [2]int{}
	for range count {
		var p *paho.Publish
		select {
		case p = <-members[0].in:
			shares[0]++
		case p = <-members[1].in:
			shares[1]++
		case <-ctx.Done():
			return fmt.Errorf("of %d messages %d came", count, len(seen))
		}
		if seen[string(p.Payload)] {
			return fmt.Errorf("%s came twice", p.Payload)
		}
		seen[string(p.Payload)] = true
	}
	if shares[0] == 0 || shares[1] == 0 {
		return fmt.Errorf("one member got all")
	}
	return nil
}

func properties(ctx context.Context, s *server) error {
	sub, pub, end, err := s.pair(ctx, 1)
	if err != nil {
		return err
	}
	defer end()
	format, expiry := byte(1), uint32(100)
	sent := &paho.PublishProperties{
		CorrelationData: []byte{0, 1, 0xff}, ContentType: "text/plain", ResponseTopic: "answer/here",
		PayloadFormat: &format, MessageExpiry: &expiry,
		User: paho.UserProperties{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}},
	}
	if _, err := pub.Publish(ctx, &paho.Publish{Topic: s.topic, QoS: 1, Payload: []byte("x"), Properties: sent}); err != nil {
		return err
	}
	p, err := sub.next(ctx, "x", 1)
	if err != nil {
		return err
	}
	got := p.Properties
	if got == nil || !bytes.Equal(got.CorrelationData, sent.CorrelationData) || got.ContentType != sent.ContentType ||
		got.ResponseTopic != sent.ResponseTopic || got.PayloadFormat == nil || *got.PayloadFormat != 1 ||
		got.MessageExpiry == nil || *got.MessageExpiry > 100 ||
		len(got.User) != 2 || got.User[0] != sent.User[0] || got.User[1] != sent.User[1] {
		return fmt.Errorf("got %v, sent %v", got, sent)
	}
	return nil
}

func alias(ctx context.Context, s *server) error {
	sub, pub, end, err := s.pair(ctx, 1)
	if err != nil {
		return err
	}
	defer end()
	number := uint16(1)
	for _, topic := range []string{s.topic, "", ""} {
		_, err := pub.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte("x"),
			Properties: &paho.PublishProperties{TopicAlias: &number}})
		if err != nil {
			return err
		}
		if _, err := sub.next(ctx, "x", 1); err != nil {
			return err
		}
	}
	return nil
}

func subscriptionID(ctx context.Context, s *server) error {
	sub, err := s.dial(ctx, nil)
	if err != nil {
		return err
	}
	defer sub.close()
	number := 7
	_, err = sub.Subscribe(ctx, &paho.Subscribe{
		Properties:    &paho.SubscribeProperties{SubscriptionIdentifier: &number},
		Subscriptions: []paho.SubscribeOptions{{Topic: s.topic, QoS: 1}},
	})
	if err != nil {
		return err
	}
	if err := sub.say(ctx, s.topic, 1, false, "x"); err != nil {
		return err
	}
	p, err := sub.next(ctx, "x", 1)
	if err != nil {
		return err
	}
	if p.Properties == nil || p.Properties.SubscriptionIdentifier == nil || *p.Properties.SubscriptionIdentifier != number {
		return fmt.Errorf("no subscription identifier came")
	}
	return nil
}

func rr(ctx context.Context, s *server) error {
	serve, ask, end, err := s.pair(ctx, 1)
	if err != nil {
		return err
	}
	defer end()
	go func() { // ends with the request, or with ctx
		select {
		case p := <-serve.in:
			_, _ = serve.Publish(ctx, &paho.Publish{
				Topic: p.Properties.ResponseTopic, QoS: 1, Payload: bytes.ToUpper(p.Payload),
				Properties: &paho.PublishProperties{CorrelationData: p.Properties.CorrelationData},
			})
		case <-ctx.Done():
		}
	}()
	h, err := rpc.NewHandler(ctx, ask.Client)
	if err != nil {
		return err
	}
	answer, err := h.Request(ctx, &paho.Publish{Topic: s.topic, QoS: 1, Payload: []byte("hello")})
	if err != nil {
		return err
	}
	if string(answer.Payload) != "HELLO" {
		return fmt.Errorf("the answer was %q", answer.Payload)
	}
	return nil
}
