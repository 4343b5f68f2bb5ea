package main

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// largestWindow keeps the size of unread acknowledgements well below that of socket buffers.
// flow writes without reading, and a peer that cannot write its acknowledgements would stop
// reading.
const largestWindow = 10_000

// flow sends messages and receives their acknowledgements.
type flow struct {
	conn   net.Conn
	in     *frames
	units  *packets
	qos    byte
	window int

	sent, done int64 // done: with PUBACK or PUBCOMP
	received   int64 // PUBRECs
	released   int64 // PUBRELs
	wrong      int64 // acknowledgements out of order, for unknown messages, or with an error
	left       bool  // the peer sent DISCONNECT
	out        []byte
}

// run sends messages until count of them are sent and acknowledged.
func (f *flow) run(count int64) error {
	if f.qos == 0 {
		for f.sent < count {
			b, n := f.units.fill(f.sent, clamp(count-f.sent))
			if _, err := f.conn.Write(b); err != nil {
				return fmt.Errorf("after %d messages: %w", f.sent, err)
			}
			f.sent += int64(n)
		}
		return nil
	}
	window := int64(min(f.window, largestWindow))
	for f.done < count {
		for f.sent < count && f.sent-f.done < window {
			b, n := f.units.fill(f.sent, clamp(min(count-f.sent, window-(f.sent-f.done))))
			if _, err := f.conn.Write(b); err != nil {
				return fmt.Errorf("after %d messages: %w", f.sent, err)
			}
			f.sent += int64(n)
		}
		err := f.read()
		if errors.Is(err, errLeft) && f.done == count {
			return nil // one read had its last acknowledgement and its DISCONNECT
		}
		if err != nil {
			return fmt.Errorf("after %d messages and %d acknowledgements: %w", f.sent, f.done, err)
		}
	}
	return nil
}

// clamp returns n, at most blockLength.
func clamp(n int64) int { return int(min(n, blockLength)) }

// read reads once and answers all packets with one write.
func (f *flow) read() error {
	if err := f.in.fill(); err != nil {
		return err
	}
	f.out = f.out[:0]
	for {
		head, body, ok, err := f.in.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := f.packet(head, body); err != nil {
			return err
		}
	}
	if len(f.out) == 0 {
		return nil
	}
	_, err := f.conn.Write(f.out)
	return err
}

// packet handles a packet of the peer.
func (f *flow) packet(head byte, body []byte) error {
	switch head {
	case typePuback, typePubrec, typePubcomp:
		if len(body) < 2 {
			return errMalformed
		}
		f.acknowledged(head, uint16(body[0])<<8|uint16(body[1]), len(body) > 2 && body[2] >= 0x80)
	case typePingreq:
		f.out = append(f.out, typePingresp, 0)
	case typePingresp:
	case typeDisconnect:
		f.left = true
		return errLeft
	default:
		return fmt.Errorf("unexpected packet 0x%02x", head)
	}
	return nil
}

var errLeft = errors.New("the peer sent DISCONNECT")

// acknowledged counts an acknowledgement. They must have the order of the messages
// [MQTT-4.6.0-2, 4.6.0-3]; one out of order counts as wrong.
func (f *flow) acknowledged(head byte, id uint16, failed bool) {
	var counter *int64
	switch {
	case head == typePuback && f.qos == 1, head == typePubcomp && f.qos == 2:
		counter = &f.done
	case head == typePubrec && f.qos == 2:
		counter = &f.received
	default:
		f.wrong++
		return
	}
	if failed || *counter >= f.sent || identifier(*counter) != id {
		f.wrong++
	}
	*counter++
	if head == typePubrec {
		f.out = append(f.out, typePubrel, 2, byte(id>>8), byte(id))
		f.released++
	}
}

// drain reads until the peer sends DISCONNECT or closes the connection.
func (f *flow) drain() error {
	for !f.left {
		err := f.read()
		if errors.Is(err, errLeft) || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
