package main

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// largestWindow keeps the acknowledgements that may wait for us well below what
// socket buffers hold: flow writes without reading, and a peer that cannot write
// its acknowledgements would not read either.
const largestWindow = 10_000

// flow sends count messages and takes their acknowledgements.
type flow struct {
	conn   net.Conn
	in     *frames
	units  *packets
	qos    byte
	window int

	sent, done int64 // done: acknowledged at QoS 1, completed at QoS 2
	received   int64 // PUBRECs so far, at QoS 2
	released   int64 // PUBRELs so far
	wrong      int64 // acknowledgements out of order, or of nothing, or with an error
	left       bool  // the peer said DISCONNECT
	out        []byte
}

// run sends until count messages are sent and acknowledged.
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
			return nil // its last acknowledgement and its leave came in one piece
		}
		if err != nil {
			return fmt.Errorf("after %d messages and %d acknowledgements: %w", f.sent, f.done, err)
		}
	}
	return nil
}

func clamp(n int64) int { return int(min(n, blockLength)) }

// read waits for bytes and answers all packets in them with one write.
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

var errLeft = errors.New("the peer said DISCONNECT")

// acknowledged counts an answer. The standard wants answers in the order of the
// messages [MQTT-4.6.0-2, 4.6.0-3]; one out of turn is counted as wrong.
func (f *flow) acknowledged(head byte, id uint16, failed bool) {
	var turn *int64
	switch {
	case head == typePuback && f.qos == 1, head == typePubcomp && f.qos == 2:
		turn = &f.done
	case head == typePubrec && f.qos == 2:
		turn = &f.received
	default:
		f.wrong++
		return
	}
	if failed || *turn >= f.sent || identifier(*turn) != id {
		f.wrong++
	}
	*turn++
	if head == typePubrec {
		f.out = append(f.out, typePubrel, 2, byte(id>>8), byte(id))
		f.released++
	}
}

// drain reads until the peer leaves: DISCONNECT or the end of the stream.
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
