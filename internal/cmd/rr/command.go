package rr

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
)

// requestPrefix begins the names of all variables about a request. No flag begins with request-, so a command that is
// mqtt itself does not take them for flags.
const requestPrefix = "MQTT_REQUEST_"

// run gives the request to a command and keeps what it prints. A wait of 0 is no limit.
func (j *job) run(ctx context.Context, command []string, wait time.Duration, stderr io.Writer) {
	errLate := fmt.Errorf("the command did not end within %s", wait)
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, wait, errLate)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var out printed
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(j.payload), &out, cli.Inherit(stderr)
	cmd.Env = append(ownEnvironment(), j.environment...)
	cmd.WaitDelay = time.Second // for what it left running with its output open
	separate(cmd)
	err := cmd.Run()
	j.answer = out.Bytes()
	switch {
	case out.over:
		j.answer, err = nil, errors.New("the command printed more than an MQTT packet can hold")
	case ctx.Err() != nil && err != nil:
		err = context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay):
		err = nil
	}
	if err != nil {
		j.fault = err.Error()
	}
}

// printed keeps what a command prints, up to what a packet can hold.
type printed struct {
	bytes.Buffer
	over bool
}

func (p *printed) Write(b []byte) (int, error) {
	if p.Len()+len(b) > proto.MaxRemaining {
		p.over = true
		return 0, io.ErrShortWrite
	}
	return p.Buffer.Write(b)
}

// ownEnvironment is our environment, less what an outer --serve said of its own request.
func ownEnvironment() []string {
	var kept []string
	for _, v := range cli.CommandEnviron() {
		if !strings.HasPrefix(v, requestPrefix) {
			kept = append(kept, v)
		}
	}
	return kept
}

// requestEnvironment tells a command of its request. What is binary stands in base64, for a variable cannot hold NUL.
func requestEnvironment(p *proto.Publish, response []byte) []string {
	set := []string{
		requestPrefix + "TOPIC=" + string(p.Topic),
		requestPrefix + "QOS=" + strconv.Itoa(int(p.QoS)),
		requestPrefix + "RESPONSE_TOPIC=" + string(response),
	}
	var subscriptions []string
	var pairs [][2]string
	for prop := range p.Props.All() {
		name := requestPrefix + strings.ToUpper(strings.ReplaceAll(prop.ID.String(), "-", "_"))
		switch prop.ID {
		case proto.ResponseTopic:
		case proto.CorrelationData:
			set = append(set, name+"_BASE64="+base64.StdEncoding.EncodeToString(prop.Value))
		case proto.ContentType:
			set = append(set, name+"="+string(prop.Value))
		case proto.MessageExpiryInterval, proto.PayloadFormatIndicator:
			set = append(set, name+"="+strconv.FormatUint(uint64(prop.Num), 10))
		case proto.SubscriptionIdentifier:
			subscriptions = append(subscriptions, strconv.FormatUint(uint64(prop.Num), 10))
		case proto.UserProperty:
			pairs = append(pairs, [2]string{string(prop.Key), string(prop.Value)})
		}
	}
	if subscriptions != nil {
		set = append(set, requestPrefix+"SUBSCRIPTION_IDENTIFIERS="+strings.Join(subscriptions, " "))
	}
	if pairs != nil {
		if b, err := json.Marshal(pairs); err == nil {
			set = append(set, requestPrefix+"USER_PROPERTIES="+string(b))
		}
	}
	return set
}
