package message

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
)

// parse returns the flags that args give.
func parse(t *testing.T, args ...string) (*Flags, *pflag.FlagSet) {
	t.Helper()
	f := &Flags{}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Register(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f, fs
}

func TestFlags(t *testing.T) {
	name := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(name, []byte("of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"-m x":                             {"1 t 1 x"},
		"-n":                               {"1 t 1 "},
		"-s":                               {"1 t 1 one=1\ntwo=2"},
		"-f -":                             {"1 t 1 one=1\ntwo=2"},
		"-f " + name:                       {"1 t 1 of a file"},
		"-l":                               {"1 t 1 one=1", "2 t 1 two=2"},
		`-l --delimiter \n`:                {"1 t 1 one=1", "2 t 1 two=2"},
		`-l --delimiter =`:                 {"1 t 1 one", "2 t 1 1\ntwo", "3 t 1 2"},
		`-l --delimiter \x3d`:              {"1 t 1 one", "2 t 1 1\ntwo", "3 t 1 2"},
		"-0":                               {"1 t 1 one=1\ntwo=2"},
		"-K =":                             {"1 one 1 1", "2 two 1 2"},
		"-l --skip-empty --delimiter one=": {"2 t 1 1\ntwo=2"},
	} {
		f, fs := parse(t, strings.Fields(line)...)
		if err := f.Check(fs, false); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		src, err := f.Open(t.Context(), &cli.Env{In: file(t, "one=1\ntwo=2")}, Options{Base: base})
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got, err := all(src)
		check(t, line, got, err, want, "")
		if err := src.Close(); err != nil {
			t.Errorf("%s: close: %v", line, err)
		}
	}
}

func TestFlagsWrong(t *testing.T) {
	for line, want := range map[string]string{
		"":                    "no payload",
		"-m x -n":             "-m with -n",
		"-l --delimiter=":     "--delimiter is empty",
		`-l --delimiter \q`:   `--delimiter "\\q"`,
		`-l --delimiter \`:    `--delimiter "\\"`,
		`-l --delimiter \x`:   `--delimiter "\\x"`,
		`-l --delimiter \x1`:  `--delimiter "\\x1"`,
		`-l --delimiter \xgg`: `--delimiter "\\xgg"`,
		`-l -K \q`:            `-K "\\q"`,
		"-m x --delimiter ,":  "-0, --delimiter, -K and --skip-empty need -l",
		"-m x --skip-empty":   "-0, --delimiter, -K and --skip-empty need -l",
		"-0 --delimiter ,":    "-0 with --delimiter",
	} {
		f, fs := parse(t, strings.Fields(line)...)
		err := f.Check(fs, false)
		var usage *cli.UsageError
		if !errors.As(err, &usage) || err.Error() != want {
			t.Errorf("%s: error %v, want %s", line, err, want)
		}
	}
	f, fs := parse(t, "-l")
	password := fs.String("password-file", "-", "")
	if err := f.Check(fs, false); err == nil || err.Error() != "--password-file - with -l" {
		t.Errorf("stdin for two flags: %v", err)
	}
	*password = ""
	f.Repeat = 2
	if err := f.Check(fs, false); err == nil || err.Error() != "--repeat with -l" {
		t.Errorf("lines that repeat: %v", err)
	}
	if err := f.Check(fs, true); err != nil {
		t.Errorf("lines that repeat, lenient: %v", err)
	}
}

func TestFlagsOpenFails(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for line, want := range map[string]string{
		"-f " + missing:     "-f: open " + missing,
		"-f " + t.TempDir(): "is a directory",
		"-m \xff --utf8":    "message: payload that is not UTF-8",
	} {
		utf8 := strings.HasSuffix(line, " --utf8")
		f, fs := parse(t, strings.Fields(strings.TrimSuffix(line, " --utf8"))...)
		if err := f.Check(fs, false); err != nil {
			t.Fatal(err)
		}
		o := Options{Base: base}
		if utf8 {
			o.Base.Props = o.Base.Props.AppendNum(proto.PayloadFormatIndicator, 1)
		}
		_, err := f.Open(t.Context(), &cli.Env{}, o)
		var usage *cli.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", line, err, want)
		}
	}
	// Reading a payload ends with the context.
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	f, fs := parse(t, "-s")
	if err := f.Check(fs, false); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(ctx, &cli.Env{In: r}, Options{}); err != context.DeadlineExceeded {
		t.Errorf("stdin that stays open: %v", err)
	}
}

// Options go to the sources: a query, records, repeats.
func TestFlagsOptions(t *testing.T) {
	q, err := NewQuery("--jq", ".[]")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		line   string
		change func(*Flags)
		o      Options
		in     string
		want   []string
		err    string
	}{
		{line: "-l", o: Options{Query: q}, in: "[1,2]\n", want: []string{"1 t 1 1", "1 t 1 2"}},
		{line: "-l", o: Options{Query: q}, in: "[1]\nx\n", want: []string{"1 t 1 1"}, err: "line 2: payload is not JSON"},
		{line: "-m x", o: Options{Query: q}, err: "message: payload is not JSON"},
		{line: "", change: func(f *Flags) { f.Records = true }, in: `{"payload":"x"}` + "\n\n", want: []string{"1 t 1 x"}},
		{line: "-m x", change: func(f *Flags) { f.Repeat = 2 }, want: []string{"1 t 1 x", "2 t 1 x"}},
		{line: "-m x", change: func(f *Flags) { f.Repeat = 2 }, o: Options{Query: q}, err: "message 1: payload is not JSON"},
	} {
		f, fs := parse(t, strings.Fields(row.line)...)
		if row.change != nil {
			row.change(f)
		}
		if err := f.Check(fs, false); err != nil {
			t.Fatal(err)
		}
		row.o.Base = base
		src, err := f.Open(t.Context(), &cli.Env{In: file(t, row.in)}, row.o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(src)
		check(t, row.line, got, err, row.want, row.err)
		src.Close()
	}
	// An empty line with the retain flag is an error unless it is allowed.
	for _, allow := range []bool{false, true} {
		f, fs := parse(t, "-l")
		if err := f.Check(fs, false); err != nil {
			t.Fatal(err)
		}
		retained := base
		retained.Retain = true
		src, err := f.Open(t.Context(), &cli.Env{In: file(t, "\n")}, Options{Base: retained, AllowClear: allow})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = src.Next(time.Time{}); (err == nil) != allow {
			t.Errorf("an empty line with -r, allowed: %v: error %v", allow, err)
		}
		src.Close()
	}
}
