package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// recorded is the messages of -J: lines of JSON as sub -J writes them. What a line does not name is as the flags have
// it.
type recorded struct {
	lines  *lines
	flags  proto.Publish // the message of the flags
	record jsonline.Record
	pace   float64 // times the recorded speed; 0 is as fast as it goes

	began, first time.Time // when the first message was due, and the time recorded with it
	due          time.Time // of the message at hand
	tag          uint64
	held         bool // the message at hand is not due yet
	told         bool // that there are names which are not known
}

// next reads a line, and waits until it is due.
func (r *recorded) next(p *publisher, c *conn.Conn) (uint64, error) {
	if !r.held {
		tag, err := r.lines.next(p, c)
		if err != nil {
			return 0, err
		}
		r.tag, r.due = tag, time.Time{}
		if err := r.message(p); err != nil {
			return 0, err
		}
	}
	if r.held = r.due.After(time.Now()); r.held {
		p.due = r.due
		return 0, errWait
	}
	return r.tag, nil
}

// message makes the record of a line the publisher's message.
func (r *recorded) message(p *publisher) error {
	line := p.msg.Payload
	rec := &r.record
	if err := jsonline.Parse(line, rec); err != nil {
		return usage(fmt.Sprintf("line %d: %v", r.tag, err), `expected {"topic":...,"payload":...}, as sub -J prints it`)
	}
	if len(rec.Unknown) > 0 && !r.told {
		r.told = true
		p.e.warn("line %d: unknown name %q: such names are left out", r.tag, rec.Unknown)
	}
	m := r.flags
	if rec.Has&jsonline.HasTopic != 0 {
		m.Topic = rec.Publish.Topic
	}
	if rec.Has&jsonline.HasQoS != 0 {
		m.QoS = rec.Publish.QoS
	}
	if rec.Has&jsonline.HasRetain != 0 {
		m.Retain = rec.Publish.Retain
	}
	if rec.Has&jsonline.HasProperties != 0 {
		m.Props = rec.Forward
		if c := p.session.Version; c != 0 && c < proto.V5 {
			p.lossy("the properties of messages are left out: MQTT " + c.String() + " has none")
			m.Props = nil
		}
	}
	m.Payload = rec.Publish.Payload
	if len(m.Topic) == 0 {
		return usage(fmt.Sprintf("line %d has no topic", r.tag), "give one for such lines with -t TOPIC")
	}
	if m.Retain && len(m.Payload) == 0 && !p.f.allowClear && rec.Has&jsonline.HasRetain == 0 {
		return usage(fmt.Sprintf("line %d has an empty payload: with -r it would clear the retained message", r.tag),
			"--allow-clear means it")
	}
	if rec.Has&jsonline.HasProperties == 0 && breaksWord(m.Props, m.Payload) { // what a record says of itself goes on as it came
		return checkPayload(p.name(r.tag), m.Props, m.Payload)
	}
	p.msg = m
	if r.pace > 0 && rec.Has&jsonline.HasTime != 0 {
		if r.began.IsZero() {
			r.began, r.first = time.Now(), rec.Time
		}
		r.due = r.began.Add(time.Duration(float64(rec.Time.Sub(r.first)) / r.pace))
	}
	return nil
}

func (r *recorded) close() { r.lines.close() }

// lossy warns, once, that something of a message cannot be sent.
func (p *publisher) lossy(what string) {
	if !p.warned {
		p.warned = true
		p.e.warn("%s", what)
	}
}

// readPace reads 1x, 2x, 0.5x.
func readPace(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	if err != nil || !(n > 0 && n < 1e9) {
		return 0, usage("--pace "+quoted(s), "expected 1x for the recorded speed, 2x for twice as fast")
	}
	return n, nil
}
