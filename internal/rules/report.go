package rules

import (
	"bytes"
	"fmt"
	"strings"

	"mqtt/internal/proto"
)

// maxEvidence is how many bytes of a packet a violation keeps.
const maxEvidence = 4096

// report adds a violation of r by the sender in direction way. Text of a peer among args must be
// quoted by the format.
func (o *Observer) report(way Way, r rule, packet []byte, format string, args ...any) {
	v := o.sides[way].version
	if v == 0 {
		v = proto.V5
	}
	o.add(way.sender(), r, v, packet, format, args...)
}

// add adds a violation of r in version v, unless that version has no such statement.
func (o *Observer) add(who Role, r rule, v proto.Version, packet []byte, format string, args ...any) {
	key := keysOf(r, v, who)
	first, rest, _ := strings.Cut(key, " ")
	s, ok := tableOf(v).find(first)
	if !ok {
		return
	}
	o.found = append(o.found, Violation{Statement: s, Broken: who, Got: fmt.Sprintf(format, args...), Also: strings.Fields(rest), Packet: evidence(packet, v)})
}

// evidence returns a copy of a packet, without what is secret in it and of at most maxEvidence
// bytes.
func evidence(packet []byte, v proto.Version) []byte {
	if packet == nil {
		return nil
	}
	f, size, err := proto.Split(packet, 0)
	secret := len(packet) > 0 && (packet[0]>>4 == byte(proto.CONNECT) || packet[0]>>4 == byte(proto.AUTH) || packet[0]>>4 == byte(proto.CONNACK))
	if !secret {
		return bytes.Clone(packet[:min(len(packet), maxEvidence)])
	}
	// A secret of a packet that cannot be read has no known place.
	if err != nil || size != len(packet) {
		return bytes.Clone(packet[:min(len(packet), 8)])
	}
	c := bytes.Clone(packet)
	f.Body = c[len(c)-len(f.Body):]
	if f.Type() == proto.AUTH && v < proto.V5 {
		v = proto.V5
	}
	p, err := proto.Decode(f, v)
	if err != nil {
		return c[:min(len(c), 8)]
	}
	proto.HideSecrets(p)
	return c[:min(len(c), maxEvidence)]
}

// clip returns the beginning of a text of a peer, for a message.
func clip[T ~string | ~[]byte](s T) string {
	const most = 80
	if len(s) > most {
		return string(s[:most]) + "…"
	}
	return string(s)
}
