package rr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
	"mqtt/internal/serve"
)

// requestPrefix begins the names of all variables about a request. No flag begins with request-, so
// if the command is mqtt itself it does not take them for values of flags.
const requestPrefix = "MQTT_REQUEST_"

// run gives the request to a command, and makes its output the answer, without one newline at its end. The end of ctx ends the
// command, and so does the end of wait; a wait of 0 means no limit.
func (j *job) run(ctx context.Context, e *cli.Env, command []string, wait time.Duration) {
	errLate := fmt.Errorf("the command did not end within %s", wait)
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, wait, errLate)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var out output
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(j.payload), &out, cli.Inherit(e.Err)
	cmd.Env = append(withoutRequest(cli.CommandEnviron()), j.environment...)
	err := serve.RunChild(ctx, cmd)
	j.answer = bytes.TrimSuffix(out.Bytes(), []byte("\n")) // most programs end their output with one
	if out.overflow {
		j.answer, err = nil, errors.New("the command printed more than an MQTT packet can hold")
	}
	if err != nil {
		j.fault = err.Error()
	}
}

// output is the output of a command, at most as much as a packet can hold.
type output struct {
	bytes.Buffer
	overflow bool
}

// Write fails if the output is too large.
func (o *output) Write(b []byte) (int, error) {
	if o.Len()+len(b) > proto.MaxRemaining {
		o.overflow = true
		return 0, io.ErrShortWrite
	}
	return o.Buffer.Write(b)
}

// withoutRequest returns the variables that say nothing about a request: this program may itself
// run as a command of rr --serve.
func withoutRequest(environ []string) []string {
	return slices.DeleteFunc(environ, func(v string) bool { return strings.HasPrefix(v, requestPrefix) })
}

// requestEnvironment returns the variables about a request.
func requestEnvironment(p *proto.Publish, response []byte) []string {
	return append([]string{
		requestPrefix + "TOPIC=" + string(p.Topic),
		requestPrefix + "QOS=" + strconv.Itoa(int(p.QoS)),
		requestPrefix + "RESPONSE_TOPIC=" + string(response),
	}, serve.PropertyVariables(requestPrefix, p.Props.Without(proto.ResponseTopic))...)
}
