package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mqtt/internal/proto"
)

// Plan says which faults occur. It counts connections, so each broker and each proxy needs its own.
// It is safe for concurrent use.
type Plan struct {
	words string

	minDelay, maxDelay time.Duration
	answerDelay        time.Duration // added to the delay of answers
	drop, duplicate    float64       // probabilities
	reorder, corrupt   float64       // probabilities
	speed              int64         // bytes a second, 0: no limit
	refuse             proto.Reason
	cutAfter           int     // packets, -1: never
	cutBytes           int     // bytes, -1: never
	stallAfter         int     // packets, -1: never
	packets            uint32  // a bit for each packet type that has faults
	topic              string  // filter of the PUBLISH packets that have faults, "": all packets
	client             string  // pattern of the clients that have faults, "": all
	in, out            bool    // the directions that have faults
	first              int64   // number of connections that have faults, -1: all
	share              float64 // probability that a connection has faults
	seed               uint64

	connections atomic.Int64
	matching    atomic.Int64 // connections whose client matches
}

// Parse parses the words of a plan, which may have any order.
func Parse(s string) (*Plan, error) {
	p := &Plan{cutAfter: -1, cutBytes: -1, stallAfter: -1, packets: 1<<32 - 1, in: true, out: true, first: -1, share: 1, seed: 1}
	words := fields(s)
	if len(words) == 0 {
		return nil, errors.New("no fault is named")
	}
	seen := make(map[string]bool)
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		if seen[name] {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		seen[name] = true
		if err := p.set(name, value); err != nil {
			return nil, fmt.Errorf("%s: %w", w, err)
		}
	}
	if p.answerDelay > 0 && !p.out {
		return nil, errors.New("answer-late and way=in: answers go out")
	}
	if p.topic != "" && p.packets&(1<<proto.PUBLISH) == 0 {
		return nil, errors.New("topic without PUBLISH in packets: only PUBLISH has a topic")
	}
	p.words = strings.Join(words, " ")
	return p, nil
}

// String returns the words of the plan.
func (p *Plan) String() string { return p.words }

// set applies one word.
func (p *Plan) set(name, value string) (err error) {
	switch name {
	case "delay":
		from, to, ranged := strings.Cut(value, "..")
		if p.minDelay, err = parseDuration(from); err != nil || !ranged {
			p.maxDelay = p.minDelay
			return err
		}
		if p.maxDelay, err = parseDuration(to); err == nil && p.maxDelay < p.minDelay {
			err = errors.New("the second duration is shorter than the first")
		}
	case "answer-late":
		p.answerDelay, err = parseDuration(value)
	case "drop":
		p.drop, err = parseProbability(value)
	case "duplicate":
		p.duplicate, err = parseProbability(value)
	case "reorder":
		p.reorder, err = parseProbability(value)
	case "corrupt":
		p.corrupt, err = parseProbability(value)
	case "throttle":
		p.speed, err = parseSpeed(value)
	case "refuse":
		n, bad := strconv.ParseUint(value, 0, 8)
		p.refuse = proto.Reason(n)
		if bad != nil || !p.refuse.Failed() || !p.refuse.Allowed(proto.CONNACK) {
			err = errors.New("expected a reason code of CONNACK, 0x80 to 0x9F")
		}
	case "cut-after":
		p.cutAfter, err = parseCount(value)
	case "cut-bytes":
		p.cutBytes, err = parseCount(value)
	case "stall":
		p.stallAfter = 0
		if value != "" {
			n, ok := strings.CutPrefix(value, "after:")
			if p.stallAfter, err = parseCount(n); !ok {
				err = errors.New("expected stall=after:N")
			}
		}
	default:
		err = p.selectors(name, value)
	}
	return err
}

// selectors applies one word that says what has faults.
func (p *Plan) selectors(name, value string) (err error) {
	switch name {
	case "packets":
		p.packets, err = parsePackets(value)
	case "topic":
		p.topic = value
		err = proto.CheckFilter(value)
	case "client":
		if p.client = value; value == "" {
			err = errors.New("expected a client identifier, or a pattern such as sensor-*")
		}
	case "way":
		p.in, p.out = value == "in", value == "out"
		if !p.in && !p.out {
			err = errors.New("expected in or out")
		}
	case "first":
		var n int
		n, err = parseCount(value)
		p.first = int64(n)
	case "connections":
		p.share, err = parseProbability(value)
	case "seed":
		if p.seed, err = strconv.ParseUint(value, 0, 64); err != nil {
			err = errors.New("expected a whole number")
		}
	default:
		err = errors.New("expected " + listed())
	}
	return err
}

// Connection returns the faults of a new connection, nil for none.
func (p *Plan) Connection() Connection {
	n := p.connections.Add(1)
	if p.client == "" && p.first >= 0 && n > p.first || p.random(uint64(n), chosen).Float64() >= p.share {
		return nil
	}
	return &state{plan: p, out: p.randoms(uint64(n), outward), in: p.randoms(uint64(n), inward)}
}

// What the random numbers of a connection are for.
const (
	chosen  = iota // whether it has faults
	outward        // its packets to the client
	inward         // its packets from the client
)

// random returns the random numbers of a connection for one purpose.
func (p *Plan) random(connection, purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(p.seed, connection<<2|purpose))
}

// randoms are the random numbers of one direction of a connection. delay, drop and duplicate have a
// generator of their own, so that a seed decides the same for them whatever words are added.
type randoms struct{ first, later *rand.Rand }

func (p *Plan) randoms(connection, purpose uint64) randoms {
	return randoms{p.random(connection, purpose), rand.New(rand.NewPCG(^p.seed, connection<<2|purpose))}
}
