package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/cmd/root"
	"mqtt/internal/config"
)

// The scripts in testdata/script read like a shell session. Besides the commands of testscript (exec, stdin, stdout,
// stderr, cmp, grep, env, wait ...; see its documentation) they have the following. mqtt, mosquitto_pub,
// mosquitto_sub and mosquitto_rr are this package's own main in a process of its own, with or without
// exec.
//
//	status N CMD...               run CMD, which must end with exit status N; stdout and stderr look at it afterwards
//	broker mosquitto [KEY=VALUE]  start a server and set $PORT; it is ended with the script. Keys: name=broker, port=N
//	broker mqtt [KEY=VALUE] [ARG] (else a free one), conf=FILE in the place of one open listener on $PORT; in FILE
//	                              $PORT, $PORT2, $PORT3 and $WORK are known. mqtt is our own, with ARGs as they stand.
//	fake FILE                     start a server that follows the hex script FILE, and set $PORT; see cmdtest.Fake
//	faked                         the script of fake must have been followed to its end by now, or soon
//	start [-tty] NAME CMD...      start CMD in the background; its input stays open. -tty: on a terminal of its own,
//	                              where stdout has both streams
//	start -screen NAME CMD...     the same, on a terminal that is drawn, for screen
//	keys NAME KEY...              press keys: up, down, left, right, home, end, enter, esc, tab, space, ^A to ^Z, or text
//	resize NAME COLUMNS LINES     change the size of its terminal, which has 100 columns and 30 lines at first
//	screen NAME FILE              wait until its terminal shows FILE, or has shown it since the last screen, without rates, ages, marks of changes and times of
//	                              day; spaces count as one or as many
//	shows NAME PATTERN            the same for a PATTERN that it matches
//	say NAME LINE                 write LINE to its input, and a line end
//	hush NAME                     end its input
//	await [-stderr] [-count=N] NAME PATTERN
//	                              wait until its output matches (N times)
//	signal [-late] NAME SIGNAL    send INT, TERM, HUP, STOP, CONT or KILL; -late: it may just have ended by itself
//	ended NAME [N]                wait until it has ended, with exit status N (0); stdout and stderr look at it then
//	real CMD...                   run mosquitto's own mosquitto_pub, mosquitto_sub or mosquitto_rr
//	subreaper CMD...              run CMD as a process that orphans become children of, as of process 1 (Linux)
//	port NAME                     set $NAME to a free port
//	tls DIR                       make DIR with ca.pem, server.pem, server.key (for localhost and 127.0.0.1),
//	                              client.pem, client.key (CN=client), expired.* and elsewhere.* (for elsewhere.example), and
//	                              other.pem (an authority that signed none of them)
//
// A server is a process like the others: `await -stderr broker 'SUBACK'` waits for what mosquitto -v logs, `signal
// broker KILL` and `ended broker 137` take it away. A command waits at most a minute. Folders: $WORK is the
// script's own and where it runs; $XDG_CONFIG_HOME is $WORK/config and not there yet.
//
// A # begins a comment unless it is quoted: 'a/#'.
//
//	go test ./cmd/mqtt/ -run 'Script/^rr'     runs the scripts whose names begin with rr
//	UPDATE=1 go test ./cmd/mqtt/ ...          rewrites the files that cmp found different
func TestScript(t *testing.T) {
	t.Parallel()
	vars := scriptVariables()
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		UpdateScripts:      os.Getenv("UPDATE") != "",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", os.Getenv("GORACE"))
			w := &world{processes: make(map[string]*process), vars: slices.Clone(vars), tb: env.T().(testing.TB)}
			for _, v := range env.Vars {
				name, _, _ := strings.Cut(v, "=")
				w.vars = append(w.vars, name)
			}
			env.Values[worldKey{}] = w
			env.Defer(w.end)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": cmdStatus, "broker": cmdBroker, "fake": cmdFake, "faked": cmdFaked, "start": cmdStart, "say": cmdSay,
			"hush": cmdHush, "await": cmdAwait, "signal": cmdSignal, "ended": cmdEnded, "real": cmdReal, "port": cmdPort,
			"tls": cmdTLS, "keys": cmdKeys, "resize": cmdResize, "screen": cmdScreen, "shows": cmdShows,
		},
	})
}

// TestMain makes the test binary run as mqtt or one of its links, by its name.
func TestMain(m *testing.M) {
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or each of a thousand programs waits for a second before it ends
	}
	programs := map[string]func(){
		"mqtt": main, "mosquitto_pub": main, "mosquitto_sub": main, "mosquitto_rr": main, "subreaper": subreaper,
	}
	if programs[filepath.Base(os.Args[0])] == nil {
		// Programs inherit that a signal is ignored, as with `go test &` in a shell script, or nohup. They would keep
		// running after it. A program that a script makes ignore it is another process.
		for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
			if signal.Ignored(s) {
				signal.Notify(make(chan os.Signal, 1), s)
			}
		}
	}
	testscript.Main(leakless{m}, programs)
}

// world holds the processes of a script.
type world struct {
	processes map[string]*process
	order     []*process
	fake      *cmdtest.Fake
	vars      []string // variables that processes get, if they are set
	tb        testing.TB
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// end ends the processes that a script left running.
func (w *world) end() {
	for _, p := range w.order {
		p.kill()
	}
	if w.fake != nil {
		if err := w.fake.Close(); err != nil {
			w.tb.Errorf("fake server: %v", err)
		}
	}
}

// environ returns the script's environment for a background process; testscript does not give access
// to it as a whole.
func (w *world) environ(ts *testscript.TestScript) []string {
	env := []string{"PWD=" + ts.MkAbs(".")}
	for _, name := range w.vars {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// scriptVariables returns the variables that the programs read.
func scriptVariables() []string {
	vars := []string{"MQTT_PASSWORD", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "NO_COLOR", "TERM", "COLUMNS", "EDITOR",
		"VISUAL", "SSL_CERT_FILE", "SSL_CERT_DIR", "PORT", "PORT2", "PORT3"}
	seen := map[string]bool{}
	for _, c := range root.New(&cli.Env{LookupEnv: os.LookupEnv, Environ: os.Environ}, nil).Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if v := config.Variable(f.Name); !seen[v] {
				seen[v] = true
				vars = append(vars, v)
			}
		})
	}
	return vars
}

// need ends the script with the usage of a command, unless ok.
func need(ts *testscript.TestScript, neg, ok bool, form string) {
	if neg || !ok {
		ts.Fatalf("usage: %s (and no ! before it)", form)
	}
}

// settings removes KEY=VALUE words from the front of args.
func settings(args []string, keys ...string) (map[string]string, []string) {
	found := make(map[string]string)
	for len(args) > 0 {
		k, v, ok := strings.Cut(args[0], "=")
		if !ok || !strings.Contains(" "+strings.Join(keys, " ")+" ", " "+k+" ") {
			break
		}
		found[k], args = v, args[1:]
	}
	return found, args
}

// outside returns the path of an installed program, and skips the test if it is not installed. The
// PATH of scripts begins with a folder in which the test binary has the names of the programs.
func outside(t testing.TB, name string) string {
	t.Helper()
	dirs := append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin")
	for _, dir := range dirs {
		if strings.HasPrefix(filepath.Base(filepath.Dir(dir)), "testscript-main") {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return filepath.Join(dir, name)
		}
	}
	t.Skipf("%s is not installed", name)
	return ""
}
