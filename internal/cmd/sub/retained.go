package sub

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// retainedFlags concern retained messages.
type retainedFlags struct{ only, remove bool }

// register adds the flags to fs.
func (f *retainedFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.only, "retained-only", false, "print the retained messages only, then end")
	fs.BoolVar(&f.remove, "remove-retained", false, "clear each retained message that is printed")
}

// quiet is how long no retained message must arrive before the last one is taken as the last. MQTT
// does not mark their end. Servers send them after SUBACK, so they are over once PINGREQ was answered
// and nothing more arrives.
const quiet = 300 * time.Millisecond

// retained tracks the retained messages of one connection.
type retained struct {
	retainedFlags
	topics  [][]byte // to be removed, as the inflight window allows
	removed uint64
	refused error
	asked   bool      // PINGREQ was sent
	over    time.Time // when they are taken to be over; zero while PINGRESP is awaited
}

// begin sends the PINGREQ for --retained-only once the server has granted the subscriptions.
func (r *retained) begin(ctx context.Context, c *conn.Conn) error {
	if !r.only || r.asked {
		return nil
	}
	r.asked = true
	return c.Send(ctx, &proto.Ping{Kind: proto.PINGREQ})
}

// pong records that the server has answered PINGREQ.
func (r *retained) pong() { r.over = time.Now().Add(quiet) }

// saw records a retained message that was printed.
func (r *retained) saw(p *proto.Publish) {
	if !r.over.IsZero() {
		r.over = time.Now().Add(quiet)
	}
	if r.remove && len(p.Payload) > 0 {
		r.topics = append(r.topics, append([]byte(nil), p.Topic...))
	}
}

// clear publishes empty retained messages to the topics, at QoS 1 so that the server acknowledges.
func (r *retained) clear(ctx context.Context, c *conn.Conn) error {
	for len(r.topics) > 0 && c.Free() > 0 {
		p := proto.Publish{QoS: min(1, c.Server().MaximumQoS), Retain: true, Topic: r.topics[0]}
		if err := c.Publish(ctx, &p, 0); err != nil {
			return err
		}
		r.topics = r.topics[1:]
		r.removed++
	}
	return nil
}

// delivered handles the acknowledgement of a removal.
func (r *retained) delivered(ev conn.Event) {
	if ev.Reason.Failed() && r.refused == nil {
		r.refused = cli.Fail(cli.ExitPublish, "this user may not publish there", "remove a retained message: %s", ev.Reason.Explain(proto.PUBACK, ev.Props()))
	}
}

// clearing reports whether removals are in progress.
func (r *retained) clearing(c *conn.Conn) bool {
	return r.remove && (len(r.topics) > 0 || c.Pending() > 0)
}

// limit returns when the retained messages are taken to be over, zero if that is not awaited.
func (r *retained) limit() time.Time {
	if !r.only {
		return time.Time{}
	}
	return r.over
}
