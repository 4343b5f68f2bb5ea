package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// Dirs is where the configuration lives. The profile NAME is the file Config/profiles/NAME, and Config/current holds
// the name of the one in use. With an empty Config there is nowhere to keep profiles, which is an error only for what
// needs one.
type Dirs struct {
	Config string
}

var (
	// ErrNoProfile is wrapped by errors about a profile that does not exist.
	ErrNoProfile = errors.New("no such profile")
	// ErrProfileExists is wrapped by the error of Add for a name that is taken.
	ErrProfileExists = errors.New("the profile exists already")

	errNoDir = errors.New("no folder for profiles: set XDG_CONFIG_HOME or HOME (AppData on Windows)")
)

// Locate returns the configuration folder: mqtt below $XDG_CONFIG_HOME or ~/.config, on Windows below %AppData%. It
// does not look whether the folder exists. goos is runtime.GOOS, getenv os.Getenv.
func Locate(goos string, getenv func(string) string) Dirs {
	if dir := configHome(goos, getenv); dir != "" {
		return Dirs{filepath.Join(dir, "mqtt")}
	}
	return Dirs{}
}

func configHome(goos string, getenv func(string) string) string {
	if goos == "windows" {
		if dir := getenv("AppData"); dir != "" {
			return dir
		}
		if dir := getenv("USERPROFILE"); dir != "" {
			return filepath.Join(dir, "AppData", "Roaming")
		}
		return ""
	}
	// A relative path here is to be ignored, says the XDG base directory specification.
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if dir := getenv("HOME"); dir != "" {
		return filepath.Join(dir, ".config")
	}
	return ""
}

// CheckName says what is wrong with a profile's name: it has at most 64 letters, digits, dots, underscores and dashes,
// starts with a letter, a digit or an underscore, does not end with a dot, and is no device of Windows.
func CheckName(name string) error {
	bad := name == "" || len(name) > 64 || strings.HasSuffix(name, ".") || name[0] == '.' || name[0] == '-'
	for i := range len(name) {
		c := name[i]
		bad = bad || (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-'
	}
	if bad {
		return fmt.Errorf("profile name %.70q: expected up to 64 of A-Z a-z 0-9 . _ -, no dot or dash first and no dot last", name)
	}
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch {
	case slices.Contains([]string{"con", "prn", "aux", "nul"}, base),
		len(base) == 4 && (base[:3] == "com" || base[:3] == "lpt") && base[3] >= '0' && base[3] <= '9':
		return fmt.Errorf("profile name %q: Windows keeps it for a device", name)
	}
	return nil
}

func (d Dirs) path(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	if d.Config == "" {
		return "", errNoDir
	}
	return filepath.Join(d.Config, "profiles", name), nil
}

// New returns an empty profile, which Add or Save can write.
func (d Dirs) New(name string) (*Profile, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	return &Profile{Name: name, File: path}, nil
}

// List returns the names of the profiles, sorted. Without a folder, or without the right to read it, there are none.
func (d Dirs) List() ([]string, error) {
	if d.Config == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(d.Config, "profiles"))
	if err != nil {
		if absent(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("list profiles: %w", err)
	}
	var names []string
	for _, e := range entries { // sorted by ReadDir
		if CheckName(e.Name()) == nil && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Load reads a profile. On unix it refuses one with a secret that others may read, and one with a command that others
// may change.
func (d Dirs) Load(name string) (*Profile, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	// Look before opening, since opening a FIFO would wait for a writer.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &Error{File: path, What: "expected a plain file"}
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, fmt.Errorf("profile %s: %w (it would be %s)", name, ErrNoProfile, path)
		}
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	defer f.Close()
	data, err := readAll(f, path, maxProfile)
	if err != nil {
		return nil, err
	}
	p, err := Parse(name, path, data)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	if err := p.checkMode(info.Mode()); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Profile) checkMode(mode fs.FileMode) error {
	if runtime.GOOS == "windows" {
		return nil // access lists rule there, and the user's folder is private
	}
	if key := p.secret(); key != "" && mode.Perm()&0o077 != 0 {
		return &Error{File: p.File, What: fmt.Sprintf("it holds a secret (%s) and is open to others (mode %04o): run chmod 600 %s",
			key, mode.Perm(), shellWord(p.File))}
	}
	if key := p.command(); key != "" && mode.Perm()&0o022 != 0 {
		return &Error{File: p.File, What: fmt.Sprintf("it holds a command (%s) and others may change it (mode %04o): run chmod 600 %s",
			key, mode.Perm(), shellWord(p.File))}
	}
	return nil
}

// shellWord quotes a path for a line that is meant to be copied to a shell.
func shellWord(s string) string {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("/._-+,:@%", rune(c)) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}

// Add writes a profile that must not exist yet.
func (d Dirs) Add(p *Profile) error {
	path, err := d.path(p.Name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("profile %s: %w", p.Name, ErrProfileExists)
	}
	return d.Save(p)
}

// Save writes a profile, whole or not at all, for its owner alone (mode 0600). A link to a file elsewhere stays one.
func (d Dirs) Save(p *Profile) error {
	path, err := d.path(p.Name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("save profile %s: %w", p.Name, err)
	}
	data := p.Bytes()
	if len(data) > maxProfile {
		return &Error{File: path, What: "too large for a profile"}
	}
	if err := writeFile(path, data); err != nil {
		return fmt.Errorf("save profile %s: %w", p.Name, err)
	}
	return nil
}

// Remove deletes a profile. If it was the one in use, none is afterwards.
func (d Dirs) Remove(name string) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("profile %s: %w", name, ErrNoProfile)
		}
		return fmt.Errorf("remove profile %s: %w", name, err)
	}
	if current, err := d.Current(); err == nil && current == name {
		return d.Use("")
	}
	return nil
}

// Use makes a profile the one in use when none is named. An empty name: none.
func (d Dirs) Use(name string) error {
	if d.Config == "" {
		return errNoDir
	}
	current := filepath.Join(d.Config, "current")
	if name == "" {
		if err := os.Remove(current); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("use no profile: %w", err)
		}
		return nil
	}
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("profile %s: %w", name, ErrNoProfile)
		}
		return fmt.Errorf("profile %s: %w", name, err)
	}
	if err := writeFile(current, []byte(name+"\n")); err != nil {
		return fmt.Errorf("use profile %s: %w", name, err)
	}
	return nil
}

// Current returns the name of the profile in use, or "" for none. Without a folder, or without the right to read it,
// there is none.
func (d Dirs) Current() (string, error) {
	if d.Config == "" {
		return "", nil
	}
	path := filepath.Join(d.Config, "current")
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", &Error{File: path, What: "expected a plain file with a profile's name"}
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		if absent(err) {
			return "", nil
		}
		return "", fmt.Errorf("read the name of the profile in use: %w", err)
	}
	defer f.Close()
	data, err := readAll(f, path, 4096)
	if err != nil {
		return "", err
	}
	name := strings.Trim(string(data), blanks+"\n")
	if name != "" && CheckName(name) != nil {
		return "", &Error{File: path, What: "expected a profile's name: run mqtt config use NAME"}
	}
	return name, nil
}

// absent reports whether a file is out of reach in a way that means: this user has no configuration. A home that is
// /dev/null, or that belongs to somebody else, is no reason to fail.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR)
}

// writeFile replaces a file's content so that a crash leaves the old or the new one.
func writeFile(path string, data []byte) (err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	// CreateTemp makes it 0600; its leading dot keeps it from being taken for a profile.
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	// The name itself lasts only when the folder is on the disk too. Not every system can do that, and the content is
	// safe either way, so the outcome does not count.
	if dir, openErr := os.Open(filepath.Dir(path)); openErr == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}
