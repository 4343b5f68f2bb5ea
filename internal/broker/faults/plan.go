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

// Help explains the words of a plan, for a help text.
const Help = `Words with spaces or commas between them, as in --fault 'delay=50ms drop=1%'. To each packet, in both directions:
  delay=50ms         it waits so long, and so does all behind it; delay=10ms..50ms: a random time
  drop=1%            it is lost, with that probability
  duplicate=1%       it comes twice, with that probability
  answer-late=1s     what the broker answers waits so long: CONNACK, SUBACK, PUBACK and the like, PINGRESP

To each connection:
  refuse=0x88        CONNECT is answered with that reason code
  cut-after=100      it breaks in the place of packet 101, both directions counted
  cut-bytes=4096     it breaks in the place of the packet that would exceed so many bytes
  stall=after:10     after ten packets nothing comes any more, and nothing breaks; stall alone: from the start

Which of them suffer:
  packets=PUBLISH,PUBACK   these packets only (not for cut, stall and refuse)
  way=in             packets from the client only, way=out: to it
  first=3            the first three connections only
  connections=50%    a connection with that probability
  seed=7             another order of chances; the same seed does the same again

CONNECT and CONNACK are never dropped or doubled.
`

// Plan says which faults occur. It counts connections, so each broker needs its own. It may
// be used by several goroutines.
type Plan struct {
	minDelay, maxDelay time.Duration
	answerDelay        time.Duration // added to the delay of answers
	drop, duplicate    float64       // probabilities
	refuse             proto.Reason
	cutAfter           int     // packets, -1: never
	cutBytes           int     // bytes, -1: never
	stallAfter         int     // packets, -1: never
	packets            uint32  // a bit for each packet type that has faults
	in, out            bool    // the directions that have faults
	first              int64   // number of connections that have faults, -1: all
	share              float64 // probability that a connection has faults
	seed               uint64

	connections atomic.Int64
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
	return p, nil
}

// fields splits s at spaces and commas, but not at the commas of packets=A,B: the name of
// a packet type belongs to the word before if that is packets.
func fields(s string) []string {
	var words []string
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' }) {
		if n := len(words); n > 0 && strings.HasPrefix(words[n-1], "packets=") && packetOf(w) != 0 {
			words[n-1] += "," + w
			continue
		}
		words = append(words, w)
	}
	return words
}

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
	case "packets":
		p.packets = 0
		for _, s := range strings.Split(value, ",") {
			t := packetOf(s)
			if t == 0 {
				return fmt.Errorf("there is no packet type %q", s)
			}
			p.packets |= 1 << t
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
		err = errors.New("expected delay, drop, duplicate, answer-late, refuse, cut-after, cut-bytes, stall, packets, way, first, connections or seed")
	}
	return err
}

// packetOf returns the packet type with that name, 0 if there is none.
func packetOf(s string) proto.Type {
	for t := proto.CONNECT; t <= proto.AUTH; t++ {
		if strings.EqualFold(t.String(), s) {
			return t
		}
	}
	return 0
}

// parseDuration parses a duration with units, or seconds.
func parseDuration(s string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errors.New("expected a duration such as 250ms or 5")
	}
	return d, nil
}

// parseProbability parses 1% or 0.01.
func parseProbability(s string) (float64, error) {
	t, percent := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(t, 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0 && x <= 1) {
		return 0, errors.New("expected a probability such as 1% or 0.01")
	}
	return x, nil
}

// parseCount parses a number that is not negative.
func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, errors.New("expected a whole number")
	}
	return n, nil
}

// random returns the random numbers of a connection for one purpose: 0 whether it has
// faults, 1 its packets from the broker, 2 those from the client.
func (p *Plan) random(connection, purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(p.seed, connection<<2|purpose))
}
