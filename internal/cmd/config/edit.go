package config

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
)

// addProfile creates a profile from words: FLAG=VALUE, FLAG for a switch, or FLAG alone for a secret.
func addProfile(ctx context.Context, e *cli.Env, name string, words []string) error {
	dirs := cli.Profiles(e)
	p, err := dirs.New(name)
	if err != nil {
		return profileError(err)
	}
	if len(words) == 0 {
		return cli.Usage("no flags for profile "+name, "for example: mqtt config add "+name+" host=broker.example")
	}
	if err := checkWords(e, words); err != nil {
		return err
	}
	values := make(map[string][]string)
	var order []string
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case ok:
		case config.Secret(key, "x"):
			if value, err = cli.ReadSecret(ctx, e, key); err != nil {
				return err
			}
		default:
			value = "true"
		}
		if values[key] == nil {
			order = append(order, key)
		}
		values[key] = append(values[key], value)
	}
	for _, key := range order {
		if err := p.Set(key, values[key]...); err != nil {
			return cli.Usage(err.Error(), "mqtt help profiles")
		}
	}
	if err := checkProfile(e, p); err != nil {
		return err
	}
	return done(e, dirs.Add(p), "profile "+name+" was saved; mqtt config use "+name+" makes it the default")
}

// checkWords rejects the form of a command line: username ann, or --username ann, for username=ann.
func checkWords(e *cli.Env, words []string) error {
	const hint = "write FLAG=VALUE, without dashes"
	kinds := make(map[string]config.Kind)
	for _, f := range cli.AllFlags(e) {
		kinds[f.Name] = f.Kind
	}
	for i, w := range words[:len(words)-1] {
		next := words[i+1]
		kind, known := kinds[w]
		_, other := kinds[next]
		if known && kind != config.Switch && !other && !strings.Contains(next, "=") {
			return cli.Usage(w+" without a value: did you mean "+cli.ShellQuote(w+"="+config.Masked(w, next))+"?", hint)
		}
	}
	return nil
}

// flagError returns the error about a flag of another command at mqtt config add.
func flagError(c *cobra.Command, e *cli.Env, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return cli.FlagError(c, err)
	}
	for _, f := range cli.AllFlags(e) {
		if f.Name == unknown.GetSpecifiedName() || f.Short != "" && f.Short == unknown.GetSpecifiedName() {
			word := f.Name + "=VALUE"
			if f.Kind == config.Switch {
				word = f.Name
			}
			return cli.Usage(err.Error()+": did you mean "+word+"?", "write FLAG=VALUE, without dashes")
		}
	}
	return cli.FlagError(c, err)
}

// editProfile opens an editor on the text of a profile. The result is saved if it is valid;
// otherwise it stays in a separate file.
func editProfile(ctx context.Context, e *cli.Env, name string) error {
	dirs := cli.Profiles(e)
	p, err := dirs.New(name)
	if err != nil {
		return profileError(err)
	}
	before, err := os.ReadFile(p.File) // unparsed: it may be invalid, and edited for that reason
	if errors.Is(err, fs.ErrNotExist) {
		_, err = dirs.Load(name)
		return profileError(err)
	}
	if err != nil {
		return profileError(err)
	}
	file, err := draft(p.File, before)
	if err != nil {
		return err
	}
	failed := runEditor(ctx, e, file)
	after, err := os.ReadFile(file)
	if failed != nil {
		if bytes.Equal(before, after) {
			os.Remove(file)
		} else {
			e.Note("profile %s: nothing was saved; your text is in %s", name, file)
		}
		return failed
	}
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		e.Note("profile %s: nothing was changed", name)
		return os.Remove(file)
	}
	if p, err = config.Parse(name, p.File, after); err == nil {
		err = checkProfile(e, p)
	}
	if err != nil {
		return cli.Usage(err.Error(), "nothing was saved; your text is in "+file)
	}
	if err := dirs.Save(p); err != nil {
		return profileError(err)
	}
	return os.Remove(file)
}

// draft writes text to a file beside the profile, readable by its owner only, since it may hold
// secrets. Its name begins with a dot, so that it is not taken for a profile.
func draft(profile string, text []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(profile), "."+filepath.Base(profile)+"-*.txt")
	if err != nil {
		return "", err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Close()
	}
	return f.Name(), err
}

// runEditor runs the editor of $VISUAL or $EDITOR, which may be a shell command.
func runEditor(ctx context.Context, e *cli.Env, file string) error {
	editor := e.Getenv("VISUAL")
	if editor == "" {
		editor = e.Getenv("EDITOR")
	}
	var cmd *exec.Cmd
	switch {
	case runtime.GOOS == "windows" && editor == "":
		cmd = exec.CommandContext(ctx, "notepad", file)
	case runtime.GOOS == "windows":
		cmd = exec.CommandContext(ctx, "cmd", "/C", editor+" "+file)
	default:
		if editor == "" {
			editor = "vi"
		}
		cmd = exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "mqtt", file)
	}
	cmd.WaitDelay = 5 * time.Second // time for the editor to save and to restore the terminal
	config.TerminateGroup(cmd)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.In, cli.Inherit(e.Out), cli.Inherit(e.Err)
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return cli.Fail(cli.ExitOther, "set VISUAL or EDITOR to an editor; nothing was saved", "run %s: %w", editor, err)
	}
	return nil
}
