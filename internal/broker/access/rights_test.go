package access

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"strings"
	"testing"

	"mqtt/internal/broker"
)

const acl = `# who may do what
topic read open/#
topic deny open/secret

user alice
topic readwrite home/#
topic deny home/safe/#
topic write log
topic read with a space/x

user bob
topic home/+/light
topic read $SYS/broker/uptime

pattern write devices/%c/up
pattern read devices/%u/%c/#
pattern deny devices/+/never
pattern readwrite dev-%c/#
pattern read %c/broker/#
pattern read of-%u-%c-%x/%/%%u
pattern deny home/bob/light
`

// Rights are those of mosquitto: what is not allowed is denied. The lines of a user come before the patterns,
// and denials come first in both.
func TestRights(t *testing.T) {
	r, err := NewRights(write(t, acl))
	if err != nil {
		t.Fatal(err)
	}
	who := map[string]*broker.Identity{
		"anonymous": {ClientID: "c1"}, "alice": user("alice"), "bob": user("bob"), "eve": user("eve"), "deep": {ClientID: "c/d"}, "dollar": {ClientID: "$SYS"}, "wild": user("+"),
		"cert":  {ClientID: "c", Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "bob"}}},
		"claim": {ClientID: "c", HasUsername: true, Username: "alice", Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "bob"}}},
	}
	for _, line := range strings.Split(strings.TrimSpace(`
		anonymous read open/a yes
		anonymous read open yes
		anonymous write open/a no
		anonymous read open/secret no
		anonymous read home/x no
		anonymous write devices/c1/up yes
		anonymous write devices/c2/up no
		anonymous read devices//c1/x no
		alice read home/x yes
		alice write home/x yes
		alice write home/safe/x no
		alice read home/safe no
		alice write log yes
		alice read log no
		alice read open/a no
		alice read devices/alice/c/x/y yes
		alice read devices/bob/c/x no
		alice write devices/c/up yes
		alice write devices/never no
		bob read home/kitchen/light yes
		bob write home/kitchen/light yes
		bob read home/kitchen/lamp no
		bob write home/bob/light yes
		bob read $SYS/broker/uptime yes
		bob read $SYS/broker/version no
		anonymous write dev-c1/a/b yes
		anonymous write dev-c1 yes
		anonymous write dev-c2/a no
		anonymous write dev-%c/a no
		anonymous read of--c1-%x/%/% no
		alice read of-alice-c-%x/%/%alice yes
		bob read of-alice-c-%x/%/%alice no
		deep write dev-c/d/e yes
		deep write dev-c no
		dollar read $SYS/broker/uptime no
		dollar subscribe $SYS/broker/# no
		wild write dev-c no
		alice subscribe dev-c/x yes
		alice subscribe dev-d/x no
		alice subscribe +/x yes
		eve read home/kitchen/light no
		wild write devices/c/up no
		cert read home/kitchen/light yes
		claim write home/safe/x no
		claim write home/x no
		alice subscribe home/# yes
		alice subscribe home/safe/# no
		alice subscribe home/safe/door no
		alice subscribe # yes
		alice subscribe +/x yes
		alice subscribe elsewhere/# no
		alice subscribe log no
		bob subscribe home/kitchen/# yes
		bob subscribe $SYS/# yes
		bob subscribe # yes
		eve subscribe devices/eve/# yes
		eve subscribe devices/bob/# no
		anonymous subscribe open/secret no
		anonymous subscribe open yes`), "\n") {
		f := strings.Fields(line)
		access := map[string]broker.Access{"read": broker.Read, "write": broker.Write, "subscribe": broker.Subscribe}[f[1]]
		if got := r.Allow(who[f[0]], f[2], access); got != (f[3] == "yes") {
			t.Errorf("%s: %v", strings.TrimSpace(line), got)
		}
	}
	if !r.Allow(who["alice"], "with a space/x", broker.Read) {
		t.Error("a filter with spaces")
	}
}

// Allow allocates nothing: it is called for each message and each member of a share.
func TestRightsAllocateNothing(t *testing.T) {
	r, err := NewRights(write(t, acl))
	if err != nil {
		t.Fatal(err)
	}
	who := user("alice")
	for _, topic := range []string{"devices/c/up", "dev-c/" + strings.Repeat("deep/", 40), "of-alice-c-%x/%/%alice", "home/safe/x", "nowhere"} {
		for _, access := range []broker.Access{broker.Read, broker.Write, broker.Subscribe} {
			if n := testing.AllocsPerRun(100, func() { r.Allow(who, topic, access) }); n != 0 {
				t.Errorf("%s: %v allocations", topic, n)
			}
		}
	}
	long := &broker.Identity{ClientID: strings.Repeat("long", 100)}
	if !r.Allow(long, "devices/"+long.ClientID+"/up", broker.Write) || r.Allow(long, "devices/"+long.ClientID[1:]+"/up", broker.Write) {
		t.Error("a name that is longer than the space for it")
	}
}

// meets and covers compare two filters.
func TestMeets(t *testing.T) {
	for _, c := range []struct {
		rule, filter  string
		meets, covers bool
	}{
		{"a/b", "a/b", true, true}, {"a/+", "a/b", true, true}, {"a/b", "a/+", true, false}, {"a/+", "a/+", true, true},
		{"a/#", "a", true, true}, {"a", "a/#", true, false}, {"#", "x/y", true, true}, {"x/y", "#", true, false},
		{"#", "#", true, true}, {"+/b", "a/+", true, false}, {"a/b", "b/+", false, false}, {"a/b/c", "a/b", false, false},
		{"a/b", "a/b/c", false, false}, {"a/+/c", "+/b/#", true, false}, {"a/#", "a/+/c", true, true}, {"a/+", "a/#", true, false},
		{"#", "$SYS/x", false, false}, {"$SYS/#", "$SYS/x", true, true}, {"$SYS/x", "#", false, false}, {"+/x", "$SYS/x", false, false},
	} {
		if meets, covers := meets(c.rule, c.filter), covers(c.rule, c.filter, true); meets != c.meets || covers != c.covers {
			t.Errorf("%s and %s: meets %v, covers %v", c.rule, c.filter, meets, covers)
		}
	}
}

// An error names the line, and the last rights stay in force.
func TestWrongRights(t *testing.T) {
	for text, want := range map[string]string{
		"topic read a/#/b\n":      "file:1: ",
		"user a\ntopic\n":         "file:2: expected a topic filter after topic",
		"topic reed a/b\n":        `file:1: expected read, write, readwrite or deny, not "reed"`,
		"\n\nallow a\n":           `file:3: expected topic, user or pattern, not "allow"`,
		"pattern read a/%u/#/x\n": "file:1: ",
		"user\n":                  "file:1: expected a name after user",
	} {
		if _, err := NewRights(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	path := write(t, "topic a\n")
	r, err := NewRights(path)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, []byte("topic\n"), 0o600)
	if err := r.Reload(); err == nil || !r.Allow(&broker.Identity{}, "a", broker.Write) {
		t.Errorf("after a reload that failed: %v", err)
	}
	os.WriteFile(path, []byte("topic b\n"), 0o600)
	if err := r.Reload(); err != nil || r.Allow(&broker.Identity{}, "a", broker.Write) || !r.Allow(&broker.Identity{}, "b", broker.Write) {
		t.Errorf("after a reload: %v", err)
	}
}

// The error about a line of one word tells what was expected. A valid line that probably means something else
// gets a note.
func TestRightsNotes(t *testing.T) {
	for text, want := range map[string]string{
		"rubbish\n": `file:1: expected topic, user or pattern, not "rubbish"`, "topic a\nrubbish a\n": `file:2: expected topic, user or pattern, not "rubbish"`,
		"pattern\n": "file:1: expected a topic filter after pattern", "user \t\n": "file:1: expected a name after user",
	} {
		if _, err := NewRights(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	r, err := NewRights(write(t, "pattern read a/%u\npattern read a\ntopic write b/%c\ntopic read\ntopic\tread\tc d\n"))
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(r.Warnings(), "\n")
	for _, want := range []string{
		`file:2: pattern "a" has neither %u nor %c, so it applies to all clients`, `file:3: topic "b/%c": %u and %c are replaced in pattern lines only`,
		`file:4: the topic is "read": an access word needs a filter after it`,
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %s", want)
		}
	}
	if len(r.Warnings()) != 3 {
		t.Errorf("notes\n%s", notes)
	}
	if !r.Allow(&broker.Identity{}, "c d", broker.Read) || r.Allow(&broker.Identity{}, "c d", broker.Write) {
		t.Error("a tab does not separate an access word and a filter")
	}
}

// A byte order mark at the beginning of a file changes nothing.
func TestRightsByteOrderMark(t *testing.T) {
	r, err := NewRights(write(t, "\ufefftopic read a\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Allow(&broker.Identity{}, "a", broker.Read) {
		t.Error("the first line does not count")
	}
}
