package broker

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/proto"
)

const (
	sysLevel  = "$SYS"
	sysPrefix = "$SYS/"
)

// isSys reports whether a topic name belongs to $SYS.
func isSys(topic string) bool { return topic == sysLevel || strings.HasPrefix(topic, sysPrefix) }

// sysMessages returns the current $SYS messages, with the topics that mosquitto uses.
func (b *Broker) sysMessages() []Message {
	s := b.figures()
	now := time.Now().UnixNano()
	n := func(i int64) string { return strconv.FormatInt(i, 10) }
	heap, heapMost := b.loads.memory()
	rows := []row{
		{"version", b.opt.Version},
		{"uptime", n(int64(s.Uptime/time.Second)) + " seconds"},
		{"clients/total", n(s.Sessions)},
		{"clients/connected", n(s.Connected)},
		{"clients/disconnected", n(max(0, s.Sessions-s.Connected))},
		{"clients/active", n(s.Connected)},
		{"clients/inactive", n(max(0, s.Sessions-s.Connected))},
		{"clients/maximum", n(s.ConnectedMost)},
		{"clients/expired", n(s.SessionsExpired)},
		{"subscriptions/count", n(s.Subscriptions)},
		{"retained messages/count", n(b.retainedCount.Load())},
		{"messages/received", n(s.PacketsReceived)},
		{"messages/sent", n(s.PacketsSent)},
		{"publish/messages/received", n(s.Published)},
		{"publish/messages/sent", n(s.Delivered)},
		{"publish/messages/dropped", n(s.Dropped)},
		{"publish/bytes/received", n(s.PublishedBytes)},
		{"publish/bytes/sent", n(s.DeliveredBytes)},
		{"bytes/received", n(s.BytesReceived)},
		{"bytes/sent", n(s.BytesSent)},
		{"heap/current", n(heap)},
		{"heap/maximum", n(heapMost)},
	}
	rows = append(rows, b.loads.rows()...)
	all := make([]Message, len(rows))
	for i, r := range rows {
		all[i] = Message{Topic: []byte(sysPrefix + "broker/" + r.topic), Payload: []byte(r.value), Came: now}
	}
	return all
}

// sysMatch appends the $SYS messages that match filter to msgs, sorted by topic, without those
// before from.
func (b *Broker) sysMatch(filter, from string, msgs []*Message) []*Message {
	if b.opt.SysInterval < 0 {
		return msgs
	}
	all := b.sysMessages()
	at := len(msgs)
	for i := range all {
		if proto.Match(filter, all[i].Topic) && !topicBefore(string(all[i].Topic), from) {
			msgs = append(msgs, &all[i])
		}
	}
	slices.SortFunc(msgs[at:], func(a, b *Message) int {
		switch x, y := string(a.Topic), string(b.Topic); {
		case x == y:
			return 0
		case topicBefore(x, y):
			return -1
		}
		return 1
	})
	return msgs
}

// tick publishes the $SYS messages if anyone subscribes to them, and restarts its timer. New starts
// the timer, Close stops it.
func (b *Broker) tick() {
	s := b.figures()
	b.loads.measure(&s, time.Now())
	if b.router.wanted(sysLevel) {
		bt := b.batch(nil)
		all := b.sysMessages()
		for i := range all {
			bt.publish(&all[i])
		}
		bt.finish()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.sys.Reset(b.opt.SysInterval)
	}
}
