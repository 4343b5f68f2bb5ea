//go:build unix

// Package scripts tests the scripts of this folder.
package scripts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakes is a folder of programs that take the place of real ones.
type fakes struct {
	t     *testing.T
	dir   string
	cache string // of the real go command
}

func newFakes(t *testing.T) *fakes {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return &fakes{t, t.TempDir(), strings.TrimSpace(string(cache))}
}

// program adds a program that runs a shell script.
func (f *fakes) program(name, script string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		f.t.Fatal(err)
	}
}

// goCommand adds a go command that runs script for these subcommands, and the real one for others.
func (f *fakes) goCommand(subcommands, script string) {
	f.t.Helper()
	real, err := exec.LookPath("go")
	if err != nil {
		f.t.Fatal(err)
	}
	f.program("go", "case \"$1\" in\n"+subcommands+") "+script+" ;;\n*) exec "+real+" \"$@\" ;;\nesac")
}

// goTool makes go install write a tool that runs script.
func (f *fakes) goTool(script string) {
	f.t.Helper()
	f.goCommand("install", `name=${2##*/}; name=${name%%@*}; printf '#!/bin/sh\n`+script+`\n' >"$GOBIN/$name"; chmod +x "$GOBIN/$name"`)
}

// run runs a script of this folder and returns its output and its exit status.
func (f *fakes) run(args ...string) (string, int) {
	f.t.Helper()
	c := exec.Command("bash", args...)
	c.WaitDelay = time.Minute
	c.Env = append(os.Environ(), "PATH="+f.dir+":"+os.Getenv("PATH"), "GOCACHE="+f.cache, "XDG_CACHE_HOME="+filepath.Join(f.dir, "cache"))
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		f.t.Fatalf("bash %v: %v", args, err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// A check whose tool crashes, is absent, or prints nothing has not passed.
func TestChecksFailWithTheirTools(t *testing.T) {
	t.Parallel()
	const (
		crash  = "echo fatal error: crash >&2; exit 2"
		absent = "echo not found >&2; exit 127"
		silent = "exit 0"
	)
	both := func(f func(*fakes, string)) map[string]func(*fakes) {
		return map[string]func(*fakes){
			"crashes":        func(k *fakes) { f(k, crash) },
			"is absent":      func(k *fakes) { f(k, absent) },
			"prints nothing": func(k *fakes) { f(k, silent) },
		}
	}
	gofmt := both(func(k *fakes, script string) { k.program("gofmt", script) })
	gofmt["crashes later"] = func(k *fakes) { k.program("gofmt", `[ $# != 1 ] && exit 2; echo "<standard input>"`) }
	vet := both(func(k *fakes, script string) { k.goCommand("vet", script) })
	vet["crashes later"] = func(k *fakes) {
		k.goCommand("vet", `[ "$2" = ./... ] || echo 'Printf format %d'; exit 1`)
	}
	static := both(func(k *fakes, script string) { k.goTool(script) })
	static["crashes later"] = func(k *fakes) {
		k.goTool(`[ "$1" = ./... ] || echo Printf format %%d; exit 1`)
	}
	tests := both(func(k *fakes, script string) { k.goCommand("test", script) })
	tests["runs no test"] = func(k *fakes) {
		k.goCommand("test", `echo '{"Action":"output","Package":"p","Output":"ok p\n"}'; echo '{"Action":"pass","Package":"p"}'`)
	}
	cross := both(func(k *fakes, script string) { k.goCommand("build|vet", script) })
	cross["does not vet"] = func(k *fakes) { k.goCommand("build|vet", `[ "$1" = build ] && echo built >"$4" || exit 1`) }
	for part, faults := range map[string]map[string]func(*fakes){
		"format": gofmt,
		"vet":    vet,
		"static": static,
		"build":  both(func(k *fakes, script string) { k.goCommand("build", script) }),
		"test":   tests,
		"cross":  cross,
		"vuln": {
			"crashes":         func(k *fakes) { k.goTool(crash) },
			"prints nothing":  func(k *fakes) { k.goTool(silent) },
			"finds something": func(k *fakes) { k.goTool("echo Vulnerability 1; exit 3") },
			"has an error":    func(k *fakes) { k.goTool("echo govulncheck: loading packages: failed; exit 1") },
		},
	} {
		for fault, fake := range faults {
			t.Run(part+" "+fault, func(t *testing.T) {
				t.Parallel()
				k := newFakes(t)
				fake(k)
				out, status := k.run("check.sh", "--no-install", part)
				if status != 1 || strings.Contains(out, "ok: "+part) || !strings.Contains(out, "FAILED: "+part) {
					t.Errorf("exit status %d\n%s", status, out)
				}
			})
		}
	}
}

// A check that cannot be made is counted as skipped, and is not "ok".
func TestChecksThatCannotBeMade(t *testing.T) {
	t.Parallel()
	const unreachable = "echo govulncheck: fetching vulnerabilities: no such host >&2; exit 1"
	for _, c := range []struct {
		name, part string
		fake       func(*fakes)
		reason     string
	}{
		{"no staticcheck", "static", func(k *fakes) { k.goCommand("install", "exit 1") }, "cannot be installed"},
		{"no govulncheck", "vuln", func(k *fakes) { k.goCommand("install", "exit 1") }, "cannot be installed"},
		{"installs nothing", "vuln", func(k *fakes) { k.goCommand("install", "exit 0") }, "cannot be installed"},
		{"no database", "vuln", func(k *fakes) { k.goTool(unreachable) }, "the database of vulnerabilities cannot be reached"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newFakes(t)
			c.fake(k)
			out, status := k.run("check.sh", "--no-install", c.part)
			if status != 0 || strings.Contains(out, "ok: ") || strings.Contains(out, "all good") ||
				!strings.Contains(out, c.reason) || !strings.HasSuffix(out, "\n0 passed, 0 failed, 1 skipped\n") {
				t.Errorf("exit status %d\n%s", status, out)
			}
		})
	}
}

// The tools say that all is well, and the check says so.
func TestChecksThatPass(t *testing.T) {
	t.Parallel()
	for part, fake := range map[string]func(*fakes){
		"vuln":   func(k *fakes) { k.goTool("echo No vulnerabilities found.") },
		"vet":    func(k *fakes) { k.goCommand("vet", `[ "$2" = ./... ] || { echo 'Printf format %d'; exit 1; }`) },
		"static": func(k *fakes) { k.goTool(`[ "$1" = ./... ] || { echo Printf format %%d; exit 1; }`) },
		"cross":  func(k *fakes) { k.goCommand("build|vet", `[ "$1" = vet ] || echo built >"$4"`) },
		"format": func(k *fakes) { k.program("gofmt", `[ $# != 1 ] || echo "<standard input>"`) },
	} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			k := newFakes(t)
			fake(k)
			out, status := k.run("check.sh", "--no-install", part)
			if status != 0 || !strings.Contains(out, "ok: "+part) || !strings.HasSuffix(out, "== all good ==\n1 passed, 0 failed, 0 skipped\n") {
				t.Errorf("exit status %d\n%s", status, out)
			}
		})
	}
}

// Fuzzing that ran no target, or no input, has not passed.
func TestFuzzingThatDidNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, pattern, script string
		status                int
	}{
		{"no target", "NoSuchTarget", "exit 0", 2},
		{"crashes", "FuzzFrames", "echo crash; exit 2", 1},
		{"prints nothing", "FuzzFrames", "exit 0", 1},
		{"no input", "FuzzFrames", `echo "fuzz: elapsed: 0s, execs: 0 (0/sec)"; echo "ok  	p	1s"`, 1},
		{"inputs", "FuzzFrames", `echo "fuzz: elapsed: 0s, execs: 17 (9/sec)"; echo "ok  	p	1s"`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newFakes(t)
			k.goCommand("test", c.script)
			if out, status := k.run("fuzz.sh", "1s", c.pattern); status != c.status {
				t.Errorf("exit status %d, want %d\n%s", status, c.status, out)
			}
		})
	}
}
