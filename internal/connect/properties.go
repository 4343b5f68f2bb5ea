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

// propertyFlags are properties by packet: the several-word -D, and a plain flag for the common ones.
type PropertyFlags struct {
	lines          []string // -D, a line each
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
	OwnResponse    bool // the command has a flag of its own for the response topic

	Sets map[proto.Type]proto.Props
}

// property is a -D or --user-property. They have one order, that of the command line, for user properties keep theirs
// [MQTT-3.3.2-18].
type property struct {
	user bool
	text string
}

// propertyValue is a list of one of the two.
type propertyValue struct {
	cli.ListValue
	user  bool
	order *[]property
}

// Set adds s to the list and to the order of both.
func (v propertyValue) Set(s string) error {
	*v.order = append(*v.order, property{v.user, s})
	return v.ListValue.Set(s)
}

// Replace makes all the list, and has nothing else of its kind in the order of both.
func (v propertyValue) Replace(all []string) error {
	*v.order = slices.DeleteFunc(*v.order, func(p property) bool { return p.user == v.user })
	*v.To = nil
	for _, s := range all {
		v.Set(s)
	}
	return nil
}

// register adds the flags. publishes says whether the command's plain flags belong to PUBLISH; else --user-property
// belongs to SUBSCRIBE.
func (f *PropertyFlags) register(fs *pflag.FlagSet, publishes bool) {
	fs.VarP(propertyValue{cli.ListValue{To: &f.lines}, false, &f.order}, "property", "D", "property: `COMMAND NAME VALUE`, or COMMAND user-property KEY VALUE (MQTT 5)")
	fs.IntVar(&f.receiveMaximum, "receive-maximum", 0, "take at most `N` unacknowledged messages at once (MQTT 5)")
	fs.IntVar(&f.maximumPacket, "maximum-packet-size", 0, "take packets of at most `BYTES` (MQTT 5)")
	user := propertyValue{cli.ListValue{To: &f.user}, true, &f.order}
	if !publishes {
		fs.Var(user, "user-property", "`KEY=VALUE` of SUBSCRIBE, many (MQTT 5)")
		return
	}
	fs.Var(user, "user-property", "`KEY=VALUE` of the message, many (MQTT 5)")
	fs.StringVar(&f.contentType, "content-type", "", "content `TYPE` of the message, such as application/json (MQTT 5)")
	if !f.OwnResponse {
		fs.StringVar(&f.responseTopic, "response-topic", "", "`TOPIC` for the answer (MQTT 5)")
	}
	fs.StringVar(&f.correlation, "correlation-data", "", "`DATA` that the answer is to carry (MQTT 5)")
	fs.StringVar(&f.messageExpiry, "message-expiry-interval", "", "the message expires after `SECONDS` (MQTT 5)")
	fs.BoolVar(&f.utf8, "payload-format-indicator", false, "say that the payload is UTF-8 text (MQTT 5)")
	fs.IntVar(&f.topicAlias, "topic-alias", 0, "send alias `N` for the topic after the first message (MQTT 5)")
}

// compile reads all of them. Errors name the flag.
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

// places are the words for packets in -D.
var PropertyPackets = [...]struct {
	Name string
	T    proto.Type
}{
	{"connect", proto.CONNECT}, {"publish", proto.PUBLISH}, {"subscribe", proto.SUBSCRIBE},
	{"unsubscribe", proto.UNSUBSCRIBE}, {"disconnect", proto.DISCONNECT}, {"will", proto.WILL}, {"auth", proto.AUTH},
}

// line reads one -D.
func (f *PropertyFlags) Line(line string) error {
	words, err := config.PropertyWords(line)
	if err != nil {
		return cli.BadFlag("-D", " "+cli.Quote(line)+": "+err.Error(), "for example: -D publish content-type text/plain")
	}
	for _, p := range PropertyPackets {
		if !strings.EqualFold(p.Name, words[0]) {
			continue
		}
		row := proto.PropertyNamed(strings.ToLower(words[1]))
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

// add puts one property into the set of its packet and checks it there.
func (f *PropertyFlags) add(flag string, t proto.Type, id proto.PropID, key, value string) error {
	row := id.Row()
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
		case proto.Two:
			most = math.MaxUint16
		case proto.Four:
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

// checkPayload refuses a payload that is not the UTF-8 text that its Payload Format Indicator promises: 3.1.3.2.3 and
// 3.3.2.3.2.
func CheckPayload(what string, ps proto.Props, payload []byte) error {
	if !NotUTF8(ps, payload) {
		return nil
	}
	return cli.Usage(what+": payload that is not UTF-8, with payload-format-indicator 1", "leave the indicator out: then the payload may be any bytes")
}

func NotUTF8(ps proto.Props, payload []byte) bool {
	return len(ps) > 0 && ps.Num(proto.PayloadFormatIndicator, 0) == 1 && !utf8.Valid(payload)
}

// unfit is a property that its packet cannot have. flag names property and packet already.
func badProperty(flag string, err error) error {
	what := err.Error()
	var bad *proto.Error
	if errors.As(err, &bad) {
		_, what, _ = strings.Cut(bad.What, ": ")
	}
	return cli.BadFlag(flag, ": "+what, "mqtt help properties says what each packet takes")
}

// checkSent refuses -D for a packet that the command does not send. sent are those that some commands send and others do
// not.
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

// five tells what of all this only MQTT 5 has, "" if nothing.
func (f *PropertyFlags) onlyV5() string {
	for _, p := range PropertyPackets {
		for prop := range f.Sets[p.T].All() {
			return p.Name + " property " + prop.ID.String()
		}
	}
	return ""
}
