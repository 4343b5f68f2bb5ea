package conn

import (
	"strconv"
	"strings"

	"mqtt/internal/proto"
)

// checkSubscribe returns a *Limit if the server's CONNACK says that it does not have what p asks for:
// to ask nevertheless is a protocol error, for which a server may end the connection.
func (c *Conn) checkSubscribe(p *proto.Subscribe) error {
	lacks := func(id proto.PropID) bool { return c.server.Props.Num(id, 1) == 0 }
	if c.v < proto.V5 || len(c.server.Props) == 0 {
		return nil
	}
	if p.Props.Has(proto.SubscriptionIdentifier) && lacks(proto.SubscriptionIdentifierAvailable) {
		return &Limit{Property: proto.SubscriptionIdentifierAvailable, What: "subscription identifier"}
	}
	for _, x := range p.Filters {
		share, filter := proto.SplitShare(x.Filter)
		switch {
		case share != "" && lacks(proto.SharedSubscriptionAvailable):
			return &Limit{Property: proto.SharedSubscriptionAvailable, What: "shared subscription " + strconv.Quote(x.Filter)}
		case strings.ContainsAny(filter, "+#") && lacks(proto.WildcardSubscriptionAvailable):
			return &Limit{Property: proto.WildcardSubscriptionAvailable, What: "wildcard subscription " + strconv.Quote(x.Filter)}
		}
	}
	return nil
}
