package schema

import (
	"fmt"
	"hash/maphash"
)

// The bounds of the work for one text.
const (
	maxSteps  = 20_000_000 // schemas applied to values, and 16 bytes compared; about two seconds
	maxLevels = 65_536     // of schemas in progress; see tooDeep
)

// Validator checks texts. It belongs to one goroutine.
type Validator struct {
	s    *Schema
	tree tree

	limit         int // of steps: maxSteps, except in tests
	steps, levels int
	stopped       string      // why the text was not checked to its end
	scope         []*resource // the resources in progress, if some schema has $dynamicRef
	marks         []uint64    // sets of items and members, see newMarks
	seed          maphash.Seed
	hashes        []hashed

	explain bool // note faults
	fault   *Fault
	depth   int // of the value that the fault is about
}

// NewValidator returns a validator for s.
func (s *Schema) NewValidator() *Validator {
	return &Validator{s: s, limit: maxSteps, seed: maphash.MakeSeed()}
}

// Validate returns nil if text is JSON that fits the schema, else a *Fault, which is good beyond the
// next call. A text that takes too much work to check does not fit.
func (v *Validator) Validate(text []byte) error {
	if err := v.tree.parse(text); err != nil {
		return &Fault{Reason: err.Error()}
	}
	if v.run(false) {
		return nil
	}
	if v.stopped != "" {
		return &Fault{Reason: v.stopped}
	}
	v.run(true) // reasons are made only for what does not fit
	if v.stopped != "" || v.fault == nil {
		return &Fault{Reason: "it does not fit"}
	}
	return v.fault
}

// run checks the text. It notes a fault if explain is set.
func (v *Validator) run(explain bool) bool {
	v.steps, v.levels, v.stopped = v.limit, 0, ""
	v.scope, v.marks = v.scope[:0], v.marks[:0]
	v.explain, v.fault, v.depth = explain, nil, 0
	return v.apply(v.s.root, 0, none) && v.stopped == ""
}

// work notes work in progress. It returns false when there was too much.
func (v *Validator) work(steps int) bool {
	if v.steps -= steps; v.steps < 0 && v.stopped == "" {
		v.stopped = tooLong
	}
	return v.stopped == ""
}

// note notes why the value n does not fit. It returns false.
func (v *Validator) note(n int32, format string, args ...any) bool {
	v.fault, v.depth = &Fault{Pointer: v.tree.pointer(n), Reason: fmt.Sprintf(format, args...)}, 0
	for p := n; p > 0; p = v.tree.values[p].parent {
		v.depth++
	}
	return false
}

// apply reports whether the value n fits r. It adds the items or members of n that r evaluates to
// marks, unless that is none. In that mode all schemas are applied, else only those that are needed.
func (v *Validator) apply(r *rule, n int32, marks int) bool {
	if !v.work(1) {
		return false
	}
	if v.levels++; v.levels > maxLevels {
		v.stopped = tooDeep
		return false
	}
	entered := v.s.dynamic && (len(v.scope) == 0 || v.scope[len(v.scope)-1] != r.resource)
	if entered {
		v.scope = append(v.scope, r.resource)
	}
	ok := v.fits(r, n, marks)
	if entered {
		v.scope = v.scope[:len(v.scope)-1]
	}
	v.levels--
	return ok
}

// fits is apply without its bounds.
func (v *Validator) fits(r *rule, n int32, marks int) bool {
	if r.never {
		return v.explain && v.noteNever(n)
	}
	kind := v.tree.values[n].kind
	if r.types != 0 && r.types&(1<<kind) == 0 && !(kind == numberKind && r.types&integerType != 0 && v.integer(n)) {
		return v.explain && v.noteType(r, n)
	}
	if (r.constant > 0 || r.enum != nil) && !v.equals(r, n) {
		return false
	}
	switch kind {
	case numberKind:
		if r.numbers != nil && !v.number(r.numbers, n) {
			return false
		}
	case stringKind:
		if r.strings != nil && !v.string(r.strings, n) {
			return false
		}
	case arrayKind:
		if r.arrays != nil && r.arrays.unevaluated != nil {
			return v.unevaluated(r, r.arrays.unevaluated, n, marks)
		}
		if r.arrays != nil && !v.array(r.arrays, n, marks) {
			return false
		}
	case objectKind:
		if r.objects != nil && r.objects.unevaluated != nil {
			return v.unevaluated(r, r.objects.unevaluated, n, marks)
		}
		if r.objects != nil && !v.object(r.objects, n, marks) {
			return false
		}
	}
	return r.in == nil || v.inPlace(r.in, n, marks)
}

// integer reports whether the number n has no fraction.
func (v *Validator) integer(n int32) bool {
	text := v.tree.values[n].text
	for i, c := range text {
		if (c < '0' || c > '9') && !(c == '-' && i == 0) {
			d := parseDecimal(text)
			return d.integer()
		}
	}
	return true
}

// none is no set of marks.
const none = -1

// newMarks returns an empty set for the items or members of n, by their place in n. The sets form a
// stack: v.marks is cut again by whoever asked for one.
func (v *Validator) newMarks(n int32) int {
	at, words := len(v.marks), (int(v.tree.values[n].slots)+63)/64
	v.work(words)
	for range words {
		v.marks = append(v.marks, 0)
	}
	return at
}

// mark adds a place to a set.
func (v *Validator) mark(marks, place int) {
	if marks != none {
		v.marks[marks+place/64] |= 1 << (place % 64)
	}
}

// merge adds the set from, which is the last on the stack, to the set to, and removes it. A set of a
// schema that does not fit is removed only.
func (v *Validator) merge(to, from int, fits bool) {
	if fits && to != none {
		for i, word := range v.marks[from:] {
			v.marks[to+i] |= word
		}
	}
	v.marks = v.marks[:from]
}

// branch is apply for a schema that may fail without making the value one that does not fit: then it
// evaluates nothing.
func (v *Validator) branch(r *rule, n int32, marks int) bool {
	if marks == none {
		return v.apply(r, n, none)
	}
	own := v.newMarks(n)
	ok := v.apply(r, n, own)
	v.merge(marks, own, ok)
	return ok
}

// quietly is branch without reasons.
func (v *Validator) quietly(r *rule, n int32, marks int) bool {
	explain := v.explain
	v.explain = false
	ok := v.branch(r, n, marks)
	v.explain = explain
	return ok
}

// unevaluated is fits for the array or object n, and a rule r with unevaluatedItems or
// unevaluatedProperties, which is rest.
func (v *Validator) unevaluated(r, rest *rule, n int32, marks int) bool {
	own := v.newMarks(n)
	ok := false
	if v.tree.values[n].kind == arrayKind {
		ok = v.array(r.arrays, n, own)
	} else {
		ok = v.object(r.objects, n, own)
	}
	ok = ok && (r.in == nil || v.inPlace(r.in, n, own))
	for c, place := n+1, 0; ok && place < int(v.tree.values[n].slots); c, place = v.tree.values[c].next, place+1 {
		if v.marks[own+place/64]&(1<<(place%64)) == 0 && !v.tree.values[c].dead {
			ok = v.apply(rest, c, none)
			v.mark(own, place)
		}
	}
	v.merge(marks, own, ok)
	return ok
}

// inPlace reports whether the value n fits the subschemas in r.
func (v *Validator) inPlace(r *inPlace, n int32, marks int) bool {
	if r.ref != nil && !v.apply(r.ref, n, marks) {
		return false
	}
	if r.dynamic != nil && !v.apply(v.target(r), n, marks) {
		return false
	}
	for _, sub := range r.all {
		if !v.apply(sub, n, marks) {
			return false
		}
	}
	if r.any != nil && !v.anyOf(r.any, n, marks) {
		return false
	}
	if r.one != nil && !v.oneOf(r.one, n, marks) {
		return false
	}
	if r.not != nil && v.quietly(r.not, n, none) {
		return v.explain && v.note(n, "it fits the schema that not forbids")
	}
	if r.cond != nil {
		then := r.other
		if v.quietly(r.cond, n, marks) {
			then = r.then
		}
		if then != nil && !v.apply(then, n, marks) {
			return false
		}
	}
	return true
}

// target returns the schema that $dynamicRef leads to: that of the outermost resource in progress that
// has the anchor.
func (v *Validator) target(r *inPlace) *rule {
	if r.anchor != "" {
		for _, in := range v.scope {
			if to := in.dynamic[r.anchor]; to != nil {
				return to
			}
		}
	}
	return r.dynamic
}

// anyOf reports whether n fits one of all at least. With marks, all are applied.
func (v *Validator) anyOf(all []*rule, n int32, marks int) bool {
	ok := false
	for _, sub := range all {
		if v.quietly(sub, n, marks) {
			if ok = true; marks == none {
				return true
			}
		}
	}
	return ok || v.explain && v.noteAlternatives("anyOf", all, n)
}

// oneOf reports whether n fits exactly one of all.
func (v *Validator) oneOf(all []*rule, n int32, marks int) bool {
	first := -1
	for i, sub := range all {
		if !v.quietly(sub, n, marks) {
			continue
		}
		if first >= 0 {
			return v.explain && v.note(n, "it fits schemas %d and %d of oneOf, expected one only", first, i)
		}
		first = i
	}
	return first >= 0 || v.explain && v.noteAlternatives("oneOf", all, n)
}
