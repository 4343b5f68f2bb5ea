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
)

// Dirs says where profiles are stored. The profile NAME is the file Config/profiles/NAME,
// and Config/current has the name of the current profile. If Config is empty, there are no
// profiles, and functions that need one fail.
type Dirs struct {
	Config string
}

var (
	// ErrNoProfile is wrapped by errors about a profile that does not exist.
	ErrNoProfile = errors.New("no such profile")
	// ErrProfileExists is wrapped by the error of Add if the profile exists.
	ErrProfileExists = errors.New("the profile exists already")

	errTooLarge = errors.New("too large for a profile")
	errNoDir    = errors.New("no folder for profiles: set XDG_CONFIG_HOME or HOME (AppData on Windows)")
)

// Locate returns the configuration folder: mqtt below $XDG_CONFIG_HOME or ~/.config, on
// Windows below %AppData%. It does not check whether the folder exists. goos is
// runtime.GOOS, getenv is os.Getenv.
func Locate(goos string, getenv func(string) string) Dirs {
	if dir := configHome(goos, getenv); dir != "" {
		return Dirs{filepath.Join(dir, "mqtt")}
	}
	return Dirs{}
}

// configHome returns the folder for the configuration of all programs, "" if there is none.
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
	// The XDG base directory specification says that a relative path must be ignored.
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if dir := getenv("HOME"); dir != "" {
		return filepath.Join(dir, ".config")
	}
	return ""
}

// CheckName returns an error if name cannot be the name of a profile. A name has at most 64
// letters, digits, dots, underscores and dashes, begins with a letter, a digit or an
// underscore, does not end with a dot, and is not a device of Windows.
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
		return fmt.Errorf("profile name %q: it is the name of a device on Windows", name)
	}
	return nil
}

// path returns the path of a profile.
func (d Dirs) path(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	if d.Config == "" {
		return "", errNoDir
	}
	return filepath.Join(d.Config, "profiles", name), nil
}

// New returns an empty profile for Add or Save.
func (d Dirs) New(name string) (*Profile, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	return &Profile{Name: name, File: path}, nil
}

// List returns the sorted names of all profiles. It returns none if the folder does not
// exist or cannot be read.
func (d Dirs) List() ([]string, error) {
	if d.Config == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(d.Config, "profiles"))
	if err != nil {
		if unreachable(err) {
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

// Load reads and parses a profile. On unix it refuses a profile with a secret that other
// users can read, and a profile with a command that other users can change.
func (d Dirs) Load(name string) (*Profile, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	// Check the type first, because opening a FIFO would wait for a writer.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &Error{File: path, Err: errors.New("expected a regular file")}
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		if notExist(err) {
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

// checkMode returns an error if the permissions of p's file are too wide for its content.
func (p *Profile) checkMode(mode fs.FileMode) error {
	if runtime.GOOS == "windows" {
		return nil // access is controlled by lists, and the user's folder is private
	}
	if key := p.secret(); key != "" && mode.Perm()&0o077 != 0 {
		return &Error{File: p.File, Err: fmt.Errorf("it contains a secret (%s) and is readable by others (mode %04o): run chmod 600 %s",
			key, mode.Perm(), shellWord(p.File))}
	}
	if key := p.command(); key != "" && mode.Perm()&0o022 != 0 {
		return &Error{File: p.File, Err: fmt.Errorf("it contains a command (%s) and is writable by others (mode %04o): run chmod 600 %s",
			key, mode.Perm(), shellWord(p.File))}
	}
	return nil
}

// Add writes a profile that does not exist yet.
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

// Save writes a profile with mode 0600. It writes the whole profile or nothing. If the
// profile is a symbolic link, Save writes the file that it points to.
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
		return &Error{File: path, Err: errTooLarge}
	}
	if err := writeFile(path, data); err != nil {
		return fmt.Errorf("save profile %s: %w", p.Name, err)
	}
	return nil
}

// Remove deletes a profile. If it was the current one, there is no current profile then.
func (d Dirs) Remove(name string) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		if notExist(err) {
			return fmt.Errorf("profile %s: %w", name, ErrNoProfile)
		}
		return fmt.Errorf("remove profile %s: %w", name, err)
	}
	if current, err := d.Current(); err == nil && current == name {
		return d.Use("")
	}
	return nil
}

// Use makes a profile the current one, which is used when no profile is named. With an
// empty name there is no current profile.
func (d Dirs) Use(name string) error {
	if d.Config == "" {
		return errNoDir
	}
	current := filepath.Join(d.Config, "current")
	if name == "" {
		if err := os.Remove(current); err != nil && !notExist(err) {
			return fmt.Errorf("use no profile: %w", err)
		}
		return nil
	}
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		if notExist(err) {
			return fmt.Errorf("profile %s: %w", name, ErrNoProfile)
		}
		return fmt.Errorf("profile %s: %w", name, err)
	}
	if err := writeFile(current, []byte(name+"\n")); err != nil {
		return fmt.Errorf("use profile %s: %w", name, err)
	}
	return nil
}

// Current returns the name of the current profile, "" if there is none. It returns "" also
// if the folder does not exist or cannot be read.
func (d Dirs) Current() (string, error) {
	if d.Config == "" {
		return "", nil
	}
	path := filepath.Join(d.Config, "current")
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", &Error{File: path, Err: errors.New("expected a regular file with the name of a profile")}
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		if unreachable(err) {
			return "", nil
		}
		return "", fmt.Errorf("read the name of the current profile: %w", err)
	}
	defer f.Close()
	data, err := readAll(f, path, 4096)
	if err != nil {
		return "", err
	}
	name := strings.Trim(string(data), blanks+"\n")
	if name != "" && CheckName(name) != nil {
		return "", &Error{File: path, Err: errors.New("expected the name of a profile: run mqtt config use NAME")}
	}
	return name, nil
}
