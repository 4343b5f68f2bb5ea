package sub

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// retainedFlags are about the messages that the server keeps.
type retainedFlags struct{ only, remove bool }

func (f *retainedFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.only, "retained-only", false, "print retained messages only, and end after the last one")
	fs.BoolVar(&f.remove, "remove-retained", false, "have the server forget the retained messages that are printed")
}

// quiet is how long no retained message may have come for the last one to be taken as the last. MQTT has no mark for
// their end: servers send them behind SUBACK, so they are over once a PINGREQ was answered and nothing more comes.
const quiet = 300 * time.Millisecond

// retained follows the retained messages of one connection.
type retained struct {
	retainedFlags
	topics  [][]byte // to be removed, as the window allows
	removed uint64
	refused error
	asked   bool      // PINGREQ was sent
	over    time.Time // when they will be over; zero while PINGRESP is awaited
}

// begin is called once the server has granted the subscriptions.
func (r *retained) begin(ctx context.Context, c *conn.Conn) error {
	if !r.only || r.asked {
		return nil
	}
	r.asked = true
	return c.Send(ctx, &proto.Ping{Kind: proto.PINGREQ})
}

// pong notes that the server has read all that was sent.
func (r *retained) pong() { r.over = time.Now().Add(quiet) }

// saw notes a retained message that was printed.
func (r *retained) saw(p *proto.Publish) {
	if !r.over.IsZero() {
		r.over = time.Now().Add(quiet)
	}
	if r.remove && len(p.Payload) > 0 {
		r.topics = append(r.topics, append([]byte(nil), p.Topic...))
	}
}

// clear publishes empty messages to the topics, at QoS 1 so that the server's word can be awaited.
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

// delivered takes in the server's word on a removal.
func (r *retained) delivered(ev conn.Event) {
	if ev.Reason.Failed() && r.refused == nil {
		r.refused = cli.Fail(cli.ExitPublish, "this user may not publish there", "remove a retained message: %s", ev.Reason.Explain(proto.PUBACK, ev.Props()))
	}
}

// clearing tells whether removals are under way.
func (r *retained) clearing(c *conn.Conn) bool {
	return r.remove && (len(r.topics) > 0 || c.Pending() > 0)
}

// limit is when the retained messages will be over.
func (r *retained) limit() time.Time {
	if !r.only {
		return time.Time{}
	}
	return r.over
}
