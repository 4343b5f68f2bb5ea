package schema

import (
	"math"
	"regexp"
)

// want returns an error unless the value m is of that kind.
func (d *document) want(m int32, want kind) error {
	if got := d.tree.values[m].kind; got != want {
		return d.fail(m, "expected %s, got %s", withArticle(want), withArticle(got))
	}
	return nil
}

// items returns the indexes of the items of an array.
func (d *document) items(m int32) (all []int32) {
	for i, slot := m+1, int32(0); slot < d.tree.values[m].slots; i, slot = d.tree.values[i].next, slot+1 {
		all = append(all, i)
	}
	return all
}

// each calls f for the members of the object m.
func (d *document) each(m int32, f func(i int32, name string) error) error {
	if err := d.want(m, objectKind); err != nil {
		return err
	}
	for _, i := range d.items(m) {
		if v := &d.tree.values[i]; !v.dead {
			if err := f(i, string(v.key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// number returns the number m, and its text.
func (d *document) number(m int32) (*decimal, string, error) {
	if err := d.want(m, numberKind); err != nil {
		return nil, "", err
	}
	n := parseDecimal(d.tree.values[m].text)
	return &n, string(d.tree.values[m].text), nil
}

// divisor returns the value of multipleOf, and its text.
func (d *document) divisor(m int32) (*divisor, string, error) {
	n, text, err := d.number(m)
	if err != nil {
		return nil, "", err
	}
	if n.neg || len(n.digits) == 0 {
		return nil, "", d.fail(m, "expected a number greater than 0, got %s", text)
	}
	by := newDivisor(*n)
	return &by, text, nil
}

// count returns the whole number m, which is not negative.
func (d *document) count(m int32) (int, error) {
	n, _, err := d.number(m)
	if err != nil {
		return 0, err
	}
	if n.neg || !n.integer() {
		return 0, d.fail(m, "expected a whole number of at least 0, got %s", d.tree.shown(m))
	}
	if n.exp > 9 { // more than any text has
		return math.MaxInt32, nil
	}
	count, digits := 0, int64(0)
	for _, c := range n.digits {
		if c != '.' {
			count, digits = 10*count+int(c-'0'), digits+1
		}
	}
	for ; digits < n.exp; digits++ {
		count *= 10
	}
	return count, nil
}

// names returns the strings of the array m.
func (d *document) names(m int32) ([][]byte, error) {
	if err := d.want(m, arrayKind); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, i := range d.items(m) {
		if err := d.want(i, stringKind); err != nil {
			return nil, err
		}
		all = append(all, d.tree.values[i].text)
	}
	return all, nil
}

// pattern returns the regular expression with that text. m is the place of a fault.
func (d *document) pattern(m int32, text string) (*regexp.Regexp, error) {
	p, err := compilePattern(text)
	if err != nil {
		return nil, d.fail(m, "the pattern %s cannot be used: %v", quote([]byte(text)), err)
	}
	return p, nil
}

// types returns the set that the keyword type at m names.
func (d *document) types(m int32) (set typeSet, err error) {
	all := []int32{m}
	if d.tree.values[m].kind == arrayKind {
		if all = d.items(m); len(all) == 0 {
			return 0, d.fail(m, "expected at least one type")
		}
	}
next:
	for _, i := range all {
		if d.tree.values[i].kind != stringKind {
			return 0, d.fail(i, "expected a type or an array of types, got %s", withArticle(d.tree.values[i].kind))
		}
		name := string(d.tree.values[i].text)
		for k := nullKind; k <= objectKind; k++ {
			if name == k.String() {
				set |= 1 << k
				continue next
			}
		}
		if name != "integer" {
			return 0, d.fail(i, "%s is no type: expected null, boolean, integer, number, string, array or object", quote([]byte(name)))
		}
		set |= integerType
	}
	return set, nil
}
