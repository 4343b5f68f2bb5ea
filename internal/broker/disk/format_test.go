package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A folder of format 2 or 3 is refused, and stays as it is; so is one of a later format.
func TestOtherFormats(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"formats 2 and 3": {oldStateName: "bbolt", "log-0000000000000001": "mqLb"},
		"format 3, empty": {oldStateName: "bbolt"},
		"format 5":        {manifestName: "mqtt-data 5\nsomething new\n"},
	} {
		dir := t.TempDir()
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := load(t, dir, func(dir string) {
			s, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Load(context.Background()); !errors.Is(err, ErrFormat) {
				t.Errorf("%s: %v", name, err)
			}
			for name, content := range files {
				if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
					t.Errorf("%s: %q, %v", name, b, err)
				}
			}
		})
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	// Earlier versions create state.db before they refuse a folder of this format.
	im, _, err := load(t, first(t), func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, oldStateName), []byte("bbolt"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil || len(im.Retained) != 1 {
		t.Errorf("after an earlier version has tried it: %v", err)
	}
}

// A log without a manifest, such as one of an earlier format whose other file is gone, is damage
// and stays.
func TestOldLogAlone(t *testing.T) {
	_, _, err := load(t, t.TempDir(), func(dir string) {
		path := filepath.Join(dir, "log-0000000000000001")
		if err := os.WriteFile(path, []byte("mqLb"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Load(context.Background()); !errors.Is(err, ErrDamaged) {
			t.Errorf("error %v", err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("again: %v", err)
	}
}
