package access

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoUser means that the password file does not have the user.
var ErrNoUser = errors.New("the file has no such user")

// SetPassword sets the password of a user in the file at path, or adds the user. It creates the file,
// readable by its owner only, if it does not exist. Other lines, the owner and the mode of the file
// stay as they are. Several processes may change one file at the same time.
func SetPassword(path, user string, password []byte) (added bool, err error) {
	return setPassword(path, user, password, newHash)
}

// SetScram is SetPassword with a hash that can be used for SCRAM-SHA-512 too.
func SetScram(path, user string, password []byte) (added bool, err error) {
	return setPassword(path, user, password, newScramHash)
}

func setPassword(path, user string, password []byte, newHash func([]byte) string) (added bool, err error) {
	if err := CheckUser(user); err != nil {
		return false, err
	}
	if len(password) == 0 {
		return false, errors.New("the password is empty")
	}
	entry := user + ":" + newHash(password)
	err = change(path, true, func(b []byte) ([]byte, error) {
		b, found := put(b, user, entry)
		added = !found
		return b, nil
	})
	return added, err
}

// DropUser removes a user from the file at path.
func DropUser(path, user string) error {
	return change(path, false, func(b []byte) ([]byte, error) {
		b, found := put(b, user, "")
		if !found {
			return nil, fmt.Errorf("%s: %q: %w", path, user, ErrNoUser)
		}
		return b, nil
	})
}

// put replaces the line of a user in a password file, or appends it. It removes the user's line if
// line is "". found reports whether the file had the user.
func put(b []byte, user, line string) (out []byte, found bool) {
	for s := range strings.Lines(string(bytes.TrimPrefix(b, byteOrderMark))) {
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

// change replaces the file at path by what edit makes of its content. No other process changes it
// meanwhile. A symbolic link stays: the file that it leads to is replaced.
func change(path string, create bool, edit func([]byte) ([]byte, error)) error {
	target, err := follow(path)
	if err != nil {
		return fmt.Errorf("read the password file: %w", err)
	}
	unlock, err := lock(target)
	if err != nil {
		return fmt.Errorf("lock the password file %s: %w", path, err)
	}
	defer unlock()
	info, err := os.Stat(target)
	var b []byte
	switch {
	case errors.Is(err, fs.ErrNotExist) && create:
		info = nil
	case err != nil:
		return fmt.Errorf("read the password file: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	default:
		if b, err = os.ReadFile(target); err != nil {
			return fmt.Errorf("read the password file: %w", err)
		}
		if _, err := parseUsers(path, b); err != nil {
			return err // a file of another kind stays as it is
		}
	}
	if b, err = edit(b); err != nil {
		return err
	}
	if err := replace(target, b, info); err != nil {
		return fmt.Errorf("write the password file: %w", err)
	}
	return nil
}

// follow returns the file that a path leads to through symbolic links. That file need not exist.
func follow(path string) (string, error) {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a link; Stat tells what else is wrong
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("too many levels of symbolic links")}
}

// replace writes a file in such a way that no reader sees a part of it. The new file has the owner and
// the mode of old, the file that it replaces, and mode 0600 if old is nil.
func replace(path string, b []byte, old fs.FileInfo) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	mode := fs.FileMode(0o600)
	if old != nil {
		mode = old.Mode().Perm()
		if err = chown(f, old); err != nil {
			return fmt.Errorf("keep the owner of %s: %w - run this as root or as that owner", path, err)
		}
	}
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
