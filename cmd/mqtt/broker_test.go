package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdBroker starts a server and returns once it accepts connections on $PORT.
func cmdBroker(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) >= 1 && (args[0] == "mosquitto" || args[0] == "mqtt"), "broker mosquitto|mqtt [name=NAME] [port=N] [conf=FILE] [ARG...]")
	set, rest := settings(args[1:], "name", "port", "conf")
	name := set["name"]
	if name == "" {
		name = "broker"
	}
	// Another process may take a free port before the server does.
	const tries = 3
	for n := 1; ; n++ {
		port := set["port"]
		if port == "" {
			port = freePort(ts)
		}
		ts.Setenv("PORT", port)
		ts.Setenv("PORT2", freePort(ts))
		ts.Setenv("PORT3", freePort(ts))
		var cmd *exec.Cmd
		ready := ts.MkAbs(filepath.Join(ts.Getenv("WORK"), "."+name+".ready"))
		if args[0] == "mqtt" {
			path, err := exec.LookPath("mqtt")
			ts.Check(err)
			cmd = exec.Command(path, append([]string{"broker", "--ready-file", ready, "--listen", "mqtt://127.0.0.1:" + port}, rest...)...)
		} else {
			cmd = mosquitto(ts, name, port, set["conf"])
		}
		os.Remove(ready)
		p, err := worldOf(ts).launch(ts, name, cmd, false, false)
		ts.Check(err)
		err = p.starts(func() error {
			if args[0] == "mqtt" {
				_, err := os.Stat(ready)
				return err
			}
			if !strings.Contains(p.err.String(), " running\n") {
				return errors.New("it does not say that it is running")
			}
			return nil
		})
		if err == nil {
			return
		}
		if n == tries || set["port"] != "" || !strings.Contains(p.err.String(), "in use") {
			p.fatal(ts, "did not start: %v", err)
		}
	}
}

// mosquitto returns the command that runs mosquitto on port with the given configuration.
func mosquitto(ts *testscript.TestScript, name, port, conf string) *exec.Cmd {
	path := outside(worldOf(ts).tb, "mosquitto")
	text := "listener $PORT 127.0.0.1\nallow_anonymous true\n"
	if conf != "" {
		text = ts.ReadFile(conf)
	}
	text = os.Expand(text, ts.Getenv)
	if os.Getuid() == 0 && !strings.Contains(text, "user ") {
		text += "user root\n" // or it could not read the script's files
	}
	file := ts.MkAbs(filepath.Join(ts.Getenv("WORK"), "."+name+".conf"))
	ts.Check(os.WriteFile(file, []byte(text), 0o600))
	return exec.Command(path, "-v", "-c", file)
}

// accepts waits until a server accepts connections.
func (p *process) accepts(addr string) error {
	return p.starts(func() error {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	})
}

// starts waits until ready returns nil.
func (p *process) starts(ready func() error) error {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	limit := time.After(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended with status %d", p.status())
		case <-limit:
			return err
		case <-look.C:
		}
	}
}

func cmdPort(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "port NAME")
	ts.Setenv(args[0], freePort(ts))
}

func freePort(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
