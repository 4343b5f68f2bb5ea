package watch

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	mostFields = 100 // numeric fields that can be chosen
	mostLevels = 8   // of arrays and objects, in which they are looked for
)

// Number returns the number that payload is, or that its field is, such as .temp or .rooms[0].temp.
func Number(payload []byte, field string) (float64, bool) {
	if field == "" {
		text := string(bytes.TrimSpace(payload[:min(len(payload), 64)]))
		if text == "" || !strings.Contains("+-.0123456789", text[:1]) || len(payload) > 64 {
			return 0, false
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(x, 0) || strings.ContainsAny(text, "xX_") {
			return 0, false
		}
		return x, true
	}
	var found float64
	ok := false
	walkNumbers(payload, func(path string, x float64) bool {
		if path == field {
			found, ok = x, true
		}
		return !ok
	})
	return found, ok
}

// Fields returns the numeric fields of a JSON payload, in the order of their names.
func Fields(payload []byte) (fields []string) {
	walkNumbers(payload, func(path string, _ float64) bool {
		if path != "" {
			fields = append(fields, path)
		}
		return len(fields) < mostFields
	})
	return fields
}

// walkNumbers calls visit for each number in a JSON payload, until it returns false.
func walkNumbers(payload []byte, visit func(path string, x float64) bool) {
	var v any
	if json.Unmarshal(payload, &v) != nil {
		return
	}
	walkValue("", v, 0, visit)
}

func walkValue(path string, v any, depth int, visit func(string, float64) bool) bool {
	if depth > mostLevels {
		return true
	}
	switch v := v.(type) {
	case float64:
		return visit(path, v)
	case []any:
		for i, e := range v {
			if !walkValue(path+"["+strconv.Itoa(i)+"]", e, depth+1, visit) {
				return false
			}
		}
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.SortFunc(names, Natural)
		for _, name := range names {
			if !walkValue(path+"."+name, v[name], depth+1, visit) {
				return false
			}
		}
	}
	return true
}

// Numbers returns the numbers of the messages of d, the oldest first; see Number. Messages that have
// none are left out.
func (d *Detail) Numbers(field string) (numbers []float64) {
	for i := len(d.History) - 1; i >= 0; i-- {
		if x, ok := Number(d.History[i].Payload, field); ok {
			numbers = append(numbers, x)
		}
	}
	return numbers
}

// Sparkline draws the last numbers, one column each, between their lowest and their highest.
func Sparkline(numbers []float64, width int) (line string, low, high float64) {
	numbers = numbers[max(len(numbers)-max(width, 0), 0):]
	if len(numbers) == 0 {
		return "", 0, 0
	}
	low, high = slices.Min(numbers), slices.Max(numbers)
	bars := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, x := range numbers {
		level := len(bars)/2 - 1
		if high > low {
			level = int((x/2-low/2)/(high/2-low/2)*float64(len(bars)-1) + 0.5) // halves: the range may exceed float64
		}
		b.WriteRune(bars[min(max(level, 0), len(bars)-1)])
	}
	return b.String(), low, high
}
