package conn

import (
	"strconv"

	"mqtt/internal/proto"
)

// SubscribeError is a topic filter that the server refused.
type SubscribeError struct {
	Filter string
	Reason proto.Reason
	Props  proto.Props // of SUBACK
}

// Error names the filter and the reason.
func (e *SubscribeError) Error() string {
	return "subscribe " + e.Filter + ": " + e.Reason.Explain(proto.SUBACK, e.Props)
}

// LowerQoS is a subscription that the server granted with a lower QoS than was asked for.
type LowerQoS struct {
	Filter         string
	Asked, Granted byte
}

// Error names the filter and both QoS.
func (e *LowerQoS) Error() string {
	return "subscribe " + e.Filter + ": granted QoS " + strconv.Itoa(int(e.Granted)) + ", not " + strconv.Itoa(int(e.Asked))
}

// Granted compares a SUBACK that Next returned with the filters of its SUBSCRIBE. It returns one
// element for each filter, in their order: nil, a *SubscribeError or a *LowerQoS.
func Granted(filters []proto.Subscription, p *proto.Suback) []error {
	verdicts := make([]error, len(filters))
	for i, f := range filters {
		switch r := p.Reasons[i]; {
		case r.Failed():
			verdicts[i] = &SubscribeError{f.Filter, r, append(proto.Props(nil), p.Props...)}
		case byte(r) < f.QoS:
			verdicts[i] = &LowerQoS{f.Filter, f.QoS, byte(r)}
		}
	}
	return verdicts
}
