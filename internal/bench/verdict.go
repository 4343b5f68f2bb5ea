package bench

import (
	"math"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/format"
)

// Judge sets the verdicts of r, one for each threshold, and reports whether one failed. A
// threshold about a metric that was not measured fails.
func (r *Result) Judge(thresholds []*Threshold) (failed bool) {
	r.Verdicts = nil
	for _, t := range thresholds {
		v := t.judge(r)
		r.Verdicts = append(r.Verdicts, v)
		failed = failed || v.Failed
	}
	return failed
}

// judge returns the verdict of t about r.
func (t *Threshold) judge(r *Result) Verdict {
	x, ok := t.value(r)
	v := Verdict{Expression: t.text, Metric: t.metric, Value: x, Limit: t.limit, Time: t.time}
	if !ok {
		v.Failed, v.Reason = true, notMeasured
		return v
	}
	v.Failed = compare(x, t.op, t.limit)
	return v
}

const notMeasured = "it was not measured"

// compare reports whether x is in the relation op to limit.
func compare(x float64, op string, limit float64) bool {
	switch op {
	case ">":
		return x > limit
	case ">=":
		return x >= limit
	case "<":
		return x < limit
	case "<=":
		return x <= limit
	case "==":
		return x == limit
	case "!=":
		return x != limit
	}
	return false
}

// String returns the verdict for a person: PASS p99 = 42.0 ms (fails above 500 ms).
func (v *Verdict) String() string {
	word := "PASS "
	if v.Failed {
		word = "FAIL "
	}
	if v.Reason != "" {
		return word + v.Expression + ": " + v.Reason
	}
	value, _ := v.amounts()
	name, _ := strings.CutSuffix(v.Metric, inPercent)
	return word + name + " = " + value + " (" + v.condition() + ")"
}

// condition returns when the threshold fails: fails above 500 ms.
func (v *Verdict) condition() string {
	_, limit := v.amounts()
	_, op, _, _ := splitThreshold(v.Expression)
	switch op {
	case ">=":
		return "fails at " + limit + " or above"
	case "<":
		return "fails below " + limit
	case "<=":
		return "fails at " + limit + " or below"
	case "==":
		return "fails at " + limit
	case "!=":
		return "fails unless " + limit
	}
	return "fails above " + limit
}

// inPercent is the end of the metric of a share.
const inPercent = " in %"

// amounts returns value and limit in the same unit.
func (v *Verdict) amounts() (value, limit string) {
	unit, size := "", 1.0
	switch {
	case v.Time:
		unit, size = timeUnit(v.Limit, v.Value)
	case strings.HasSuffix(v.Metric, inPercent):
		unit = " %"
	case isRate(v.Metric):
		unit = " /s"
	}
	a, b := v.Value/size, v.Limit/size
	exact := unit == "" && a == math.Trunc(a) // a count
	value, limit = threeDigits(a, exact), shortest(b)
	if x, err := strconv.ParseFloat(strings.ReplaceAll(value, ",", ""), 64); err == nil && a != b && (x == b || (x > b) != (a > b)) {
		value = shortest(a) // three digits would hide on which side of the limit it is
	}
	return value + unit, limit + unit
}

// timeUnit returns the unit for a limit in microseconds, and how many microseconds it has. It
// is the largest one that the limit has at least one of, or the value if the limit is 0.
func timeUnit(limit, value float64) (name string, size float64) {
	if limit == 0 {
		limit = value
	}
	switch {
	case limit >= 1e6:
		return " s", 1e6
	case limit >= 1e3:
		return " ms", 1e3
	case limit >= 1:
		return " µs", 1
	}
	return " ns", 1e-3
}

// threeDigits returns x with three significant digits, and all digits before the point. A
// value that is exact has no digits after the point.
func threeDigits(x float64, exact bool) string {
	digits := 0
	if abs := math.Abs(x); !exact && abs > 0 {
		digits = max(2-int(math.Floor(math.Log10(abs)*(1+1e-12))), 0)
	}
	return withCommas(strconv.FormatFloat(x, 'f', min(digits, 9), 64))
}

// shortest returns x with as few digits as its first nine significant digits need.
func shortest(x float64) string {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 9, 64), 64)
	return withCommas(strconv.FormatFloat(x, 'f', -1, 64))
}

// withCommas returns a number with commas between the thousands.
func withCommas(s string) string {
	whole, rest, point := strings.Cut(s, ".")
	if n, err := strconv.ParseUint(whole, 10, 64); err == nil {
		whole = format.Count(n)
	}
	if point {
		whole += "." + rest
	}
	return whole
}

// fromMicros returns x microseconds as a duration. It is the inverse of Micros.
func fromMicros(x float64) time.Duration { return time.Duration(x * 1e3) }
