package format

import (
	"strconv"

	"mqtt/internal/proto"
)

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// properties reads the member "properties" into r.props and r.hop.
func (r *Record) properties(l *object) error {
	if l.peek() != '{' {
		return l.wrong("properties", "an object", r)
	}
	var seen uint64
	for l.open(); l.next(r); {
		id := proto.PropID(0)
		for i := range jsonNames {
			if string(l.key) == jsonNames[i].name {
				id = jsonNames[i].id
			}
		}
		if id == 0 {
			if err := r.pass(l, "properties."); err != nil {
				return err
			}
			continue
		}
		if seen&(1<<id) != 0 {
			return l.fail("properties."+string(l.key), "given twice")
		}
		seen |= 1 << id
		if err := r.property(l, id); err != nil {
			return err
		}
	}
	if l.why != "" {
		l.at = 0
		return l.fail("", l.why)
	}
	return nil
}

func (r *Record) property(l *object, id proto.PropID) (err error) {
	var n uint32
	switch id {
	case proto.ContentType:
		err = r.text(l, id, "properties.content_type")
	case proto.ResponseTopic:
		err = r.text(l, id, "properties.response_topic")
	case proto.CorrelationData:
		const key = "properties.correlation_data_base64"
		if r.value, err = l.base64(r.value[:0], key, r); err == nil {
			err = r.add(l, key, proto.Prop{ID: id, Value: r.value})
		}
	case proto.MessageExpiryInterval:
		n, err = l.number("properties.message_expiry_interval", 0, 1<<32-1, r)
		r.props = r.props.AppendNum(id, n)
	case proto.PayloadFormatIndicator:
		n, err = l.number("properties.payload_format_indicator", 0, 1, r)
		r.props = r.props.AppendNum(id, n)
	case proto.TopicAlias:
		n, err = l.number("properties.topic_alias", 1, 65535, r)
		r.hop = r.hop.AppendNum(id, n)
	case proto.SubscriptionIdentifier:
		const key = "properties.subscription_identifiers"
		err = r.list(l, key, "a list of integers", func() error {
			n, err := l.number(key, 1, proto.MaxRemaining, r)
			if err == nil {
				r.hop = r.hop.AppendNum(id, n)
			}
			return err
		})
	default:
		err = r.pairs(l)
	}
	return err
}

func (r *Record) text(l *object, id proto.PropID, key string) (err error) {
	if r.value, err = l.string(r.value[:0], key, r); err != nil {
		return err
	}
	return r.add(l, key, proto.Prop{ID: id, Value: r.value})
}

// add appends p, whose fields a packet must have room for.
func (r *Record) add(l *object, key string, p proto.Prop) error {
	if len(p.Key) > proto.MaxText || len(p.Value) > proto.MaxText {
		return l.fail(key, "more than 65535 bytes")
	}
	r.props = r.props.Append(p)
	return nil
}

// list reads an array, each value with one.
func (r *Record) list(l *object, key, want string, one func() error) error {
	if l.peek() != '[' {
		return l.wrong(key, want, r)
	}
	l.at = l.i
	if l.i = space(l.b, l.i+1); l.peek() == ']' {
		l.i++
		return nil
	}
	for {
		if err := one(); err != nil {
			return err
		}
		switch l.i = space(l.b, l.i); l.peek() {
		case ']':
			l.i++
			return nil
		case ',':
			l.i = space(l.b, l.i+1)
		default:
			l.at = 0
			return l.fail("", string(faultComma))
		}
	}
}

func (r *Record) pairs(l *object) error {
	const key = "properties.user_properties"
	const want = "a list of [key, value]"
	return r.list(l, key, want, func() error {
		start, n := l.i, 0
		err := r.list(l, key, want, func() (err error) {
			switch n++; n {
			case 1:
				r.key, err = l.string(r.key[:0], key, r)
			case 2:
				r.value, err = l.string(r.value[:0], key, r)
			default:
				return l.wrong(key, want, r)
			}
			return err
		})
		if err != nil {
			return err
		}
		l.at = start
		if n != 2 {
			return l.fail(key, "want "+want)
		}
		return r.add(l, key, proto.Prop{ID: proto.UserProperty, Key: r.key, Value: r.value})
	})
}
