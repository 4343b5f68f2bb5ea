package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, d Dirs, name, text string) {
	t.Helper()
	p, err := d.New(name)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Parse(name, p.File, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Add(q); err != nil {
		t.Fatal(err)
	}
}

func TestLocate(t *testing.T) {
	for _, c := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/mqtt"},
		{"linux", map[string]string{"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/mqtt"},
		{"darwin", map[string]string{"HOME": "/h"}, "/h/.config/mqtt"},
		{"linux", map[string]string{}, ""},
		{"windows", map[string]string{"AppData": "/a", "USERPROFILE": "/u", "HOME": "/h"}, "/a/mqtt"},
		{"windows", map[string]string{"USERPROFILE": "/u"}, "/u/AppData/Roaming/mqtt"},
		{"windows", map[string]string{"HOME": "/h"}, ""},
	} {
		got := Locate(c.goos, func(name string) string { return c.env[name] })
		equal(t, filepath.ToSlash(got.Config), c.want)
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "prod", "prod-2.eu_west", "_x", "0", "com", "com10", strings.Repeat("a", 64)} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", ".", "..", ".a", "-a", "a.", "a/b", `a\b`, "a b", "a:b", "ä", "a\n", "NUL", "con.txt", "Com1", "lpt9.x", strings.Repeat("a", 65)} {
		if err := CheckName(name); err == nil {
			t.Errorf("%q passes", name)
		}
	}
}

func TestStore(t *testing.T) {
	d := Dirs{filepath.Join(t.TempDir(), "deep", "mqtt")}
	write(t, d, "prod", "# c\nhost = a\n")
	write(t, d, "lab", "host = b\npw = x\n")
	for _, name := range []string{".hidden", "bad name"} {
		if err := os.WriteFile(filepath.Join(d.Config, "profiles", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(d.Config, "profiles", "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, names, []string{"lab", "prod"})

	p, err := d.Load("prod")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, string(p.Bytes()), "# c\nhost = a\n")
	if err := d.Add(p); !errors.Is(err, ErrProfileExists) {
		t.Errorf("got %v", err)
	}
	if err := p.Set("qos", "2"); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(p); err != nil {
		t.Fatal(err)
	}
	if p, err = d.Load("prod"); err != nil {
		t.Fatal(err)
	}
	equal(t, p.Values("qos"), []string{"2"})

	current := func(want string) {
		t.Helper()
		got, err := d.Current()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, want)
	}
	current("")
	for _, name := range []string{"prod", "lab"} {
		if err := d.Use(name); err != nil {
			t.Fatal(err)
		}
		current(name)
	}
	if err := d.Remove("prod"); err != nil {
		t.Fatal(err)
	}
	current("lab")
	if err := d.Remove("lab"); err != nil {
		t.Fatal(err)
	}
	current("")
	if err := d.Use(""); err != nil {
		t.Fatal(err)
	}
	_, err = d.Load("lab")
	for _, err := range []error{err, d.Remove("lab"), d.Use("lab")} {
		if !errors.Is(err, ErrNoProfile) {
			t.Errorf("got %v", err)
		}
	}
	// No temporary file remains.
	entries, err := os.ReadDir(filepath.Join(d.Config, "profiles"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, len(entries), 3)
	if _, err = d.Load("folder"); err == nil {
		t.Error("a folder passes for a profile")
	}
	_, err = d.Load("../current")
	fails(t, err, "profile name")
	fails(t, d.Use("../x"), "profile name")
	fails(t, d.Remove(".."), "profile name")
	fails(t, d.Save(&Profile{Name: "a/b"}), "profile name")
}

func TestCurrentDamaged(t *testing.T) {
	d := Dirs{t.TempDir()}
	path := filepath.Join(d.Config, "current")
	for _, text := range []string{"../../etc/passwd\n", strings.Repeat("a", 5000)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := d.Current()
		fails(t, err, path)
	}
	if err := os.WriteFile(path, []byte(" prod \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := d.Current()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, name, "prod")
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	_, err = d.Current()
	fails(t, err, path)
}

// TestTrap29NoHome checks that a command without a profile works if the home folder is missing or
// is not a folder.
func TestTrap29NoHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []Dirs{{}, {filepath.Join(t.TempDir(), "none", "mqtt")}, {filepath.Join(file, ".config", "mqtt")}} {
		names, err := d.List()
		if names != nil || err != nil {
			t.Errorf("%q: list %v, %v", d.Config, names, err)
		}
		name, err := d.Current()
		if name != "" || err != nil {
			t.Errorf("%q: current %q, %v", d.Config, name, err)
		}
		if d.Config != "" {
			if _, err := d.Load("prod"); !errors.Is(err, ErrNoProfile) {
				t.Errorf("%q: %v", d.Config, err)
			}
			if err := d.Remove("prod"); !errors.Is(err, ErrNoProfile) {
				t.Errorf("%q: %v", d.Config, err)
			}
			if err := d.Use(""); err != nil {
				t.Errorf("%q: %v", d.Config, err)
			}
			continue
		}
		_, err = d.Load("prod")
		fails(t, err, "XDG_CONFIG_HOME")
		_, err = d.New("prod")
		fails(t, err, "XDG_CONFIG_HOME")
		fails(t, d.Use(""), "XDG_CONFIG_HOME")
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	if err := (Dirs{filepath.Join(file, "mqtt")}).Save(&Profile{Name: "prod"}); err == nil {
		t.Error("saved below a file")
	}
}
