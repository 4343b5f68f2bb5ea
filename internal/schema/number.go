package schema

import (
	"math/big"
	"math/bits"
)

// decimal is a number of JSON: 0.DIGITS times 10 to the power of exp. Its size is that of its text, also
// for 1e999999.
type decimal struct {
	neg    bool
	digits []byte // from the first to the last that is not 0, with the point if that is between them; empty for 0
	exp    int64
}

// maxExp bounds exponents. Beyond it, numbers that differ in nothing else are equal.
const maxExp = 1 << 40

// parseDecimal returns the number whose text is s.
func parseDecimal(s []byte) (d decimal) {
	if s[0] == '-' {
		d.neg, s = true, s[1:]
	}
	first, last, point := -1, 0, -1 // indexes of digits that are not 0, and of the point
	end := 0
	for ; end < len(s) && s[end]|0x20 != 'e'; end++ {
		switch {
		case s[end] == '.':
			point = end
		case s[end] != '0':
			if last = end; first < 0 {
				first = end
			}
		}
	}
	if first < 0 {
		return decimal{}
	}
	if point < 0 {
		point = end
	}
	d.digits = s[first : last+1]
	if d.exp = int64(point - first); first > point {
		d.exp++
	}
	if end < len(s) {
		d.exp += parseExponent(s[end+1:])
	}
	return d
}

// parseExponent returns the exponent whose text is s, at most maxExp.
func parseExponent(s []byte) (exp int64) {
	neg := s[0] == '-'
	for _, c := range s {
		if c >= '0' && c <= '9' && exp < maxExp {
			exp = 10*exp + int64(c-'0')
		}
	}
	if exp = min(exp, maxExp); neg {
		return -exp
	}
	return exp
}

// size returns the number of digits.
func (d *decimal) size() int64 {
	n := int64(len(d.digits))
	for _, c := range d.digits {
		if c == '.' {
			return n - 1
		}
	}
	return n
}

// integer reports whether d has no fraction.
func (d *decimal) integer() bool { return len(d.digits) == 0 || d.exp >= d.size() }

// compare returns -1, 0 or 1 as d is less than, equal to or greater than e.
func (d *decimal) compare(e *decimal) int {
	sign := 1
	switch {
	case len(d.digits) == 0 && len(e.digits) == 0:
		return 0
	case len(d.digits) == 0 || len(e.digits) > 0 && d.neg != e.neg:
		if len(d.digits) == 0 && e.neg || len(d.digits) > 0 && !d.neg {
			return 1
		}
		return -1
	case len(e.digits) == 0:
		if d.neg {
			return -1
		}
		return 1
	case d.neg:
		sign = -1
	}
	if d.exp != e.exp {
		if d.exp < e.exp {
			return -sign
		}
		return sign
	}
	return sign * compareDigits(d.digits, e.digits)
}

// compareDigits compares two fractions by their digits, which may have a point between them.
func compareDigits(a, b []byte) int {
	for i, j := 0, 0; ; i, j = i+1, j+1 {
		if i < len(a) && a[i] == '.' {
			i++
		}
		if j < len(b) && b[j] == '.' {
			j++
		}
		switch { // neither ends with 0, so the longer one is greater
		case i == len(a) && j == len(b):
			return 0
		case i == len(a) || j < len(b) && a[i] < b[j]:
			return -1
		case j == len(b) || a[i] > b[j]:
			return 1
		}
	}
}

// divisor is the value of multipleOf: an integer of digits times 10 to the power of exp.
type divisor struct {
	small uint64   // the integer; 0 if it has more than 64 bits
	large *big.Int // the integer then
	exp   int64
}

// newDivisor returns the divisor for d, which is greater than 0.
func newDivisor(d decimal) divisor {
	var digits []byte
	for _, c := range d.digits {
		if c != '.' {
			digits = append(digits, c)
		}
	}
	n, _ := new(big.Int).SetString(string(digits), 10)
	by := divisor{large: n, exp: d.exp - int64(len(digits))}
	if n.IsUint64() {
		by.small, by.large = n.Uint64(), nil
	}
	return by
}

// divides reports whether d is a multiple of by, exactly. Neither integer ends with the digit 0, so d
// can only be a multiple if its power of ten is not the lower one.
func (by *divisor) divides(d *decimal) bool {
	if len(d.digits) == 0 {
		return true
	}
	shift := d.exp - d.size() - by.exp
	if shift < 0 {
		return false
	}
	if by.large != nil {
		return by.dividesLarge(d, shift)
	}
	m := by.small
	rest, ten := uint64(0), 10%m
	for _, c := range d.digits {
		if c != '.' {
			rest = addMod(mulMod(rest, ten, m), uint64(c-'0')%m, m)
		}
	}
	for power := ten; shift > 0 && rest > 0; shift >>= 1 { // rest *= 10^shift
		if shift&1 > 0 {
			rest = mulMod(rest, power, m)
		}
		power = mulMod(power, power, m)
	}
	return rest == 0
}

// addMod returns (a + b) mod m, for a and b below m.
func addMod(a, b, m uint64) uint64 {
	if a >= m-b {
		return a - (m - b)
	}
	return a + b
}

// mulMod returns a * b mod m, for a and b below m.
func mulMod(a, b, m uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	_, rest := bits.Div64(hi, lo, m)
	return rest
}

// dividesLarge is divides for an integer of more than 64 bits.
func (by *divisor) dividesLarge(d *decimal, shift int64) bool {
	rest, ten := new(big.Int), big.NewInt(10)
	for _, c := range d.digits {
		if c != '.' {
			rest.Mul(rest, ten).Add(rest, big.NewInt(int64(c-'0'))).Mod(rest, by.large)
		}
	}
	power := ten.Exp(ten, big.NewInt(shift), by.large)
	return rest.Mul(rest, power).Mod(rest, by.large).Sign() == 0
}
