package check

import "mqtt/internal/proto"

// acceptMutants are servers that accept what they must not.
var acceptMutants = []mutant{
	{name: "stays open after an error", open: true},
	{name: "accepts reserved bits in subscription options", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x82 && v == proto.V5 {
			b[len(b)-1] &= 0x3F
		}
		return b
	}), v5: "MQTT-3.8.3-5"},
	{name: "accepts wrong bits in the first byte", raw: accepts(func(_ proto.Version, b []byte) []byte {
		switch t := b[0] >> 4; t {
		case 3:
		case 6, 8, 10:
			b[0] = t<<4 | 2
		default:
			b[0] = t << 4
		}
		return b
	}), v5: "MQTT-2.1.3-1 MQTT-3.6.1-1 MQTT-3.8.1-1 MQTT-3.10.1-1", v311: "MQTT-2.2.2-2 MQTT-3.6.1-1 MQTT-3.8.1-1 MQTT-3.10.1-1"},
	{name: "accepts the reserved connect flag", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 {
			b[9] &^= 1
		}
		return b
	}), v5: "MQTT-3.1.2-3", v311: "MQTT-3.1.2-3"},
	{name: "accepts a will QoS without will", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 && b[9]&4 == 0 {
			b[9] &^= 0x38
		}
		return b
	}), v5: "MQTT-3.1.2-11 MQTT-3.1.2-13", v311: "MQTT-3.1.2-13 MQTT-3.1.2-15"},
	{name: "accepts every protocol name", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 {
			copy(b[4:], "MQTT")
		}
		return b
	}), v5: "MQTT-3.1.2-1"},
	{name: "accepts every protocol version", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 && b[8] != 4 && b[8] != 5 {
			b[8] = byte(v)
		}
		return b
	}), v5: "MQTT-3.1.2-2", v311: "MQTT-3.1.2-2"},
	{name: "accepts packet identifier 0", raw: accepts(func(v proto.Version, b []byte) []byte {
		if (b[0] == 0x82 || b[0] == 0xA2) && len(b) > 4 && b[2] == 0 && b[3] == 0 {
			b[3] = 7
		}
		return b
	}), v5: "MQTT-2.2.1-3", v311: "MQTT-2.3.1-1"},
	{name: "accepts a second CONNECT", raw: func() func(m *link, b []byte, in bool) []byte {
		return func(m *link, b []byte, in bool) []byte {
			if in && b[0] == 0x10 && m.count("connect") > 1 {
				return nil
			}
			return b
		}
	}(), v5: "MQTT-3.1.0-2", v311: "MQTT-3.1.0-2"},
	{name: "accepts a SUBSCRIBE without filters", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x82 && (len(b) == 4 || len(b) == 5 && v == proto.V5) {
			return []byte{0xC0, 0}
		}
		return b
	}), v5: "MQTT-3.8.3-2", v311: "MQTT-3.8.3-3"},
	{name: "accepts wildcards in topics", in: change(func(p *proto.Publish) {}), raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0]>>4 == 3 && len(b) < 128 {
			for i := range b {
				if b[i] == '#' || b[i] == '+' {
					b[i] = 'w'
				}
			}
		}
		return b
	}), v5: "MQTT-3.3.2-2", v311: "MQTT-3.3.2-2"},
	{name: "accepts U+0000 in topics", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0]>>4 == 3 && len(b) < 128 {
			for i := 4; i < 4+int(b[3]) && i < len(b); i++ {
				if b[i] == 0 {
					b[i] = 'w'
				}
			}
		}
		return b
	}), v5: "MQTT-4.7.3-2", v311: "MQTT-4.7.3-2"},
	{name: "accepts topics that are not UTF-8", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0]>>4 == 3 && len(b) < 128 {
			for i := 4; i < 4+int(b[3]) && i < len(b); i++ {
				if b[i] >= 0x80 {
					b[i] = 'w'
				}
			}
		}
		return b
	}), v5: "MQTT-1.5.4-1 MQTT-3.3.2-1", v311: "MQTT-1.5.3-1 MQTT-3.3.2-1"},
	{name: "ignores the password", in: change(func(p *proto.Connect) {}), also: "puback"},
	{name: "does not end the connection after a refusal", open: true, v5: "MQTT-3.2.2-7", v311: "MQTT-3.2.2-5"},
}
