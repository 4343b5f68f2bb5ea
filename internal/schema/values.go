package schema

import (
	"strconv"
	"unicode/utf8"
)

// number reports whether the number n keeps to the rules of r.
func (v *Validator) number(r *numberRule, n int32) bool {
	text := v.tree.values[n].text
	if len(text) > 64 && !v.work(len(text)/16) {
		return false
	}
	d := parseDecimal(text)
	switch {
	case r.min != nil && d.compare(r.min) < 0:
		return v.explain && v.note(n, "%s is less than the minimum %s", v.tree.shown(n), short(r.minText))
	case r.max != nil && d.compare(r.max) > 0:
		return v.explain && v.note(n, "%s is greater than the maximum %s", v.tree.shown(n), short(r.maxText))
	case r.minOpen != nil && d.compare(r.minOpen) <= 0:
		return v.explain && v.note(n, "%s is not greater than %s", v.tree.shown(n), short(r.minOpenText))
	case r.maxOpen != nil && d.compare(r.maxOpen) >= 0:
		return v.explain && v.note(n, "%s is not less than %s", v.tree.shown(n), short(r.maxOpenText))
	case r.multiple != nil && !r.multiple.divides(&d):
		return v.explain && v.note(n, "%s is not a multiple of %s", v.tree.shown(n), short(r.mText))
	}
	return true
}

// string reports whether the string n keeps to the rules of r.
func (v *Validator) string(r *stringRule, n int32) bool {
	text := v.tree.values[n].text
	if !v.work(len(text) / 16) {
		return false
	}
	if r.min > 0 || r.max >= 0 {
		size := utf8.RuneCount(text)
		if size < r.min {
			return v.explain && v.note(n, "it has %s, expected at least %d", counted(size, "character"), r.min)
		}
		if r.max >= 0 && size > r.max {
			return v.explain && v.note(n, "it has %s, expected at most %d", counted(size, "character"), r.max)
		}
	}
	if r.pattern != nil && !r.pattern.Match(text) {
		return v.explain && v.note(n, "%s does not match the pattern %s", quote(text), short(r.text))
	}
	return true
}

// equals reports whether n equals the value of const, and one of those of enum.
func (v *Validator) equals(r *rule, n int32) bool {
	doc := &r.resource.doc.tree
	if r.constant > 0 {
		if !v.work(int(doc.values[r.constant].next-r.constant)) || !v.tree.equal(n, doc, r.constant) {
			return v.explain && v.note(n, "expected %s, got %s", doc.shown(r.constant), v.tree.shown(n))
		}
	}
	if r.enum == nil {
		return true
	}
	for _, value := range r.enum {
		if !v.work(1 + int(doc.values[value].next-value)/8) {
			return false
		}
		if v.tree.equal(n, doc, value) {
			return true
		}
	}
	return v.explain && v.noteEnum(r, n)
}

// array reports whether the array n keeps to the rules of r, without unevaluatedItems.
func (v *Validator) array(r *arrayRule, n int32, marks int) bool {
	size := int(v.tree.values[n].slots)
	switch {
	case size < r.min:
		return v.explain && v.note(n, "it has %s, expected at least %d", counted(size, "item"), r.min)
	case r.max >= 0 && size > r.max:
		return v.explain && v.note(n, "it has %s, expected at most %d", counted(size, "item"), r.max)
	case r.unique && size > 1 && !v.unique(n):
		return false
	}
	if len(r.prefix) > 0 || r.items != nil {
		for c, place := n+1, 0; place < size; c, place = v.tree.values[c].next, place+1 {
			sub := r.items
			if place < len(r.prefix) {
				sub = r.prefix[place]
			}
			if sub == nil {
				break
			}
			if !v.apply(sub, c, none) {
				return false
			}
			v.mark(marks, place)
		}
	}
	return r.contains == nil || v.contains(r, n, marks)
}

// unique reports whether no two items of the array n are equal.
func (v *Validator) unique(n int32) bool {
	if !v.work(int(v.tree.values[n].next - n)) {
		return false
	}
	if v.tree.values[n].slots <= fewItems {
		for a, i := n+1, 0; i < int(v.tree.values[n].slots); a, i = v.tree.values[a].next, i+1 {
			for b := v.tree.values[a].next; b < v.tree.values[n].next; b = v.tree.values[b].next {
				if v.tree.equal(a, &v.tree, b) {
					return v.explain && v.noteTwins(n, a, b)
				}
			}
		}
		return true
	}
	a, b, twins, buf := v.tree.twins(n, v.seed, v.hashes)
	if v.hashes = buf; cap(buf) > keptValues {
		v.hashes = nil
	}
	return !twins || v.explain && v.noteTwins(n, a, b)
}

// fewItems is up to how many items are compared one by one.
const fewItems = 8

// contains reports whether as many items of the array n fit contains as they should. Those that do are
// evaluated.
func (v *Validator) contains(r *arrayRule, n int32, marks int) bool {
	fit, size := 0, int(v.tree.values[n].slots)
	for c, place := n+1, 0; place < size; c, place = v.tree.values[c].next, place+1 {
		if !v.quietly(r.contains, c, none) {
			continue
		}
		v.mark(marks, place)
		if fit++; marks == none && r.maxContains < 0 && fit >= r.minContains {
			return true
		}
	}
	switch {
	case fit < r.minContains:
		return v.explain && v.note(n, "%s the schema of contains, expected at least %d", fitting(fit), r.minContains)
	case r.maxContains >= 0 && fit > r.maxContains:
		return v.explain && v.note(n, "%s the schema of contains, expected at most %d", fitting(fit), r.maxContains)
	}
	return true
}

// fitting returns how many items fit, as the beginning of a sentence.
func fitting(n int) string {
	switch n {
	case 0:
		return "no item fits"
	case 1:
		return "1 item fits"
	}
	return counted(n, "item") + " fit"
}

// object reports whether the object n keeps to the rules of r, without unevaluatedProperties.
func (v *Validator) object(r *objectRule, n int32, marks int) bool {
	size := int(v.tree.values[n].count)
	switch {
	case size < r.min:
		return v.explain && v.note(n, "%s, expected at least %d", properties(size), r.min)
	case r.max >= 0 && size > r.max:
		return v.explain && v.note(n, "%s, expected at most %d", properties(size), r.max)
	case !v.work(len(r.required) + len(r.requires) + len(r.dependent)):
		return false
	}
	for _, name := range r.required {
		if v.tree.member(n, name) < 0 {
			return v.explain && v.note(n, "the property %s is missing", quote(name))
		}
	}
	for _, d := range r.requires {
		if v.tree.member(n, d.name) < 0 {
			continue
		}
		for _, name := range d.required {
			if v.tree.member(n, name) < 0 {
				return v.explain && v.note(n, "the property %s is missing, which %s requires", quote(name), quote(d.name))
			}
		}
	}
	if r.properties != nil || r.patterns != nil || r.additional != nil || r.names != nil {
		for c, place := n+1, 0; place < int(v.tree.values[n].slots); c, place = v.tree.values[c].next, place+1 {
			if !v.tree.values[c].dead && !v.property(r, n, c, marks, place) {
				return false
			}
		}
	}
	for _, d := range r.dependent {
		if v.tree.member(n, d.name) >= 0 && !v.apply(d.rule, n, marks) {
			return false
		}
	}
	return true
}

// properties returns how many properties there are, as the beginning of a sentence.
func properties(n int) string {
	if n == 1 {
		return "it has 1 property"
	}
	return "it has " + strconv.Itoa(n) + " properties"
}

// property reports whether the member c of the object n, at that place, keeps to the rules of r.
func (v *Validator) property(r *objectRule, n, c int32, marks, place int) bool {
	key := v.tree.values[c].key
	if r.names != nil && !v.propertyName(r.names, n, key) {
		return false
	}
	evaluated := false
	if sub := r.properties[string(key)]; sub != nil {
		if evaluated = true; !v.apply(sub, c, none) {
			return false
		}
	}
	for i := range r.patterns {
		p := &r.patterns[i]
		if !v.work(1 + len(key)/16) {
			return false
		}
		if p.pattern.Match(key) {
			if evaluated = true; !v.apply(p.rule, c, none) {
				return false
			}
		}
	}
	if !evaluated && r.additional != nil {
		if evaluated = true; !v.apply(r.additional, c, none) {
			return false
		}
	}
	if evaluated {
		v.mark(marks, place)
	}
	return true
}

// propertyName reports whether a name in the object n fits r. While it is checked, the name is a value
// after all others.
func (v *Validator) propertyName(r *rule, n int32, name []byte) bool {
	at := int32(len(v.tree.values))
	v.tree.values = append(v.tree.values, value{kind: stringKind, name: true, parent: n, next: at + 1, text: name})
	ok := v.apply(r, at, none)
	v.tree.values = v.tree.values[:at]
	return ok
}
