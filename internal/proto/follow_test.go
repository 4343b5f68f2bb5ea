package proto

import (
	"strings"
	"testing"
)

func encoded(t *testing.T, p Packet, v Version) []byte {
	t.Helper()
	b, err := p.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A Follower knows the client, also one whose identifier the server assigned, and the topics behind
// aliases of both directions.
func TestFollower(t *testing.T) {
	var f Follower
	if f.Version() != V311 || f.Client() != "" {
		t.Errorf("before CONNECT: %s, %q", f.Version(), f.Client())
	}
	connect := encoded(t, &Connect{CleanStart: true}, V5)
	f.Packet(true, connect[:4])
	if f.Version() != V311 {
		t.Error("half a CONNECT was decoded")
	}
	f.Packet(true, connect)
	f.Packet(false, encoded(t, &Connack{Props: Props{}.AppendText(AssignedClientIdentifier, "auto-1")}, V5))
	if f.Version() != V5 || f.Client() != "auto-1" {
		t.Errorf("%s, %q", f.Version(), f.Client())
	}
	publish := func(topic string, alias uint32, qos byte) []byte {
		p := &Publish{Topic: []byte(topic), QoS: qos, PacketID: uint16(qos), Payload: []byte("payload")}
		if alias > 0 {
			p.Props = Props{}.AppendNum(TopicAlias, alias)
		}
		return encoded(t, p, V5)
	}
	for _, row := range []struct {
		in    bool
		b     []byte
		topic string
	}{
		{true, publish("a/b", 0, 0), "a/b"},
		{true, publish("a/b", 7, 1), "a/b"},
		{true, publish("", 7, 0), "a/b"},
		{false, publish("", 7, 0), ""}, // each direction has its own
		{false, publish("c", 7, 2), "c"},
		{true, publish("", 7, 2), "a/b"},
		{true, publish("d", 7, 0), "d"},
		{true, publish("", 7, 0)[:8], "d"}, // the payload is not known yet
		{true, []byte{0x30}, ""},
		{true, []byte{0x30, 5, 0, 9, 'x'}, ""},
		{true, nil, ""},
	} {
		if got := f.Packet(row.in, row.b); string(got) != row.topic {
			t.Errorf("% x: topic %q, want %q", row.b, got, row.topic)
		}
	}
	f.Packet(true, encoded(t, &Connect{ClientID: "other", CleanStart: true}, V311))
	if f.Client() != "auto-1" {
		t.Errorf("a second CONNECT changed the client to %q", f.Client())
	}
}

// What a Follower keeps is bounded, whatever the two ends send.
func TestFollowerBounded(t *testing.T) {
	f := Follower{version: V5}
	long := strings.Repeat("x", 60_000)
	for alias := range 1000 {
		p := &Publish{Topic: []byte(long), Props: Props{}.AppendNum(TopicAlias, uint32(alias+1))}
		f.Packet(true, encoded(t, p, V5))
	}
	kept := 0
	for _, s := range f.sent.topics {
		kept += len(s)
	}
	if kept > aliasBytes || len(f.sent.topics) != 4 {
		t.Errorf("%d bytes of %d topics are kept", kept, len(f.sent.topics))
	}
}

func TestPacketSize(t *testing.T) {
	for _, row := range []struct {
		b    []byte
		size int
		bad  bool
	}{
		{nil, 0, false},
		{[]byte{0x30}, 0, false},
		{[]byte{0x30, 5}, 7, false},
		{[]byte{0x30, 0x80}, 0, false},
		{[]byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, MaxRemaining + 5, false},
		{[]byte{0x30, 0x80, 0x80, 0x80, 0x80}, 0, true},
		{[]byte{0x30, 0x80, 0x00}, 0, true},
	} {
		size, err := PacketSize(row.b)
		if size != row.size || (err != nil) != row.bad {
			t.Errorf("% x: %d, %v", row.b, size, err)
		}
	}
}
