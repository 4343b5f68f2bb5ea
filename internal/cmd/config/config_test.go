package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/cmd/pub"
	"mqtt/internal/cmd/sub"
)

// folder returns the command with an empty folder of configuration, and with stdin.
func folder(t *testing.T, stdin string) (cmdtest.Command, string) {
	t.Helper()
	dir := t.TempDir()
	return cmdtest.Command{
		New: New, Others: []func(*cli.Env) *cobra.Command{pub.New, sub.New},
		In: strings.NewReader(stdin), Vars: []string{"XDG_CONFIG_HOME=" + dir},
	}, dir
}

// expect runs the command, which must end with status and write out.
func expect(t *testing.T, c cmdtest.Command, status int, out string, args ...string) cmdtest.Result {
	t.Helper()
	r := c.Run(t, args...)
	if r.Status != status || r.Out != out {
		t.Errorf("%q: %+v, want status %d and %q", args, r, status, out)
	}
	return r
}

// A profile is added, used, shown and removed. Its file is for its owner alone, and a secret is
// read from stdin and never shown.
func TestProfile(t *testing.T) {
	c, dir := folder(t, "secret\n")
	expect(t, c, 0, "", "list")
	expect(t, c, 0, "", "add", "lab", "host=broker.lab", "username=me", "topic=a/#", "topic=b/#", "pw")
	expect(t, c, 0, "  lab\n", "list")
	expect(t, c, 0, "", "use", "lab")
	expect(t, c, 0, "* lab\n", "list")
	text, err := os.ReadFile(filepath.Join(dir, "mqtt/profiles/lab"))
	if err != nil || !strings.Contains(string(text), "secret") || strings.Count(string(text), "topic = ") != 2 {
		t.Errorf("%s, %v", text, err)
	}
	r := c.Run(t, "show", "sub")
	if r.Status != 0 || !strings.Contains(r.Out, "broker.lab") || strings.Contains(r.Out, "secret") || !strings.Contains(r.Out, "profile lab") {
		t.Errorf("%+v", r)
	}
	expect(t, c, 0, "", "use", "--none")
	expect(t, c, 0, "  lab\n", "list")
	expect(t, c, 0, "", "remove", "lab")
	expect(t, c, 0, "", "list")
}

// The command line wins over the profile, and says so.
func TestShowOrigin(t *testing.T) {
	c, _ := folder(t, "")
	expect(t, c, 0, "", "add", "p", "host=from.profile", "qos=1")
	r := c.Run(t, "show", "pub", "--profile", "p", "-h", "from.line")
	for _, want := range []string{"from.line", "command line", "profile p"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("%s is missing in %+v", want, r)
		}
	}
	if r.Status != 0 || strings.Contains(r.Out, "from.profile") {
		t.Errorf("%+v", r)
	}
}

// What is wrong is a usage error, and nothing is saved.
func TestUsage(t *testing.T) {
	c, dir := folder(t, "")
	for _, args := range [][]string{
		{"nonsense"},
		{"add"},
		{"add", "../up"},
		{"add", "p", "no-such-flag=1"},
		{"add", "p", "qos=3"},
		{"add", "p", "host=mqtt://x"},
		{"add", "p", "keepalive=70000"},
		{"add", "p", "protocol-version=6"},
		{"add", "p", "reconnect=sometimes"},
		{"add", "p", "property=publish no-such 1"},
		{"use", "missing"},
		{"use"},
		{"remove", "missing"},
		{"edit", "missing"},
		{"show", "config"},
	} {
		if r := c.Run(t, args...); r.Status != cli.ExitUsage || r.Out != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "mqtt/profiles/*")); len(files) > 0 {
		t.Errorf("saved: %v", files)
	}
}

// An editor's text is saved if it is valid, and stays aside if it is not.
func TestEdit(t *testing.T) {
	c, dir := folder(t, "")
	expect(t, c, 0, "", "add", "p", "host=one")
	file := filepath.Join(dir, "mqtt/profiles/p")
	c.Vars = append(c.Vars, "EDITOR=sed -i s/one/two/")
	expect(t, c, 0, "", "edit", "p")
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "host = two") {
		t.Errorf("%s, %v", text, err)
	}
	c.Vars[len(c.Vars)-1] = "EDITOR=sed -i s/host/hots/"
	r := expect(t, c, cli.ExitUsage, "", "edit", "p")
	if text, _ := os.ReadFile(file); !strings.Contains(string(text), "host = two") || !strings.Contains(r.Err, "nothing was saved; your text is in ") {
		t.Errorf("%s, %+v", text, r)
	}
}
