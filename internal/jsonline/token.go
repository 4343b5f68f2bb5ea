package jsonline

// skipSpace returns the index of the first byte at or after i that is not white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// scanWord checks that want is at b[i].
func scanWord(b []byte, i int, want string) (int, fault) {
	if len(b)-i < len(want) || string(b[i:i+len(want)]) != want {
		return i, faultValue
	}
	return i + len(want), ""
}

// scanLiteral checks that true, false or null is at b[i].
func scanLiteral(b []byte, i int) (end int, why fault) {
	switch b[i] {
	case 't':
		return scanWord(b, i, "true")
	case 'f':
		return scanWord(b, i, "false")
	case 'n':
		return scanWord(b, i, "null")
	}
	return i, faultValue
}

// scanString checks the string whose opening quote is b[i].
func scanString(b []byte, i int) (int, fault) {
	for i++; ; {
		if i = nextSpecial(b, i); i == len(b) {
			return i, faultEnd
		}
		switch b[i] {
		case '"':
			return i + 1, ""
		case '\\':
			if len(b)-i < 2 {
				return i, faultEnd
			}
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := hex4(b, i+2); !ok {
					return i, faultString
				}
				i += 6
			default:
				return i, faultString
			}
		default:
			return i, faultString
		}
	}
}

// hex4 parses the four digits of a \u escape.
func hex4(b []byte, i int) (r rune, ok bool) {
	if len(b)-i < 4 {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// skipDigits returns the index of the first byte at or after i that is not a digit.
func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// scanNumber checks the number at b[i].
func scanNumber(b []byte, i int) (int, fault) {
	if b[i] == '-' {
		i++
	}
	start := i
	if i = skipDigits(b, i); i == start || i > start+1 && b[start] == '0' {
		return start, faultNumber
	}
	if i < len(b) && b[i] == '.' {
		if start = i + 1; skipDigits(b, start) == start {
			return start, faultNumber
		}
		i = skipDigits(b, start)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if start = i + 1; start < len(b) && (b[start] == '+' || b[start] == '-') {
			start++
		}
		if i = skipDigits(b, start); i == start {
			return start, faultNumber
		}
	}
	return i, ""
}
