package bench

import (
	"context"
	"strings"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// The time that Identify takes at most, and how long it waits for an answer: the messages are
// retained, so they come with the SUBACK or not at all.
const (
	identifyTime = 2 * time.Second
	answerTime   = 200 * time.Millisecond
)

// Topics under which servers publish what they are. The first is of mosquitto and others, the
// rest of EMQX.
const (
	versionTopic    = "$SYS/broker/version"
	nodeVersion     = "$SYS/brokers/+/version"
	nodeDescription = "$SYS/brokers/+/sysdescr"
)

// maxAnswers is the largest number of packets that are read for an answer.
const maxAnswers = 64

// maxIdentity is the largest size of a text from the server in a result, in bytes.
const maxIdentity = 120

// Identify connects a client of its own and returns what the server says that it is, such as
// "mosquitto version 2.0.22": from $SYS, or from user properties of CONNACK. It returns "" if the
// server does not tell. Errors do not matter here, because the run will have them, too.
func Identify(ctx context.Context, p *Plan) string {
	cfg, err := p.Configure(ClockClient, p.Offset, new(Phases))
	if err != nil {
		return ""
	}
	own := *cfg
	own.Trace = nil
	own.Connect.CleanStart = true // the session of this client ends with it
	own.Connect.Props = own.Connect.Props.Without(proto.SessionExpiryInterval)
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	var s session.Session
	c, err := conn.Dial(ctx, &own, &s)
	if err != nil {
		return ""
	}
	told := connackIdentity(c.Server().Props)
	if found := askIdentity(ctx, c); found != "" {
		told = found
	}
	if c.Close(ctx, nil) != nil {
		c.Abort()
	}
	return told
}

// askIdentity returns what the $SYS topics of the server say.
func askIdentity(ctx context.Context, c *conn.Conn) string {
	req := &proto.Subscribe{Filters: []proto.Subscription{{Filter: versionTopic}, {Filter: nodeVersion}, {Filter: nodeDescription}}}
	if c.Send(ctx, req) != nil {
		return ""
	}
	var until time.Time
	var version, about string
	for range maxAnswers {
		ev, err := c.NextBy(ctx, until)
		switch {
		case err != nil, ev.Kind == conn.Idle && !until.IsZero():
			return joinWords(about, version)
		case ev.Kind == conn.Answer:
			a, ok := ev.Answer.(*proto.Suback)
			if !ok {
				continue
			}
			granted := false
			for _, err := range conn.Granted(req.Filters, a) {
				granted = granted || err == nil
			}
			if !granted {
				return ""
			}
			until = time.Now().Add(answerTime)
		case ev.Kind == conn.Message:
			switch topic := string(ev.Message.Topic); {
			case topic == versionTopic:
				return shortText(ev.Message.Payload)
			case strings.HasSuffix(topic, "/version"):
				version = shortText(ev.Message.Payload)
			default:
				about = shortText(ev.Message.Payload)
			}
			if version != "" && about != "" {
				return joinWords(about, version)
			}
		}
	}
	return joinWords(about, version)
}

// connackIdentity returns what the user properties of a CONNACK say about the server. The standard
// has no property for that; these keys are what servers use.
func connackIdentity(ps proto.Props) string {
	var name, version string
	for p := range ps.All() {
		if p.ID != proto.UserProperty {
			continue
		}
		switch strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(string(p.Key))) {
		case "server", "server-name", "broker", "broker-name", "product":
			name = shortText(p.Value)
		case "version", "server-version", "broker-version":
			version = shortText(p.Value)
		}
	}
	return joinWords(name, version)
}

// joinWords returns a and b with a space between them if both are not empty.
func joinWords(a, b string) string { return strings.TrimSpace(a + " " + b) }

// shortText returns the text of a server, at most maxIdentity bytes of it.
func shortText(b []byte) string {
	s := strings.TrimSpace(strings.ToValidUTF8(string(b[:min(len(b), maxIdentity)]), ""))
	if len(b) > maxIdentity {
		s += "…"
	}
	return s
}
