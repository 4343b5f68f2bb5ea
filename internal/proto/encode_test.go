package proto

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var long = strings.Repeat("x", MaxText+1)

// TestUnsendable appends invalid packets. The error must be an *Error, and the slice unchanged.
func TestUnsendable(t *testing.T) {
	filters := func(f ...string) (s []Subscription) {
		for _, f := range f {
			s = append(s, Subscription{Filter: f})
		}
		return s
	}
	user := Props(nil).AppendPair("k", "v")
	big := Props(bytes.Repeat(Props(nil).AppendPair("k", strings.Repeat("v", 65000)), 4200))
	rows := []struct {
		name string
		p    Packet
		in   string // the versions, as digits
		r    Reason
		what string
	}{
		{"publish QoS 3 [MQTT-3.3.1-4]", &Publish{QoS: 3, Topic: []byte("a"), PacketID: 1}, "345", MalformedPacket, "QoS 3"},
		{"publish DUP at QoS 0 [MQTT-3.3.1-2]", &Publish{Dup: true, Topic: []byte("a")}, "345", MalformedPacket, "DUP"},
		{"publish QoS 1 without an identifier [MQTT-2.2.1-3] [MQTT-2.3.1-1]", &Publish{QoS: 1, Topic: []byte("a")}, "345", ProtocolError, "identifier 0"},
		{"publish QoS 2 without an identifier [MQTT-2.2.1-3] [MQTT-2.3.1-1]", &Publish{QoS: 2, Topic: []byte("a")}, "345", ProtocolError, "identifier 0"},
		{"publish to nothing [MQTT-4.7.3-1]", &Publish{}, "345", TopicNameInvalid, "empty"},
		{"publish to nothing with other properties [MQTT-4.7.3-1]", &Publish{Props: user}, "345", TopicNameInvalid, "empty"},
		{"publish to a wildcard [MQTT-3.3.2-2] [MQTT-4.7.0-1] [MQTT-4.7.1-1]", &Publish{Topic: []byte("a/+")}, "345", TopicNameInvalid, "wildcard"},
		{"publish to bytes that are no text [MQTT-1.5.4-1] [MQTT-1.5.3-1]", &Publish{Topic: []byte("a\xff")}, "345", TopicNameInvalid, "UTF-8"},
		{"publish to a surrogate [MQTT-1.5.4-1] [MQTT-1.5.3-1]", &Publish{Topic: []byte("a\xed\xa0\x80")}, "345", TopicNameInvalid, "UTF-8"},
		{"publish to U+0000 [MQTT-1.5.4-2] [MQTT-1.5.3-2] [MQTT-4.7.3-2]", &Publish{Topic: []byte("a\x00")}, "345", TopicNameInvalid, "U+0000"},
		{"publish to 65536 bytes [MQTT-4.7.3-3]", &Publish{Topic: []byte(long)}, "345", TopicNameInvalid, "65535"},
		{"publish with a property", &Publish{Topic: []byte("a"), Props: user}, "34", ProtocolError, "MQTT 5"},
		{"publish with topic alias 0 [MQTT-3.3.2-8]", &Publish{Topic: []byte("a"), Props: Props(nil).AppendNum(TopicAlias, 0)}, "5", TopicAliasInvalid, "value 0"},
		{"publish with a reason string", &Publish{Topic: []byte("a"), Props: Props(nil).AppendText(ReasonString, "x")}, "5", MalformedPacket, "not allowed in PUBLISH"},
		{"publish with a response topic of wildcards [MQTT-3.3.2-14]", &Publish{Topic: []byte("a"), Props: Props(nil).AppendText(ResponseTopic, "a/#")}, "5", ProtocolError, "wildcard"},
		{"publish of 268,435,456 bytes", &Publish{Topic: []byte("a"), Payload: make([]byte, MaxRemaining)}, "345", PacketTooLarge, "268,435,455"},
		{"puback of identifier 0", &Ack{Kind: PUBACK}, "345", ProtocolError, "identifier 0"},
		{"puback with a property", &Ack{Kind: PUBACK, PacketID: 1, Props: user}, "34", ProtocolError, "MQTT 5"},
		{"puback with a reason of PUBREL [MQTT-3.4.2-1]", &Ack{Kind: PUBACK, PacketID: 1, Reason: PacketIdentifierNotFound}, "5", ProtocolError, "not allowed"},
		{"pubrec with a reason of PUBREL [MQTT-3.5.2-1]", &Ack{Kind: PUBREC, PacketID: 1, Reason: PacketIdentifierNotFound}, "5", ProtocolError, "not allowed"},
		{"pubrel with a reason of PUBACK [MQTT-3.6.2-1]", &Ack{Kind: PUBREL, PacketID: 1, Reason: NotAuthorized}, "5", ProtocolError, "not allowed"},
		{"pubcomp with a reason of PUBACK [MQTT-3.7.2-1]", &Ack{Kind: PUBCOMP, PacketID: 1, Reason: NotAuthorized}, "5", ProtocolError, "not allowed"},
		{"pubcomp with a topic alias", &Ack{Kind: PUBCOMP, PacketID: 1, Props: Props(nil).AppendNum(TopicAlias, 1)}, "5", MalformedPacket, "not allowed in PUBCOMP"},
		{"puback of more than 268,435,455 bytes", &Ack{Kind: PUBACK, PacketID: 1, Props: big}, "5", PacketTooLarge, "268,435,455"},
		{"disconnect of more than 268,435,455 bytes", &Disconnect{Props: big}, "5", PacketTooLarge, "268,435,455"},
		{"subscribe of more than 268,435,455 bytes", &Subscribe{PacketID: 1, Filters: filters("a"), Props: big}, "5", PacketTooLarge, "268,435,455"},
		{"unsubscribe of more than 268,435,455 bytes", &Unsubscribe{PacketID: 1, Filters: []string{"a"}, Props: big}, "5", PacketTooLarge, "268,435,455"},
		{"suback of more than 268,435,455 bytes", &Suback{Kind: SUBACK, PacketID: 1, Reasons: []Reason{0}, Props: big}, "5", PacketTooLarge, "268,435,455"},
		{"connack of more than 268,435,455 bytes", &Connack{Props: big}, "5", PacketTooLarge, "268,435,455"},
		{"connect of more than 268,435,455 bytes", &Connect{ClientID: "c", Props: big}, "5", PacketTooLarge, "268,435,455"},
		{"subscribe of identifier 0 [MQTT-2.2.1-3] [MQTT-2.3.1-1]", &Subscribe{Filters: filters("a")}, "345", ProtocolError, "identifier 0"},
		{"subscribe to no filter [MQTT-3.8.3-2] [MQTT-3.8.3-3]", &Subscribe{PacketID: 1}, "345", ProtocolError, "no topic filter"},
		{"subscribe to nothing [MQTT-4.7.3-1]", &Subscribe{PacketID: 1, Filters: filters("a", "")}, "345", TopicFilterInvalid, "empty"},
		{"subscribe to a filter of bad text [MQTT-3.8.3-1]", &Subscribe{PacketID: 1, Filters: filters("\xff")}, "345", TopicFilterInvalid, "UTF-8"},
		{"subscribe to 65536 bytes [MQTT-4.7.3-3]", &Subscribe{PacketID: 1, Filters: filters(long)}, "345", TopicFilterInvalid, "65535"},
		{"subscribe to a# [MQTT-4.7.1-1] [MQTT-4.7.1-2]", &Subscribe{PacketID: 1, Filters: filters("a#")}, "345", TopicFilterInvalid, "#"},
		{"subscribe with QoS 3 [MQTT-3.8.3-4 of 3.1.1]", &Subscribe{PacketID: 1, Filters: []Subscription{{Filter: "a", QoS: 3}}}, "345", MalformedPacket, "out of range"},
		{"subscribe with retain handling 3", &Subscribe{PacketID: 1, Filters: []Subscription{{Filter: "a", RetainHandling: 3}}}, "345", MalformedPacket, "out of range"},
		{"subscribe with retain handling 255 [MQTT-3.8.3-5]", &Subscribe{PacketID: 1, Filters: []Subscription{{Filter: "a", RetainHandling: 255}}}, "5", MalformedPacket, "out of range"},
		{"subscribe to a shared filter with no-local [MQTT-3.8.3-4]", &Subscribe{PacketID: 1, Filters: []Subscription{{Filter: "$share/g/a", NoLocal: true}}}, "5", ProtocolError, "no-local"},
		{"subscribe with subscription identifier 0", &Subscribe{PacketID: 1, Filters: filters("a"), Props: Props(nil).AppendNum(SubscriptionIdentifier, 0)}, "5", ProtocolError, "value 0"},
		{"subscribe with a property", &Subscribe{PacketID: 1, Filters: filters("a"), Props: user}, "34", ProtocolError, "MQTT 5"},
		{"unsubscribe of identifier 0 [MQTT-2.2.1-3] [MQTT-2.3.1-1]", &Unsubscribe{Filters: []string{"a"}}, "345", ProtocolError, "identifier 0"},
		{"unsubscribe from no filter [MQTT-3.10.3-2]", &Unsubscribe{PacketID: 1}, "345", ProtocolError, "no topic filter"},
		{"unsubscribe from bad text [MQTT-3.10.3-1]", &Unsubscribe{PacketID: 1, Filters: []string{"\xff"}}, "345", TopicFilterInvalid, "UTF-8"},
		{"unsubscribe with a property", &Unsubscribe{PacketID: 1, Filters: []string{"a"}, Props: user}, "34", ProtocolError, "MQTT 5"},
		{"suback of identifier 0", &Suback{Kind: SUBACK, Reasons: []Reason{0}}, "345", ProtocolError, "identifier 0"},
		{"suback without a reason", &Suback{Kind: SUBACK, PacketID: 1}, "345", ProtocolError, "no reason code"},
		{"unsuback without a reason", &Suback{Kind: UNSUBACK, PacketID: 1}, "5", ProtocolError, "no reason code"},
		{"suback with a reason of AUTH", &Suback{Kind: SUBACK, PacketID: 1, Reasons: []Reason{0, ReAuthenticate}}, "345", ProtocolError, "not allowed"},
		{"unsuback with a reason of SUBACK", &Suback{Kind: UNSUBACK, PacketID: 1, Reasons: []Reason{GrantedQoS1}}, "5", ProtocolError, "not allowed"},
		{"suback with a property", &Suback{Kind: SUBACK, PacketID: 1, Reasons: []Reason{0}, Props: user}, "34", ProtocolError, "MQTT 5"},
		{"connack that refuses with session present", &Connack{SessionPresent: true, Reason: NotAuthorized}, "345", ProtocolError, "session present"},
		{"connack with a reason of DISCONNECT", &Connack{Reason: SessionTakenOver}, "5", ProtocolError, "not allowed"},
		{"connack with a property", &Connack{Props: user}, "34", ProtocolError, "MQTT 5"},
		{"disconnect with a reason of CONNACK [MQTT-3.14.2-1]", &Disconnect{Reason: Banned}, "5", ProtocolError, "not allowed"},
		{"disconnect with a property", &Disconnect{Props: user}, "34", ProtocolError, "MQTT 5"},
		{"auth", &Auth{}, "34", ProtocolError, "AUTH needs MQTT 5"},
		{"auth with a reason of CONNACK [MQTT-3.15.2-1]", &Auth{Reason: NotAuthorized}, "5", ProtocolError, "not allowed"},
		{"auth with data but no method", &Auth{Props: Props(nil).AppendText(AuthenticationData, "x")}, "5", ProtocolError, "without authentication-method"},
		{"connect of another version", &Connect{ClientID: "c"}, "0126", UnsupportedProtocolVersion, "level"},
		{"connect without a client identifier", &Connect{CleanStart: true}, "3", ClientIdentifierNotValid, "no client identifier"},
		{"connect without a client identifier but a session [MQTT-3.1.3-7]", &Connect{}, "34", ClientIdentifierNotValid, "no client identifier"},
		{"connect, client identifier of bad text [MQTT-3.1.3-4]", &Connect{ClientID: "\xff"}, "345", ClientIdentifierNotValid, "UTF-8"},
		{"connect, client identifier of 65536 bytes", &Connect{ClientID: long}, "345", ClientIdentifierNotValid, "65535"},
		{"connect, user name of bad text [MQTT-3.1.3-12] [MQTT-3.1.3-11]", &Connect{ClientID: "c", HasUsername: true, Username: "\x00"}, "345", MalformedPacket, "U+0000"},
		{"connect, user name of 65536 bytes", &Connect{ClientID: "c", HasUsername: true, Username: long}, "345", MalformedPacket, "65535"},
		{"connect, password of 65536 bytes", &Connect{ClientID: "c", HasUsername: true, HasPassword: true, Password: []byte(long)}, "345", MalformedPacket, "65535"},
		{"connect, password without a user name [MQTT-3.1.2-22]", &Connect{ClientID: "c", HasPassword: true}, "34", ProtocolError, "user name"},
		{"connect, will QoS 3 [MQTT-3.1.2-12] [MQTT-3.1.2-14]", &Connect{ClientID: "c", Will: &Will{Topic: "w", QoS: 3}}, "345", MalformedPacket, "QoS 3"},
		{"connect, will to nothing", &Connect{ClientID: "c", Will: &Will{}}, "345", TopicNameInvalid, "empty"},
		{"connect, will to a wildcard [MQTT-4.7.0-1] [MQTT-4.7.1-1]", &Connect{ClientID: "c", Will: &Will{Topic: "#"}}, "345", TopicNameInvalid, "wildcard"},
		{"connect, will to bad text [MQTT-3.1.3-11] [MQTT-3.1.3-10]", &Connect{ClientID: "c", Will: &Will{Topic: "\xff"}}, "345", TopicNameInvalid, "UTF-8"},
		{"connect, will payload of 65536 bytes", &Connect{ClientID: "c", Will: &Will{Topic: "w", Payload: []byte(long)}}, "345", MalformedPacket, "65535"},
		{"connect, will with a property", &Connect{ClientID: "c", Will: &Will{Topic: "w", Props: user}}, "34", ProtocolError, "MQTT 5"},
		{"connect, will with a topic alias", &Connect{ClientID: "c", Will: &Will{Topic: "w", Props: Props(nil).AppendNum(TopicAlias, 1)}}, "5", MalformedPacket, "not allowed in a will"},
		{"connect with a property", &Connect{ClientID: "c", Props: user}, "34", ProtocolError, "MQTT 5"},
		{"connect with receive maximum 0", &Connect{ClientID: "c", Props: Props(nil).AppendNum(ReceiveMaximum, 0)}, "5", ProtocolError, "value 0"},
	}
	for _, row := range rows {
		for _, v := range row.in {
			v := Version(v - '0')
			t.Run(v.String()+"/"+row.name, func(t *testing.T) {
				dst, err := row.p.Append([]byte("before"), v)
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("got %v, not an *Error", err)
				}
				if string(dst) != "before" {
					t.Errorf("dst is %.40q", dst)
				}
				if e.Reason != row.r || !strings.Contains(e.Error(), row.what) {
					t.Errorf("got %v %s, want %v ... %s", e, e.Reason, row.r, row.what)
				}
				// The error of a filter names no packet; all others do.
				if e.Type != row.p.Type() && e.Reason != TopicFilterInvalid {
					t.Errorf("the error names %s", e.Type)
				}
			})
		}
	}
}

// TestAllowed appends packets at the limits of what is allowed.
func TestAllowed(t *testing.T) {
	full := strings.Repeat("x", MaxText)
	for _, p := range []Packet{
		&Publish{Topic: []byte(full)},
		&Subscribe{PacketID: 65535, Filters: []Subscription{{Filter: full, QoS: 2}}},
		&Unsubscribe{PacketID: 65535, Filters: []string{full}},
		&Connect{ClientID: full, HasUsername: true, Username: full, HasPassword: true, Password: []byte(full), Will: &Will{Topic: full, Payload: []byte(full), QoS: 2}},
		&Suback{Kind: UNSUBACK, PacketID: 1, Reasons: []Reason{NoSubscriptionExisted}},
		&Suback{Kind: SUBACK, PacketID: 1, Reasons: []Reason{QuotaExceeded}}, // 0x80 below 5
		&Connack{Reason: Banned}, // 5 below 5
	} {
		for _, v := range []Version{V31, V311, V5} {
			wire, err := p.Append(nil, v)
			if err != nil {
				t.Errorf("%s of %s: %v", p.Type(), v, err)
				continue
			}
			f, _, err := Split(wire, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Decode(f, v); err != nil {
				t.Errorf("%s of %s, decoded: %v", p.Type(), v, err)
			}
		}
	}
}

// TestConnackOf31 checks that a CONNACK of 3.1 has no Session Present: the byte is reserved there.
func TestConnackOf31(t *testing.T) {
	wire, err := (&Connack{SessionPresent: true}).Append(nil, V31)
	if err != nil || !bytes.Equal(wire, []byte{0x20, 2, 0, 0}) {
		t.Errorf("%x, %v", wire, err)
	}
}

// TestReturnCode translates every reason code to a return code of 3.1.1 and back. The five that
// have a return code of their own keep it, and no refusal becomes an acceptance.
func TestReturnCode(t *testing.T) {
	for c, row := range returnCodes {
		if r := row.reason; r.ReturnCode() != byte(c) {
			t.Errorf("%s is return code %d, want %d", r, r.ReturnCode(), c)
		}
	}
	if name := ReturnCodeName(NotAuthorized.ReturnCode()); name != "Not authorized" {
		t.Errorf("return code 5 is %q", name)
	}
	if name := ReturnCodeName(6); name != "reserved" {
		t.Errorf("return code 6 is %q", name)
	}
	for i := 0x80; i < 0x100; i++ {
		if c := Reason(i).ReturnCode(); c == 0 || c > 5 {
			t.Errorf("%s is return code %d", Reason(i), c)
		}
	}
}

// TestNames checks names that users see.
func TestNames(t *testing.T) {
	for _, row := range []struct{ got, want string }{
		{NotAuthorized.String(), "Not authorized (0x87)"},
		{Success.Name(DISCONNECT), "Normal disconnection (0x00)"},
		{Success.Name(SUBACK), "Granted QoS 0 (0x00)"},
		{Success.Name(UNSUBACK), "Success (0x00)"},
		{Reason(0x7F).String(), "unknown reason (0x7F)"},
		{Type(16).String(), "packet type 16"},
		{AUTH.String(), "AUTH"},
		{V31.String() + " " + V311.String() + " " + V5.String() + " " + Version(7).String(), "3.1 3.1.1 5 level 7"},
		{TopicAlias.String() + " " + PropID(0x2B).String() + " " + PropID(0xFF).String(), "topic-alias unknown property unknown property"},
		{(&Error{Type: PUBLISH, Offset: 4, What: "QoS 3"}).Error(), "PUBLISH: QoS 3 at byte 4"},
		{(&Error{What: "empty topic name"}).Error(), "empty topic name"},
	} {
		if row.got != row.want {
			t.Errorf("got %q, want %q", row.got, row.want)
		}
	}
	if New(WILL) != nil || New(16) != nil {
		t.Error("New made a packet of a type that does not exist")
	}
	for k := CONNECT; k <= AUTH; k++ {
		if p := New(k); p.Type() != k {
			t.Errorf("New(%s) made a %s", k, p.Type())
		}
	}
}
