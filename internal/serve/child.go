package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/proto"
)

// RunChild runs c, which was made with exec.CommandContext and ctx, for one message. The end of ctx ends
// it with the programs that it has started; the error is then the cause of ctx.
func RunChild(ctx context.Context, c *exec.Cmd) error {
	c.WaitDelay = time.Second // for programs that it left running with its output open
	OwnProcessGroup(c)
	err := c.Run()
	switch {
	case ctx.Err() != nil && err != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay):
		return nil
	}
	return err
}

// PropertyVariables returns the properties of a message as environment variables whose names begin with
// prefix. Binary values are in base64, since a variable cannot contain NUL.
func PropertyVariables(prefix string, props proto.Props) []string {
	var set, subscriptions []string
	var pairs [][2]string
	for prop := range props.All() {
		name := prefix + strings.ToUpper(strings.ReplaceAll(prop.ID.String(), "-", "_"))
		switch prop.ID {
		case proto.CorrelationData:
			set = append(set, name+"_BASE64="+base64.StdEncoding.EncodeToString(prop.Value))
		case proto.ContentType, proto.ResponseTopic:
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
		set = append(set, prefix+"SUBSCRIPTION_IDENTIFIERS="+strings.Join(subscriptions, " "))
	}
	if pairs != nil {
		if b, err := json.Marshal(pairs); err == nil {
			set = append(set, prefix+"USER_PROPERTIES="+string(b))
		}
	}
	return set
}
