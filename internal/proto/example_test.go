package proto_test

import (
	"bytes"
	"fmt"
	"log"

	"mqtt/internal/proto"
)

// Encode a message, and read it from a stream.
func Example() {
	message := proto.Publish{
		QoS:      1,
		Topic:    []byte("home/kitchen/temperature"),
		PacketID: 7,
		Props:    proto.Props(nil).AppendText(proto.ContentType, "text/plain"),
		Payload:  []byte("21.5"),
	}
	stream, err := message.Append(nil, proto.V5)
	if err != nil {
		log.Fatal(err)
	}

	r := proto.NewReader(bytes.NewReader(stream), 0)
	frame, err := r.Next()
	if err != nil {
		log.Fatal(err)
	}
	var p proto.Publish
	if err := p.Decode(frame, proto.V5); err != nil { // p is valid until the next call of r.Next
		log.Fatal(err)
	}
	fmt.Printf("%s %d: %s = %s (%s)\n", frame.Type(), p.PacketID, p.Topic, p.Payload, p.Props.Value(proto.ContentType))

	// The standard forbids wildcards in topic names [MQTT-3.3.2-2].
	p.Topic = []byte("home/#")
	_, err = p.Append(nil, proto.V5)
	fmt.Println(err)
	// Output:
	// PUBLISH 7: home/kitchen/temperature = 21.5 (text/plain)
	// PUBLISH: wildcard in a topic name at byte 5
}
