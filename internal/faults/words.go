package faults

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/proto"
)

// Words returns the words that a plan can have, each with its separator if it takes a value.
func Words() []string {
	return []string{"delay=", "drop=", "duplicate=", "answer-late=", "reorder=", "corrupt=", "throttle=", "refuse=",
		"cut-after=", "cut-bytes=", "stall", "packets=", "topic=", "way=", "client=", "first=", "connections=", "seed="}
}

// listed returns the names of all words, for an error message.
func listed() string {
	names := Words()
	for i := range names {
		names[i] = strings.TrimSuffix(names[i], "=")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// fields splits s at spaces and commas, but not at the commas of packets=A,B: the name of
// a packet type belongs to the word before if that is packets.
func fields(s string) []string {
	var words []string
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' || r == '\r' }) {
		if n := len(words); n > 0 && strings.HasPrefix(words[n-1], "packets=") && packetOf(w) != 0 {
			words[n-1] += "," + w
			continue
		}
		words = append(words, w)
	}
	return words
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

// speedUnits are the units of parseSpeed, in bytes.
var speedUnits = []struct {
	name  string
	bytes float64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1}}

// parseSpeed parses bytes a second: 10KiB/s, 1MB/s or 500.
func parseSpeed(s string) (int64, error) {
	wrong := errors.New("expected a speed such as 10KiB/s, at least 1B/s")
	t := strings.TrimSuffix(s, "/s")
	for _, u := range speedUnits {
		number, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(number, 64)
		if x *= u.bytes; err != nil || !(x >= 1 && x <= 1<<40) {
			return 0, wrong
		}
		return int64(x), nil
	}
	return 0, wrong
}

// parsePackets parses the names of packet types to a bit for each.
func parsePackets(s string) (bits uint32, err error) {
	for name := range strings.SplitSeq(s, ",") {
		t := packetOf(name)
		if t == 0 {
			return 0, errors.New("there is no packet type " + strconv.Quote(name))
		}
		bits |= 1 << t
	}
	return bits, nil
}

// matches reports whether s matches a pattern in which * stands for any text and ? for one
// character. It takes time in proportion to the product of the lengths at most.
func matches(pattern, s string) bool {
	p, t := []rune(pattern), []rune(s)
	star, from := -1, 0 // the last * in p, and where in t its text ends
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return !slices.ContainsFunc(p[i:], func(r rune) bool { return r != '*' })
}
