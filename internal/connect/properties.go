package connect

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/proto"
)

// PropertyFlags are properties of MQTT 5 by packet: the several-word -D, and plain flags for the
// common ones.
type PropertyFlags struct {
	lines          []string // -D, one line each
	user           []string // --user-property
	order          []property
	contentType    string
	responseTopic  string
	correlation    string
	messageExpiry  string
	utf8           bool
	topicAlias     int
	receiveMaximum int
	maximumPacket  int
	OwnResponse    bool // the command has its own flag for the response topic

	Sets map[proto.Type]proto.Props
}

// property is one -D or --user-property. Both keep the order of the command line, since the order of
// user properties is preserved [MQTT-3.3.2-18].
type property struct {
	user bool
	text string
}

// propertyValue is the value of one of the two flags.
type propertyValue struct {
	cli.ListValue
	user  bool
	order *[]property
}

// Set adds s to the flag and to the common order.
func (v propertyValue) Set(s string) error {
	*v.order = append(*v.order, property{v.user, s})
	return v.ListValue.Set(s)
}

// Replace replaces the values of the flag, also in the common order.
func (v propertyValue) Replace(all []string) error {
	*v.order = slices.DeleteFunc(*v.order, func(p property) bool { return p.user == v.user })
	*v.To = nil
	for _, s := range all {
		v.Set(s)
	}
	return nil
}

// register adds the flags to fs. publishes reports whether plain flags belong to PUBLISH; otherwise
// --user-property belongs to SUBSCRIBE.
func (f *PropertyFlags) register(fs *pflag.FlagSet, publishes bool) {
	fs.VarP(propertyValue{cli.ListValue{To: &f.lines}, false, &f.order}, "property", "D", "set a packet's property: `COMMAND NAME VALUE` (repeatable)")
	fs.IntVar(&f.receiveMaximum, "receive-maximum", 0, "accept `N` unacknowledged messages at a time (MQTT 5)")
	fs.IntVar(&f.maximumPacket, "maximum-packet-size", 0, "accept packets of at most `BYTES` (MQTT 5)")
	user := propertyValue{cli.ListValue{To: &f.user}, true, &f.order}
	if !publishes {
		fs.Var(user, "user-property", "add `KEY=VALUE` to SUBSCRIBE (MQTT 5, repeatable)")
		return
	}
	fs.Var(user, "user-property", "add `KEY=VALUE` to the message (MQTT 5, repeatable)")
	fs.StringVar(&f.contentType, "content-type", "", "set the content `TYPE`, such as text/plain (MQTT 5)")
	if !f.OwnResponse {
		fs.StringVar(&f.responseTopic, "response-topic", "", "ask for an answer on `TOPIC` (MQTT 5)")
	}
	fs.StringVar(&f.correlation, "correlation-data", "", "set the correlation `DATA` that the answer repeats (MQTT 5)")
	fs.StringVar(&f.messageExpiry, "message-expiry-interval", "", "let the message expire after `SECONDS` (MQTT 5)")
	fs.BoolVar(&f.utf8, "payload-format-indicator", false, "mark the payload as UTF-8 text (MQTT 5)")
	fs.IntVar(&f.topicAlias, "topic-alias", 0, "replace the topic by alias `N` after its first use (MQTT 5)")
}

// compile parses all of them into Sets. Errors name the flag.
func (f *PropertyFlags) compile(fs *pflag.FlagSet, home proto.Type) error {
	f.Sets = make(map[proto.Type]proto.Props)
	for _, p := range f.order {
		err := error(nil)
		if k, v, ok := strings.Cut(p.text, "="); !p.user {
			err = f.Line(p.text)
		} else if !ok {
			err = cli.BadValue("--user-property", p.text, "expected KEY=VALUE")
		} else {
			err = f.add("--user-property", home, proto.UserProperty, k, v)
		}
		if err != nil {
			return err
		}
	}
	num := func(flag string, t proto.Type, id proto.PropID, n int) error {
		if !fs.Changed(flag) {
			return nil
		}
		return f.add("--"+flag, t, id, "", strconv.Itoa(n))
	}
	text := func(flag string, id proto.PropID, s string) error {
		if !fs.Changed(flag) || id == proto.ResponseTopic && f.OwnResponse {
			return nil
		}
		return f.add("--"+flag, home, id, "", s)
	}
	expiry := f.messageExpiry
	if fs.Changed("message-expiry-interval") {
		n, err := cli.ParseSeconds("--message-expiry-interval", expiry, math.MaxUint32)
		if err != nil {
			return err
		}
		expiry = strconv.FormatInt(n, 10)
	}
	indicator := 0
	if f.utf8 {
		indicator = 1
	}
	return cli.FirstError(
		num("receive-maximum", proto.CONNECT, proto.ReceiveMaximum, f.receiveMaximum),
		num("maximum-packet-size", proto.CONNECT, proto.MaximumPacketSize, f.maximumPacket),
		num("payload-format-indicator", home, proto.PayloadFormatIndicator, indicator),
		text("message-expiry-interval", proto.MessageExpiryInterval, expiry),
		text("content-type", proto.ContentType, f.contentType),
		text("response-topic", proto.ResponseTopic, f.responseTopic),
		text("correlation-data", proto.CorrelationData, f.correlation),
		num("topic-alias", home, proto.TopicAlias, f.topicAlias),
	)
}

// PropertyPackets are the names of packets in -D.
var PropertyPackets = [...]struct {
	Name string
	T    proto.Type
}{
	{"connect", proto.CONNECT}, {"publish", proto.PUBLISH}, {"subscribe", proto.SUBSCRIBE},
	{"unsubscribe", proto.UNSUBSCRIBE}, {"disconnect", proto.DISCONNECT}, {"will", proto.WILL}, {"auth", proto.AUTH},
}

// Line parses one -D.
func (f *PropertyFlags) Line(line string) error {
	words, err := config.PropertyWords(line)
	if err != nil {
		return cli.BadFlag("-D", " "+cli.Quote(line)+": "+err.Error(), "for example: -D publish content-type text/plain")
	}
	for _, p := range PropertyPackets {
		if !strings.EqualFold(p.Name, words[0]) {
			continue
		}
		row := proto.LookupProperty(strings.ToLower(words[1]))
		if row == nil {
			return cli.BadFlag("-D", ": no property named "+cli.Quote(words[1]), "mqtt help properties lists them")
		}
		flag := "-D " + p.Name + " " + row.Name
		if row.Kind == proto.Pair {
			return f.add(flag, p.T, row.ID, words[2], words[3])
		}
		return f.add(flag, p.T, row.ID, "", words[2])
	}
	return cli.BadFlag("-D", ": no packet named "+cli.Quote(words[0]),
		"expected connect, publish, subscribe, unsubscribe, disconnect, will or auth")
}

// add checks one property and puts it into the set of its packet.
func (f *PropertyFlags) add(flag string, t proto.Type, id proto.PropID, key, value string) error {
	row := id.Property()
	ps := f.Sets[t]
	switch row.Kind {
	case proto.Pair:
		if len(key) > proto.MaxText || len(value) > proto.MaxText {
			return cli.BadFlag(flag, ": more than 65535 bytes", "shorten it")
		}
		ps = ps.AppendPair(key, value)
	case proto.Text, proto.Binary:
		if len(value) > proto.MaxText {
			return cli.BadFlag(flag, ": more than 65535 bytes", "shorten it")
		}
		ps = ps.AppendText(id, value)
	default:
		most := uint64(1)
		switch row.Kind {
		case proto.Uint16:
			most = math.MaxUint16
		case proto.Uint32:
			most = math.MaxUint32
		case proto.Varint:
			most = proto.MaxRemaining
		}
		n, err := strconv.ParseUint(value, 10, 64)
		least := "0"
		if row.NoZero {
			least = "1"
		}
		if err != nil || n > most || n == 0 && row.NoZero {
			return cli.BadValue(flag, value, "expected a number from "+least+" to "+strconv.FormatUint(most, 10))
		}
		ps = ps.AppendNum(id, uint32(n))
	}
	if t == proto.PUBLISH && id == proto.SubscriptionIdentifier { // [MQTT-3.3.4-6]
		return cli.BadFlag(flag, ": only a server may send it", "it belongs to -D subscribe")
	}
	if err := ps.Check(t); err != nil {
		if id == proto.AuthenticationData {
			err = nil // the method may come later
		} else {
			return badProperty(flag, err)
		}
	}
	f.Sets[t] = ps
	return nil
}

// CheckPayload rejects a payload that is not UTF-8 although its Payload Format Indicator says so
// (3.1.3.2.3, 3.3.2.3.2).
func CheckPayload(what string, ps proto.Props, payload []byte) error {
	if !NotUTF8(ps, payload) {
		return nil
	}
	return cli.Usage(what+": payload that is not UTF-8, with payload-format-indicator 1", "leave the indicator out: then the payload may be any bytes")
}

func NotUTF8(ps proto.Props, payload []byte) bool {
	return len(ps) > 0 && ps.Num(proto.PayloadFormatIndicator, 0) == 1 && !utf8.Valid(payload)
}

// badProperty returns the error about a property that its packet cannot have. flag names both.
func badProperty(flag string, err error) error {
	what := err.Error()
	var bad *proto.Error
	if errors.As(err, &bad) {
		_, what, _ = strings.Cut(bad.What, ": ")
	}
	return cli.BadFlag(flag, ": "+what, "mqtt help properties says what each packet takes")
}

// checkSent rejects -D for a packet that the command does not send. sent lists the packets that this
// command sends and others do not.
func (f *Flags) checkSent(fs *pflag.FlagSet, sent []proto.Type) error {
	for _, p := range PropertyPackets {
		if len(f.Properties.Sets[p.T]) == 0 {
			continue
		}
		switch {
		case p.T == proto.CONNECT, p.T == proto.DISCONNECT, p.T == proto.WILL:
		case p.T == proto.AUTH:
			if f.Identity.AuthMethod == "" {
				return cli.BadFlag("-D", " auth without --auth-method", "there is no AUTH packet then")
			}
		case !slices.Contains(sent, p.T):
			return cli.BadFlag("-D", " "+p.Name+": this command sends no "+p.T.String(), "leave it out; mqtt help properties lists the packets")
		case p.T == proto.UNSUBSCRIBE && !fs.Changed("unsubscribe"):
			return cli.BadFlag("-D", " unsubscribe without -U", "there is no UNSUBSCRIBE packet then")
		}
	}
	return nil
}

// onlyV5 returns the first property, which only MQTT 5 has, "" if there is none.
func (f *PropertyFlags) onlyV5() string {
	for _, p := range PropertyPackets {
		for prop := range f.Sets[p.T].All() {
			return p.Name + " property " + prop.ID.String()
		}
	}
	return ""
}
