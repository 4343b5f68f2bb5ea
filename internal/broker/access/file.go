package access

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// line is a line of a file that has something to say.
type line struct {
	number int
	text   string
}

// lines returns all but empty lines and those that begin with #.
func lines(b []byte) ([]line, error) {
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return nil, errors.New("not a text in UTF-8")
	}
	var all []line
	n := 0
	for s := range strings.Lines(string(b)) {
		n++
		s = strings.TrimRight(s, "\r\n")
		if t := strings.TrimSpace(s); t != "" && t[0] != '#' {
			all = append(all, line{n, s})
		}
	}
	return all, nil
}

// ErrNoUser is DropUser's, for a name that the file does not have.
var ErrNoUser = errors.New("the file has no such user")

// CheckUser tells why a password file cannot have that name.
func CheckUser(name string) error {
	switch {
	case name == "":
		return errors.New("the user name is empty")
	case !utf8.ValidString(name) || strings.ContainsAny(name, ":\r\n\x00"):
		return fmt.Errorf("user name %q: a colon, a line end, NUL or bytes that are not UTF-8 have no place in the file", name)
	case name[0] == '#' || strings.TrimSpace(name) != name:
		return fmt.Errorf("user name %q: a file takes no # in front and no space around", name)
	}
	return nil
}

// SetPassword gives a user of the file at path another password, or adds the user. The
// file is made if there is none, for its owner alone; other lines stay as they are.
func SetPassword(path, user string, password []byte) (added bool, err error) {
	return setPassword(path, user, password, newHash)
}

// SetScram is SetPassword with a hash that serves for SCRAM-SHA-512, too.
func SetScram(path, user string, password []byte) (added bool, err error) {
	return setPassword(path, user, password, newScramHash)
}

func setPassword(path, user string, password []byte, hashed func([]byte) string) (added bool, err error) {
	if err := CheckUser(user); err != nil {
		return false, err
	}
	if len(password) == 0 {
		return false, errors.New("the password is empty")
	}
	entry := user + ":" + hashed(password)
	err = rewrite(path, true, func(b []byte) ([]byte, error) {
		b, found := put(b, user, entry)
		added = !found
		return b, nil
	})
	return added, err
}

// DropUser takes a user out of the file at path.
func DropUser(path, user string) error {
	return rewrite(path, false, func(b []byte) ([]byte, error) {
		b, found := put(b, user, "")
		if !found {
			return nil, fmt.Errorf("%s: %q: %w", path, user, ErrNoUser)
		}
		return b, nil
	})
}

// put has a line in the place of a user's in a password file, or at its end; "" takes the
// user out. found tells whether there was one.
func put(b []byte, user, line string) (out []byte, found bool) {
	for s := range strings.Lines(string(b)) {
		name, _, ok := strings.Cut(s, ":")
		if t := strings.TrimSpace(s); ok && t[0] != '#' && name == user {
			if found = true; line != "" {
				out = append(append(out, line...), '\n')
			}
			continue
		}
		if out = append(out, s...); s[len(s)-1] != '\n' {
			out = append(out, '\n')
		}
	}
	if !found && line != "" {
		out = append(append(out, line...), '\n')
	}
	return out, found
}

// rewrite puts a changed file in the place of the old one.
func rewrite(path string, create bool, change func([]byte) ([]byte, error)) error {
	b, err := os.ReadFile(path)
	mode := os.FileMode(0o600)
	switch {
	case errors.Is(err, os.ErrNotExist) && create:
	case err != nil:
		return fmt.Errorf("read the password file: %w", err)
	default:
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("read the password file: %w", err)
		}
		mode = info.Mode().Perm()
		if _, err := parseUsers(path, b); err != nil {
			return err // what it is not, it is not made
		}
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target
		}
	}
	if b, err = change(b); err != nil {
		return err
	}
	return replace(path, b, mode)
}

// replace writes a file so that nobody ever sees half of it.
func replace(path string, b []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("write the password file: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write the password file: %w", err)
		}
	}()
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
