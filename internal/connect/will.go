package connect

import (
	"context"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
)

// willFlags describe the message that the server publishes when the connection is lost.
type willFlags struct {
	Topic, payload, file string
	Qos                  int
	retain               bool
}

// register adds the flags to fs.
func (f *willFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.Topic, "will-topic", "", "set a will: a message to `TOPIC` if the connection breaks")
	fs.StringVar(&f.payload, "will-payload", "", "set the will's payload to `PAYLOAD`")
	fs.StringVar(&f.file, "will-file", "", "read the will's payload from `FILE`")
	fs.IntVar(&f.Qos, "will-qos", 0, "publish the will at QoS `N`: 0, 1 or 2")
	fs.BoolVar(&f.retain, "will-retain", false, "publish the will as a retained message")
}

// apply puts the will, if there is one, into p. ps holds its properties.
func (f *willFlags) apply(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, ps proto.Props, p *proto.Connect) error {
	if f.Topic == "" {
		for _, name := range []string{"will-topic", "will-payload", "will-file", "will-qos", "will-retain"} {
			if fs.Changed(name) {
				return cli.BadFlag("--"+name, " without a topic", "a will needs --will-topic TOPIC")
			}
		}
		if len(ps) > 0 {
			return cli.BadFlag("-D", " will without a topic", "a will needs --will-topic TOPIC")
		}
		return nil
	}
	if err := proto.CheckTopic(f.Topic); err != nil {
		return cli.BadFlag("--will-topic", " "+cli.Quote(f.Topic)+": "+err.Error(), cli.TopicHint(f.Topic, "a topic name has no wildcards"))
	}
	WarnCarriageReturn(e.Warn, "--will-topic", f.Topic)
	if err := cli.CheckQoS("--will-qos", f.Qos); err != nil {
		return err
	}
	w := &proto.Will{Topic: f.Topic, Payload: []byte(f.payload), QoS: byte(f.Qos), Retain: f.retain, Props: ps}
	if f.file != "" {
		if fs.Changed("will-payload") {
			return cli.Conflict("--will-payload", "--will-file")
		}
		b, err := cli.Interruptible(ctx, e, func() ([]byte, error) { return cli.ReadSmall(f.file, proto.MaxText+1) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return cli.BadFlag("--will-file", ": "+err.Error(), "check that the file exists and is readable")
		}
		w.Payload = b
	}
	if len(w.Payload) > proto.MaxText {
		return cli.Usage("will payload of more than 65535 bytes", "a will holds 65535 bytes at most")
	}
	if err := CheckPayload("will", ps, w.Payload); err != nil {
		return err
	}
	p.Will = w
	return nil
}
