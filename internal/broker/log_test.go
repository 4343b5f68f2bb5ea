package broker

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// page is a log that a test reads.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

// lines returns the lines that contain all of these parts.
func (p *page) lines(parts ...string) (found []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
line:
	for l := range strings.Lines(p.b.String()) {
		for _, part := range parts {
			if !strings.Contains(l, part) {
				continue line
			}
		}
		found = append(found, l)
	}
	return found
}

// want expects one line that contains all of these parts.
func (p *page) want(t *testing.T, parts ...string) {
	t.Helper()
	if n := len(p.lines(parts...)); n != 1 {
		t.Errorf("%d lines with %q in\n%s", n, parts, p.b.String())
	}
}

func logTo(level slog.Level) (*page, *slog.Logger) {
	p := &page{}
	return p, slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: level}))
}

// At debug level there is a line for each login, refusal, denial and drop, with user, client and
// topic.
func TestLogAtDebug(t *testing.T) {
	log, logger := logTo(slog.LevelDebug)
	in(t, Options{Log: logger, ACL: eachHisOwn{}, QueueMessages: 1}, func(k *bench) {
		k.misbehaves()
		for _, v := range []proto.Version{proto.V31, proto.V311, proto.V5} {
			id := "p" + fmt.Sprint(byte(v))
			p := k.connect(v, id, user("eve"))
			log.want(t, `msg="client connected"`, "client="+id, "user=eve")
			for qos := range byte(3) {
				topic := fmt.Sprint("bob/", qos)
				p.send(pub(topic, "m", qos, uint16(qos)+1))
				log.want(t, `msg="publish refused"`, "client="+id, "user=eve", "topic="+topic, fmt.Sprint("qos=", qos), fmt.Sprint("version=", v), "Not authorized")
			}
			p.cut()
			log.want(t, `msg="client disconnected"`, "client="+id, "user=eve")
		}
		s := k.connect(proto.V5, "s", user("eve"), expiry(100))
		s.subscribe(to("eve/#", 1))
		s.leave()
		p := k.connect(proto.V5, "p", user("eve"))
		p.send(pub("eve/a", "1", 1, 1), pub("eve/a", "2", 1, 2), pub("eve/a", "3", 2, 3))
		if n := len(log.lines("level=DEBUG", `msg="message dropped"`, "client=s", "user=eve", "topic=eve/a", "messages=1", "queue is full")); n != 2 {
			t.Errorf("%d lines of 2 messages that were dropped", n)
		}
		log.want(t, `msg="publish refused"`, "client=p", "user=eve", "topic=eve/a", "qos=1", "Quota exceeded", "every subscriber")
		log.want(t, `msg="publish refused"`, "client=p", "topic=eve/a", "qos=2", "Quota exceeded")
		small := k.connect(proto.V5, "small", user("eve"), num(proto.MaximumPacketSize, 30))
		small.subscribe(to("eve/x", 0))
		p.send(pub("eve/x", big(100), 0, 0))
		log.want(t, `msg="message dropped"`, "client=small", "topic=eve/x", "it exceeds the client's Maximum Packet Size")
		w := k.connect(proto.V5, "w", user("eve"), willed("bob/will", "m"))
		w.cut()
		log.want(t, `msg="will refused"`, "client=w", "user=eve", "topic=bob/will")
		p.asking(9, "a#", 0)
		synctest.Wait()
		log.want(t, `msg="subscription refused"`, "client=p", "user=eve", "filter=a#")
	})
}

// At the default level there is one line a minute for each client that misses messages.
func TestLogOfMissedMessages(t *testing.T) {
	log, logger := logTo(slog.LevelWarn)
	in(t, Options{Log: logger, QueueMessages: 1}, func(k *bench) {
		for _, id := range []string{"a", "b"} {
			s := k.connect(proto.V5, id, user("ann"), expiry(1000))
			s.subscribe(to("t", 1))
			s.leave()
		}
		p := k.connect(proto.V5, "p")
		for i := range 59 {
			p.send(pub("t", "m", 1, 1), pub("t", "m", 1, 2))
			if i == 0 {
				log.want(t, "level=WARN", `msg="client misses messages"`, "client=a", "user=ann", "messages=1")
			}
			k.pass(time.Second)
		}
		if n := len(log.lines("misses")); n != 2 {
			t.Errorf("%d lines in a minute for two clients\n%s", n, log.b.String())
		}
		k.pass(time.Minute)
		p.send(pub("t", "m", 1, 1))
		log.want(t, `msg="client misses messages"`, "client=b", "messages=117")
		if n := len(log.lines("")); n != 4 {
			t.Errorf("%d lines\n%s", n, log.b.String())
		}
	})
}

// A refused login is logged at the default level. A flood of them is not.
func TestLogOfRefusedLogins(t *testing.T) {
	log, logger := logTo(slog.LevelWarn)
	in(t, Options{Log: logger, Auth: passwords{"ann": "secret"}}, func(k *bench) {
		for i, v := range []proto.Version{proto.V31, proto.V311, proto.V5} {
			p := k.open(v, fmt.Sprint("c", i), user("ann"))
			p.next()
			log.want(t, "level=WARN", `msg="login refused"`, fmt.Sprint("client=c", i), "user=ann", "remote=")
		}
		for i := range 1000 {
			k.open(proto.V5, fmt.Sprint("flood", i), user("mallory")).next()
		}
		if n := len(log.lines("mallory")); n > refusalBurst {
			t.Errorf("%d lines", n)
		}
		k.pass(time.Minute)
		k.open(proto.V5, "last", user("ann")).next()
		log.want(t, `msg="login refused"`, "client=last", "more=98")
	})
}

// What a peer sends is bounded and escaped in the log.
func TestLogShowsNoRawText(t *testing.T) {
	for s, want := range map[string]string{
		"plain é": "plain é", "a\nb": `a\nb`, "\x1b[31m": `\x1b[31m`, "\u202ex": `\u202ex`, "\u009b1m": `\u009b1m`,
		strings.Repeat("é", 150): strings.Repeat("é", 100) + "…", "x" + strings.Repeat("é", 150): "x" + strings.Repeat("é", 99) + "…",
		"\xff": `\xff`,
	} {
		if got := escaped(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	log, logger := logTo(slog.LevelDebug)
	in(t, Options{Log: logger}, func(k *bench) {
		k.misbehaves()
		evil := "\u202e\u009b31m" + strings.Repeat("é", 1000)
		p := k.connect(proto.V5, evil, user(evil))
		p.send(pub("$"+evil, "", 1, 1))
		p.asking(2, "a#"+evil, 0)
		synctest.Wait()
		p.cut()
	})
	for _, l := range log.lines("") {
		if strings.Contains(l, "\u202e") || strings.Contains(l, "\u009b") || len(l) > 2000 || !utf8.ValidString(l) {
			t.Errorf("%q", l)
		}
	}
}

// A reason string is cut between characters.
func TestClip(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "short": "short", strings.Repeat("x", 300): strings.Repeat("x", 200), strings.Repeat("é", 150): strings.Repeat("é", 100),
		"x" + strings.Repeat("é", 150): "x" + strings.Repeat("é", 99), "xx" + strings.Repeat("世", 100): "xx" + strings.Repeat("世", 66),
		"a\x00": "malformed",
	} {
		if got := clip(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// At the default level there is one line a minute for a group in which no member has room.
func TestLogOfAShareThatIsFull(t *testing.T) {
	log, logger := logTo(slog.LevelWarn)
	in(t, Options{Log: logger, QueueMessages: 1}, func(k *bench) {
		s := k.connect(proto.V5, "s", expiry(1000))
		s.subscribe(to("$share/g/t", 1))
		s.leave()
		p := k.connect(proto.V5, "p")
		for range 30 {
			p.send(pub("t", "m", 1, 1), pub("t", "m", 1, 2))
			k.pass(time.Second)
		}
		log.want(t, "level=WARN", `msg="share misses messages"`, "share=$share/g/t", "messages=1")
		k.pass(time.Minute)
		p.send(pub("t", "m", 1, 1))
		log.want(t, `msg="share misses messages"`, "messages=59")
	})
}
