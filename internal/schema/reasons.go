package schema

import (
	"strconv"
	"strings"
)

// mostListed is how many values or reasons a reason lists.
const mostListed = 5

// mostReasons is the size of a list of reasons, in bytes.
const mostReasons = 400

// noteNever notes that the value n is in a place where nothing may be.
func (v *Validator) noteNever(n int32) bool {
	switch x := &v.tree.values[n]; {
	case x.name:
		return v.note(n, "the property %s is not allowed", quote(x.text))
	case x.parent < 0:
		return v.note(n, "nothing is allowed")
	case v.tree.values[x.parent].kind == objectKind:
		return v.note(n, "the property is not allowed")
	}
	return v.note(n, "the item is not allowed")
}

// noteType notes that the value n has none of the types of r.
func (v *Validator) noteType(r *rule, n int32) bool {
	got := withArticle(v.tree.values[n].kind)
	var want []string
	for k := nullKind; k <= objectKind; k++ {
		if r.types&(1<<k) != 0 {
			want = append(want, withArticle(k))
		}
	}
	if r.types&integerType != 0 {
		if want = append(want, "an integer"); v.tree.values[n].kind == numberKind {
			got = v.tree.shown(n)
		}
	}
	return v.note(n, "expected %s, got %s%s", either(want), v.ofName(n), got)
}

// ofName returns words that say that n is the name of a property, "" if it is a value.
func (v *Validator) ofName(n int32) string {
	if v.tree.values[n].name {
		return "the property name "
	}
	return ""
}

// either joins alternatives.
func either(all []string) string {
	last := len(all) - 1
	if last == 0 {
		return all[0]
	}
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// noteEnum notes that the value n is none of those of enum.
func (v *Validator) noteEnum(r *rule, n int32) bool {
	doc := &r.resource.doc.tree
	if len(r.enum) == 0 {
		return v.note(n, "nothing is allowed")
	}
	if len(r.enum) > mostListed {
		return v.note(n, "%s%s is none of the %d values of enum", v.ofName(n), v.tree.shown(n), len(r.enum))
	}
	var want []string
	for _, value := range r.enum {
		want = append(want, doc.shown(value))
	}
	return v.note(n, "expected %s, got %s%s", either(want), v.ofName(n), v.tree.shown(n))
}

// noteTwins notes that the items a and b of the array n are equal.
func (v *Validator) noteTwins(n, a, b int32) bool {
	place := func(item int32) (at int) {
		for c := n + 1; c != item; c = v.tree.values[c].next {
			at++
		}
		return at
	}
	return v.note(n, "items %d and %d are equal", place(a), place(b))
}

// noteAlternatives notes that n fits none of the schemas of anyOf or oneOf. If one of them fails for a
// value inside n and no other does as deep, it is probably the one that was meant.
func (v *Validator) noteAlternatives(keyword string, all []*rule, n int32) bool {
	if len(all) == 1 {
		v.apply(all[0], n, none)
		return false
	}
	v.note(n, "")
	here := v.depth
	var reasons []string
	var deepest *Fault
	depth, same := here, 0
	for _, sub := range all {
		v.fault = nil
		if v.apply(sub, n, none) || v.fault == nil {
			continue
		}
		switch {
		case v.depth > depth:
			deepest, depth, same = v.fault, v.depth, 1
		case v.depth == depth && depth > here:
			same++
		}
		if v.depth == here && len(reasons) < mostListed {
			reasons = append(reasons, v.fault.Reason)
		}
	}
	if same == 1 {
		v.fault, v.depth = deepest, depth
		if !strings.HasSuffix(v.fault.Reason, "fits)") {
			v.fault.Reason += " (and no other schema of " + keyword + " fits)"
		}
		return false
	}
	list := ": " + strings.Join(reasons, "; ")
	if len(reasons) < len(all) || len(list) > mostReasons {
		list = ""
	}
	return v.note(n, "it fits none of the %s schemas of %s%s", strconv.Itoa(len(all)), keyword, list)
}
