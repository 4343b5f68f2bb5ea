package bench

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
)

// --client-offset counts the lines of --credentials. A line is one user; comments and empty lines
// do not count, and a comma is a character like others.
func TestCredentialsOfAFleet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	text := "# one for each client\nu0:p0\n\nu1:p1,u9:p9\r\n#u8:p8\nu2:p:2\nu3,x:\nu4:#p\nu5:p5\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := cmdtest.StartBroker(t, broker.Options{})
	user := regexp.MustCompile(`username="([^"]*)"`)
	for args, want := range map[string]string{
		"--pubs 2 --subs 1 --messages 2":                   "u0 u1 u2",
		"--pubs 2 --subs 1 --messages 2 --client-offset 3": "u3,x u4 u5",
		"conn --clients 2 --duration 10ms":                 "u0 u1",
		"conn --clients 2 --duration 10ms --client-offset": "u2 u3,x",
	} {
		words := strings.Fields(args)
		if words[len(words)-1] == "--client-offset" {
			words = append(words, "2")
		}
		var command []string
		if words[0] == "conn" {
			command, words = words[:1], words[1:]
		}
		r := run(t, append(command, b.Args(append(words, "-d", "--credentials", file)...)...)...)
		var got []string
		for _, m := range user.FindAllStringSubmatch(r.Err, -1) {
			got = append(got, m[1])
		}
		slices.Sort(got)
		if r.Status != 0 || strings.Join(got, " ") != want {
			t.Errorf("%s: status %d, users %q, want %q: %.500s", args, r.Status, got, want, r.Err)
		}
	}
	r := run(t, b.Args("--pubs", "2", "--client-offset", "4", "--credentials", file)...)
	if r.Status != cli.ExitUsage || !strings.Contains(r.Err, "6 lines for 3 clients from number 4 on (--client-offset)") {
		t.Errorf("%+v", r)
	}
}

// The help says that --bind takes several addresses.
func TestBindInHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"conn", "--help"}} {
		if r := command.Run(t, args...); !strings.Contains(r.Out, "--bind a,b,c") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}
