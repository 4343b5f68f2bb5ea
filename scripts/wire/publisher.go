package main

import (
	"errors"
	"fmt"
)

// publisher is a connection of the sink. The goroutine that reads owns it.
type publisher struct {
	in         *frames
	number     int64
	receiveMax int
	hashed     bool

	level   byte // 0 before CONNECT
	left    bool // it sent DISCONNECT
	reached bool // the sink has received all messages that it waits for
	got     counts
	out     []byte // answers, written after each read
	text    []byte // payloads to hash
	pending []bool // QoS 2 packet identifiers between PUBLISH and PUBREL
}

// handle handles all complete packets in the buffer.
func (c *publisher) handle() error {
	for {
		head, body, ok, err := c.in.next()
		if err != nil || !ok {
			return err
		}
		if head&0xf0 != typePublish {
			if err := c.control(head, body); err != nil {
				return err
			}
			continue
		}
		if c.level == 0 || len(body) < 2 {
			return fmt.Errorf("PUBLISH: %w", errMalformed)
		}
		qos := head >> 1 & 3
		at := 2 + (int(body[0])<<8 | int(body[1]))
		id := 0
		if qos > 0 {
			if at+2 > len(body) {
				return fmt.Errorf("PUBLISH: %w", errMalformed)
			}
			id = int(body[at])<<8 | int(body[at+1])
			at += 2
			if id == 0 || qos == 3 {
				return fmt.Errorf("PUBLISH at QoS %d with identifier %d: %w", qos, id, errMalformed)
			}
		}
		if c.level == level5 && at < len(body) {
			length, n := int(body[at]), 1
			if length >= 0x80 {
				length, n = varint(body[at:])
				if n <= 0 {
					return fmt.Errorf("PUBLISH properties: %w", errMalformed)
				}
			}
			at += length + n
		} else if c.level == level5 {
			return fmt.Errorf("PUBLISH without properties: %w", errMalformed)
		}
		if at > len(body) {
			return fmt.Errorf("PUBLISH: %w", errMalformed)
		}
		if head&8 != 0 {
			c.got.Dup++
		}
		switch qos {
		case 0:
			c.got.QoS0++
		case 1:
			c.got.QoS1++
			c.out = append(c.out, typePuback, 2, byte(id>>8), byte(id))
		case 2:
			c.out = append(c.out, typePubrec, 2, byte(id>>8), byte(id))
			if c.pending == nil {
				c.pending = make([]bool, 65536)
			}
			if c.pending[id] {
				c.got.Again++
				continue
			}
			c.pending[id] = true
			c.got.QoS2++
		}
		c.got.Messages++
		c.got.Bytes += int64(len(body) - at)
		if c.hashed {
			c.text = append(append(c.text, body[at:]...), '\n')
		}
	}
}

// control handles packets other than PUBLISH.
func (c *publisher) control(head byte, body []byte) error {
	if (c.level == 0) != (head == typeConnect) {
		return fmt.Errorf("packet 0x%02x: CONNECT must be the first packet, and only that", head) // [MQTT-3.1.0-1, 3.1.0-2]
	}
	var err error
	switch head {
	case typeConnect:
		hello, err := parseConnect(body)
		if err != nil {
			return err
		}
		c.level = hello.level
		c.out = appendConnack(c.out, hello, c.number, c.receiveMax)
	case typePubrel:
		if len(body) < 2 {
			return fmt.Errorf("PUBREL: %w", errMalformed)
		}
		id := int(body[0])<<8 | int(body[1])
		if c.pending == nil || !c.pending[id] {
			return fmt.Errorf("PUBREL of %d, which is not in flight", id)
		}
		c.pending[id] = false
		c.out = append(c.out, typePubcomp, 2, byte(id>>8), byte(id))
	case typeSubscribe:
		c.out, _, err = appendSuback(c.out, body, c.level)
	case typeUnsubscribe:
		c.out, err = appendUnsuback(c.out, body, c.level)
	case typePingreq:
		c.out = append(c.out, typePingresp, 0)
	case typeDisconnect:
		c.left = true
		if _, _, ok, _ := c.in.next(); ok {
			err = errors.New("a packet after DISCONNECT") // [MQTT-3.14.4-2]
		}
	default:
		err = fmt.Errorf("unexpected packet 0x%02x", head)
	}
	return err
}
