package access

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// line is a line of a file that is neither empty nor a comment.
type line struct {
	number int
	text   string
}

// byteOrderMark is what some editors write at the beginning of a file in UTF-8.
var byteOrderMark = []byte("\ufeff")

// lines returns the lines of a file without empty lines, comments and a byte order mark.
func lines(b []byte) ([]line, error) {
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return nil, errors.New("not a text file in UTF-8")
	}
	var all []line
	n := 0
	for s := range strings.Lines(string(bytes.TrimPrefix(b, byteOrderMark))) {
		n++
		s = strings.TrimRight(s, "\r\n")
		if t := strings.TrimSpace(s); t != "" && t[0] != '#' {
			all = append(all, line{n, s})
		}
	}
	return all, nil
}

// CheckUser returns an error if a password file cannot have the user name.
func CheckUser(name string) error {
	switch {
	case name == "":
		return errors.New("the user name is empty")
	case !utf8.ValidString(name) || strings.ContainsAny(name, ":\r\n\x00"):
		return fmt.Errorf("user name %q: it must not contain a colon, a line end, NUL or bytes that are not UTF-8", name)
	case name[0] == '#' || strings.TrimSpace(name) != name || strings.HasPrefix(name, "\ufeff"):
		return fmt.Errorf("user name %q: it must not begin with # or a byte order mark, and must not begin or end with a space", name)
	}
	return nil
}
