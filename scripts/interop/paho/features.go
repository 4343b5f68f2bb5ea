package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/extensions/rpc"
	"github.com/gorilla/websocket"
)

// features in the order of the table.
var features = []struct {
	name string
	ask  func(context.Context, *server) error
}{
	{"qos0", qos(0)}, {"qos1", qos(1)}, {"qos2", qos(2)},
	{"keepalive", keepalive}, {"password", password}, {"retained", retained},
	{"session", session(1)}, {"session-qos2", session(2)},
	{"takeover", takeover}, {"will", will}, {"large", large},
	{"flood-qos1", flood(1, 3000)}, {"flood-qos2", flood(2, 1500)},
	{"shared", shared}, {"properties", properties}, {"alias", alias},
	{"subscription-id", subscriptionID}, {"ws", ws}, {"rr", rr},
}

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
		return nil
	}
}

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

// ws goes over a WebSocket, one frame a write, as the library's own wrapper does it.
func ws(ctx context.Context, s *server) error {
	if s.ws == "" {
		return fmt.Errorf("no WebSocket listener")
	}
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	socket, _, err := dialer.DialContext(ctx, s.ws, nil)
	if err != nil {
		return err
	}
	sub, err := attach(ctx, packets.NewThreadSafeConn(&framed{Conn: socket.NetConn(), socket: socket}), nil)
	if err != nil {
		return err
	}
	defer sub.close()
	if err := sub.listen(ctx, s.topic, 1); err != nil {
		return err
	}
	if err := sub.say(ctx, s.topic, 1, false, "x"); err != nil {
		return err
	}
	_, err = sub.next(ctx, "x", 1)
	return err
}

// framed is the byte stream inside binary WebSocket messages.
type framed struct {
	net.Conn
	socket *websocket.Conn
	rest   bytes.Buffer
}

func (f *framed) Read(p []byte) (int, error) {
	if f.rest.Len() == 0 {
		_, message, err := f.socket.ReadMessage()
		if err != nil {
			return 0, err
		}
		f.rest.Write(message)
	}
	return f.rest.Read(p)
}

func (f *framed) Write(p []byte) (int, error) {
	return len(p), f.socket.WriteMessage(websocket.BinaryMessage, p)
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
