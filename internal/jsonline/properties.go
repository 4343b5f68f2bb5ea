package jsonline

import "mqtt/internal/proto"

// readProperties reads the member "properties" into r.props and r.hopProps.
func (r *Record) readProperties() error {
	in := &r.in
	if in.peek() != '{' {
		return in.unexpected("properties", "an object")
	}
	var seen uint64 // a bit for each property
	for in.open(); in.next(); {
		id := propertyOf(in.key)
		if id == 0 {
			if err := r.skipUnknown("properties."); err != nil {
				return err
			}
			continue
		}
		if seen&(1<<id) != 0 {
			return in.fail("properties."+string(in.key), "given twice")
		}
		seen |= 1 << id
		if err := r.readProperty(id); err != nil {
			return err
		}
	}
	if in.why != "" {
		return in.syntax(in.why)
	}
	return nil
}

// propertyOf returns the property with that key, 0 if there is none.
func propertyOf(key []byte) proto.PropID {
	for i := range propertyKeys {
		if string(key) == propertyKeys[i].name {
			return propertyKeys[i].id
		}
	}
	return 0
}

func (r *Record) readProperty(id proto.PropID) (err error) {
	in := &r.in
	var n uint32
	switch id {
	case proto.ContentType:
		err = r.readText(id, "properties.content_type")
	case proto.ResponseTopic:
		err = r.readText(id, "properties.response_topic")
	case proto.CorrelationData:
		const key = "properties.correlation_data_base64"
		if r.value, err = in.base64(r.value[:0], key); err == nil {
			err = r.add(key, proto.Prop{ID: id, Value: r.value})
		}
	case proto.MessageExpiryInterval:
		n, err = in.integer("properties.message_expiry_interval", 0, 1<<32-1)
		r.props = r.props.AppendNum(id, n)
	case proto.PayloadFormatIndicator:
		n, err = in.integer("properties.payload_format_indicator", 0, 1)
		r.props = r.props.AppendNum(id, n)
	case proto.TopicAlias:
		n, err = in.integer("properties.topic_alias", 1, 65535)
		r.hopProps = r.hopProps.AppendNum(id, n)
	case proto.SubscriptionIdentifier:
		err = r.readSubscriptionIDs()
	default:
		err = r.readUserProperties()
	}
	return err
}

func (r *Record) readText(id proto.PropID, key string) (err error) {
	if r.value, err = r.in.string(r.value[:0], key); err != nil {
		return err
	}
	return r.add(key, proto.Prop{ID: id, Value: r.value})
}

// add appends p to r.props, and fails if one of its fields is too long for a packet.
func (r *Record) add(key string, p proto.Prop) error {
	if len(p.Key) > proto.MaxText || len(p.Value) > proto.MaxText {
		return r.in.fail(key, "more than 65535 bytes")
	}
	r.props = r.props.Append(p)
	return nil
}

func (r *Record) readSubscriptionIDs() error {
	const key = "properties.subscription_identifiers"
	return r.in.array(key, "a list of integers", func() error {
		n, err := r.in.integer(key, 1, proto.MaxRemaining)
		if err == nil {
			r.hopProps = r.hopProps.AppendNum(proto.SubscriptionIdentifier, n)
		}
		return err
	})
}

// readUserProperties reads an array of arrays of two strings.
func (r *Record) readUserProperties() error {
	const key = "properties.user_properties"
	const want = "a list of [key, value]"
	in := &r.in
	return in.array(key, want, func() error {
		start, n := in.i, 0
		err := in.array(key, want, func() (err error) {
			switch n++; n {
			case 1:
				r.key, err = in.string(r.key[:0], key)
			case 2:
				r.value, err = in.string(r.value[:0], key)
			default:
				return in.unexpected(key, want)
			}
			return err
		})
		if err != nil {
			return err
		}
		in.start = start
		if n != 2 {
			return in.fail(key, "want "+want)
		}
		return r.add(key, proto.Prop{ID: proto.UserProperty, Key: r.key, Value: r.value})
	})
}
