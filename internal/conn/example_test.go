package conn_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// echoServer accepts one client, and sends its messages back to it. A real program dials a broker.
func echoServer(nc net.Conn) {
	defer nc.Close()
	r := proto.NewReader(nc, 0)
	for {
		frame, err := r.Next()
		if err != nil {
			return
		}
		var answers []proto.Packet
		switch frame.Type() {
		case proto.CONNECT:
			answers = append(answers, &proto.Connack{})
		case proto.SUBSCRIBE:
			var p proto.Subscribe
			if p.Decode(frame, proto.V5) == nil {
				answers = append(answers, &proto.Suback{Kind: proto.SUBACK, PacketID: p.PacketID, Reasons: []proto.Reason{proto.GrantedQoS1}})
			}
		case proto.PUBLISH:
			var p proto.Publish
			if p.Decode(frame, proto.V5) == nil {
				answers = append(answers, &proto.Ack{Kind: proto.PUBACK, PacketID: p.PacketID}, &p)
			}
		case proto.DISCONNECT:
			return
		}
		for _, p := range answers {
			if b, err := p.Append(nil, proto.V5); err == nil {
				nc.Write(b)
			}
		}
	}
}

// Subscribe, publish, and handle the events of a connection.
func Example() {
	ctx := context.Background()
	client, server := net.Pipe()
	go echoServer(server) // ends with the connection

	cfg := &conn.Config{
		Dial:    func(context.Context, proto.Version) (net.Conn, error) { return client, nil },
		Connect: proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "example"},
	}
	c, err := conn.Dial(ctx, cfg, new(session.Session))
	if err != nil {
		log.Fatal(err)
	}
	request := &proto.Subscribe{Filters: []proto.Subscription{{Filter: "home/#", QoS: 1}}}
	if err := c.Send(ctx, request); err != nil {
		log.Fatal(err)
	}
	for received, acknowledged := false, false; !received || !acknowledged; {
		event, err := c.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		switch event.Kind {
		case conn.Answer: // SUBACK
			if err := conn.Granted(request.Filters, event.Answer.(*proto.Suback))[0]; err != nil {
				log.Fatal(err)
			}
			fmt.Println("subscribed")
			message := &proto.Publish{QoS: 1, Topic: []byte("home/door"), Payload: []byte("open")}
			if err := c.Publish(ctx, message, 42); err != nil {
				log.Fatal(err)
			}
		case conn.Delivered: // PUBACK
			fmt.Println("acknowledged: message", event.Tag)
			acknowledged = true
		case conn.Message: // the next call of Next acknowledges it
			fmt.Printf("received: %s = %s\n", event.Message.Topic, event.Message.Payload)
			received = true
		}
	}
	if err := c.Close(ctx, nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// subscribed
	// acknowledged: message 42
	// received: home/door = open
}
