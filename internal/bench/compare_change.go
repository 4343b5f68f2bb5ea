package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ChangeThreshold is a condition under which a comparison fails: p99>+10% fails if the 99th
// percentile is more than 10 % above the base.
type ChangeThreshold struct {
	text, metric, op string
	limit            float64 // percent
	value            func(*Result) (float64, bool)
}

// ParseChange parses METRIC OPERATOR ±N%. The metrics are those of ParseThreshold.
func ParseChange(s string) (*ChangeThreshold, error) {
	name, op, limit, ok := splitThreshold(s)
	if !ok {
		return nil, fmt.Errorf("%q: want one of > >= < <=", s)
	}
	t := &ChangeThreshold{text: s, metric: name, op: op, value: timeOf(name)}
	if t.value == nil {
		t.value = countOf(name)
	}
	if t.value == nil {
		return nil, fmt.Errorf("%q: no metric named %q: %s", s, name, metricNames)
	}
	if op == "" || op == "==" || op == "!=" {
		return nil, fmt.Errorf("%q: want a change, such as %s>+10%%", s, name)
	}
	part, percent := strings.CutSuffix(limit, "%")
	part = strings.TrimSpace(part)
	x, err := strconv.ParseFloat(part, 64)
	switch {
	case err != nil || !percent || math.IsNaN(x) || math.IsInf(x, 0):
		return nil, fmt.Errorf("%q: %q is not a change in percent, such as +10%%", s, limit)
	case part[0] != '+' && part[0] != '-' && x != 0:
		return nil, fmt.Errorf("%q: a change has a sign: write +%s or -%s", s, limit, limit)
	}
	t.limit = x
	return t, nil
}

// ChangeVerdict is the result of a ChangeThreshold.
type ChangeVerdict struct {
	Expression string   `json:"expression"` // as given
	Metric     string   `json:"metric"`
	Change     *float64 `json:"change"` // in percent; null from 0 to another value, or if it was not measured
	Limit      float64  `json:"limit"`  // in percent
	P          *float64 `json:"p"`      // null with one run a side
	Failed     bool     `json:"failed"`
	Reason     string   `json:"reason,omitempty"` // why it passed or failed, if the change alone does not say
}

// Judge sets the verdicts of c, one for each threshold, and reports whether one failed. A
// change within the noise of enough runs passes. With too few runs to tell, the change alone
// decides.
func (c *Comparison) Judge(thresholds []*ChangeThreshold) (failed bool) {
	c.Verdicts = nil
	for _, t := range thresholds {
		v := t.judge(c)
		c.Verdicts = append(c.Verdicts, v)
		failed = failed || v.Failed
	}
	return failed
}

// judge returns the verdict of t about c.
func (t *ChangeThreshold) judge(c *Comparison) ChangeVerdict {
	v := ChangeVerdict{Expression: t.text, Metric: t.metric, Limit: t.limit}
	m := (&metric{name: t.metric, value: t.value}).compare(&c.Base, &c.New)
	if len(m.Base) < c.Base.Runs || len(m.New) < c.New.Runs {
		v.Failed, v.Reason = true, notMeasured
		return v
	}
	v.Change, v.P = m.Change, m.P
	change := math.Inf(1) // from 0
	if m.Change != nil {
		change = *m.Change
	}
	v.Failed = compare(change, t.op, t.limit)
	switch {
	case m.Trend == Same && v.Failed && change != 0:
		v.Failed, v.Reason = false, "within noise"
	case m.Trend == Unknown:
		v.Reason = "noise is unknown"
	}
	return v
}

// String returns the verdict for a person: FAIL p99 = +12.4 % (fails above +10 %; p=0.008).
func (v *ChangeVerdict) String() string {
	word := "PASS "
	if v.Failed {
		word = "FAIL "
	}
	if v.Reason == notMeasured {
		return word + v.Expression + ": not all runs measured it"
	}
	change := "was 0"
	if v.Change != nil {
		change = signedPercent(*v.Change)
		if *v.Change != v.Limit && change == signedPercent(v.Limit) {
			change = strconv.FormatFloat(*v.Change, 'f', -1, 64) + " %"
		}
	}
	limit := signedLimit(v.Limit)
	_, op, _, _ := splitThreshold(v.Expression)
	when := map[string]string{">": "above " + limit, ">=": "at " + limit + " or above", "<": "below " + limit, "<=": "at " + limit + " or below"}[op]
	more := ""
	if v.P != nil {
		more += "; p=" + strconv.FormatFloat(*v.P, 'f', 3, 64)
	}
	if v.Reason != "" {
		more += "; " + v.Reason
	}
	return word + v.Metric + " = " + change + " (fails " + when + more + ")"
}

// signedLimit returns a limit in percent with its sign and no more digits than it has.
func signedLimit(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64) + " %"
	if x > 0 {
		return "+" + s
	}
	return s
}
