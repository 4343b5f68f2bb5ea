package bench

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/format"
)

// Threshold is a condition under which a run fails: p99>20ms fails if the 99th percentile
// of the latency is above 20 ms.
type Threshold struct {
	text   string
	metric string
	op     string
	limit  float64 // microseconds for a time
	value  func(*Result) (x float64, ok bool)
	time   bool
}

// operators has longer operators first, because shorter ones are prefixes of them.
var operators = [...]string{">=", "<=", "==", "!=", ">", "<"}

// ParseThreshold parses METRIC OPERATOR VALUE. Times are min, mean, max and any percentile
// from p0 to p99.999. They are of the latency, or of another histogram that is named
// before a dot: service, lag, ack or connect. Counts are loss (or loss>1%), dup, reorder,
// errors, sent, received, acknowledged and expected; rate is per second. A count without
// an operator fails if it is not 0.
func ParseThreshold(s string) (*Threshold, error) {
	name, op, limit, ok := splitThreshold(s)
	if !ok {
		return nil, fmt.Errorf("%q: want one of > >= < <= == !=", s)
	}
	t := &Threshold{text: s, metric: name, op: op}
	if op == "" {
		t.op, limit = ">", "0"
	}
	if f := timeOf(name); f != nil {
		switch {
		case op == "":
			return nil, fmt.Errorf("%q: %s is a time and needs a limit, such as %s>20ms", s, name, name)
		case limit != "" && strings.Trim(limit, "0123456789.") == "":
			return nil, fmt.Errorf("%q: %s is a time, and %s has no unit: write %sms or %ss", s, name, limit, limit, limit)
		}
		d, err := format.ParseDuration(limit)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", s, err)
		}
		t.time, t.limit, t.value = true, Micros(d), f
		return t, nil
	}
	if t.value = countOf(name); t.value == nil {
		return nil, fmt.Errorf("%q: no metric named %q: %s", s, name, metricNames)
	}
	if part, ok := strings.CutSuffix(limit, "%"); ok {
		whole := name == "loss" || name == "lost" || name == "dup" || name == "duplicated" || name == "reorder" || name == "reordered"
		x, err := strconv.ParseFloat(part, 64)
		if err != nil || !whole || x < 0 {
			return nil, fmt.Errorf("%q: a percentage is for loss, dup and reorder", s)
		}
		count := t.value
		t.metric, t.limit = name+inPercent, x
		t.value = func(r *Result) (float64, bool) {
			n, ok := count(r)
			return 100 * n / max(float64(r.Expected), 1), ok && r.Expected > 0
		}
		return t, nil
	}
	x, err := format.ParseRate(limit)
	if err != nil || strings.ContainsRune(limit, '/') && !isRate(name) {
		return nil, fmt.Errorf("%q: %q is not a number", s, limit)
	}
	t.limit = x
	return t, nil
}

// metricNames lists the metrics of thresholds.
const metricNames = "there are pN (p50 to p99.999), min, mean, max, also of service. lag. ack. connect., " +
	"and loss, dup, reorder, errors, rate, sent, received, acknowledged, expected, cpu"

// splitThreshold splits METRIC OPERATOR VALUE. Without an operator, op is empty. It returns
// false if what is in its place is none.
func splitThreshold(s string) (metric, op, limit string, ok bool) {
	i := strings.IndexAny(s, "<>=!")
	if i < 0 {
		return strings.TrimSpace(s), "", "", true
	}
	for _, op := range operators {
		if strings.HasPrefix(s[i:], op) {
			return strings.TrimSpace(s[:i]), op, strings.TrimSpace(s[i+len(op):]), true
		}
	}
	return "", "", "", false
}

// isRate reports whether a metric is a rate.
func isRate(name string) bool { return name == "rate" || strings.HasSuffix(name, "rate") }

// timeOf returns a function for the time with that name, nil if the name is not a time.
func timeOf(name string) func(*Result) (float64, bool) {
	pick := func(r *Result) *Histogram { return r.Latency }
	switch of, rest, ok := strings.Cut(name, "."); {
	case !ok || strings.HasPrefix(name, "p9") || strings.HasPrefix(name, "p") && of != "phase" && isDigits(of[1:]):
	default:
		switch of {
		case "latency":
		case "service":
			pick = func(r *Result) *Histogram { return r.Service }
		case "lag":
			pick = func(r *Result) *Histogram { return r.Lag }
		case "ack":
			pick = func(r *Result) *Histogram { return r.Ack }
		case "connect":
			pick = func(r *Result) *Histogram { return r.Connect }
		default:
			return nil
		}
		name = rest
	}
	var at func(*Histogram) time.Duration
	switch {
	case name == "min":
		at = (*Histogram).Min
	case name == "mean":
		at = (*Histogram).Mean
	case name == "max":
		at = (*Histogram).Max
	default:
		p, ok := percentile(name)
		if !ok {
			return nil
		}
		at = func(h *Histogram) time.Duration { return h.At(p) }
	}
	return func(r *Result) (float64, bool) {
		h := pick(r)
		return Micros(at(h)), h.Count() > 0
	}
}

// percentile parses p50, p99.9, and p999, which the keys of a result use for p99.9.
func percentile(name string) (float64, bool) {
	digits, ok := strings.CutPrefix(name, "p")
	if !ok || digits == "" || strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	if len(digits) > 2 && strings.Trim(digits, "9") == "" {
		digits = digits[:2] + "." + digits[2:]
	}
	p, err := strconv.ParseFloat(digits, 64)
	return p, err == nil && p >= 0 && p < 100
}

// isDigits reports whether s consists of digits and is not empty.
func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// countOf returns a function for the count or rate with that name, nil if there is none.
func countOf(name string) func(*Result) (float64, bool) {
	number := func(f func(*Result) uint64) func(*Result) (float64, bool) {
		return func(r *Result) (float64, bool) { return float64(f(r)), true }
	}
	// These counts are not known if the messages were not accounted for.
	accounted := func(f func(*Result) uint64) func(*Result) (float64, bool) {
		return func(r *Result) (float64, bool) { return float64(f(r)), r.Accounted }
	}
	switch name {
	case "loss", "lost":
		return func(r *Result) (float64, bool) { return float64(r.Lost), r.Accounted || r.Lost > 0 }
	case "dup", "duplicated":
		return accounted(func(r *Result) uint64 { return r.Duplicated })
	case "reorder", "reordered":
		return accounted(func(r *Result) uint64 { return r.Reordered })
	case "errors":
		return number(func(r *Result) uint64 { return r.Errors })
	case "sent":
		return number(func(r *Result) uint64 { return r.Sent })
	case "received":
		return number(func(r *Result) uint64 { return r.Received })
	case "acknowledged":
		return number(func(r *Result) uint64 { return r.Acknowledged })
	case "expected":
		return number(func(r *Result) uint64 { return r.Expected })
	case "rate":
		return func(r *Result) (float64, bool) {
			if r.Config.Subscribers > 0 {
				return r.ReceiveRate, true
			}
			return r.SendRate, true
		}
	case "cpu":
		return cpuOf
	case "send.rate", "send_rate":
		return func(r *Result) (float64, bool) { return r.SendRate, true }
	case "receive.rate", "receive_rate":
		return func(r *Result) (float64, bool) { return r.ReceiveRate, true }
	}
	return nil
}

// Errors reports whether t is about errors. Such a threshold alone decides whether errors
// fail a run.
func (t *Threshold) Errors() bool { return t.metric == "errors" }
