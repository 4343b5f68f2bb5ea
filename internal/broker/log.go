package broker

import (
	"context"
	"log/slog"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// note is a line for the log. Notes are made while locks are held and written afterwards, because a
// write to the log may block.
type note struct {
	level slog.Level
	what  string
	attrs []slog.Attr
}

// mostNotes limits the notes of one batch.
const maxNotes = 100

// noting reports whether the log is at debug level.
func (b *Broker) noting() bool { return b.opt.Log.Enabled(context.Background(), slog.LevelDebug) }

func (t *tally) note(level slog.Level, what string, attrs ...slog.Attr) {
	if len(t.notes) == maxNotes {
		t.unnoted++
		return
	}
	t.notes = append(t.notes, note{level, what, attrs})
}

// write writes the notes. No lock is held.
func (t *tally) write(log *slog.Logger) {
	for _, n := range t.notes {
		log.LogAttrs(context.Background(), n.level, n.what, n.attrs...)
	}
	if t.unnoted > 0 {
		log.Debug("log lines skipped", "lines", t.unnoted)
	}
}

// escaped returns text of a peer for the log: at most 200 bytes of it, with non-printable
// characters escaped.
func escaped(s string) string {
	const most = 200
	plain := len(s) <= most
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	if len(s) > most {
		s = shorten(s, most) + "…"
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// clientAttrs returns the attributes that name a client and its user.
func clientAttrs(who *Identity) []slog.Attr {
	if who == nil {
		return nil
	}
	user, _ := who.User()
	return []slog.Attr{slog.String("client", escaped(who.ClientID)), slog.String("user", escaped(user))}
}

// Reasons why a session does not get a message.
const (
	whySlow     = "the client reads too slowly"
	whyFull     = "its queue is full"
	whyMemory   = "the broker's memory is used up"
	whyTooLarge = "it exceeds the client's Maximum Packet Size"
	whyExpired  = "it has expired"
	whyRights   = "the user may not read it any more"
)

// missPause is the minimum time between two log lines about messages that one session misses.
const missPause = time.Minute

// drop counts n messages that the session does not get; m is the first. At debug level it notes
// every call. At other levels it notes at most once in missPause that the session misses messages.
// s.mu is held.
func (t *tally) drop(s *session, m *Message, n int, why string) {
	t.dropped += n
	b := s.b
	if b.noting() {
		t.note(slog.LevelDebug, "message dropped", append(clientAttrs(s.who.Load()), slog.String("topic", escaped(string(m.Topic))),
			slog.Int("messages", n), slog.String("why", why))...)
	}
	if why == whyExpired || why == whyRights {
		return
	}
	s.missed += n
	now := b.moment(time.Now())
	if s.missedAt != 0 && now-s.missedAt < int64(missPause) {
		return
	}
	t.note(slog.LevelWarn, "client misses messages", append(clientAttrs(s.who.Load()), slog.Int("messages", s.missed), slog.String("why", why))...)
	s.missed, s.missedAt = 0, now
}

// noteRefused notes a message that the client must not publish.
func (c *client) noteRefused(t *tally, topic []byte, qos byte, r proto.Reason, why string) {
	t.refused++
	if !c.b.noting() {
		return
	}
	attrs := append(clientAttrs(c.who), slog.String("topic", escaped(string(topic))), slog.Int("qos", int(qos)),
		slog.String("version", c.v.String()), slog.String("reason", r.Name(proto.PUBACK)))
	if why != "" {
		attrs = append(attrs, slog.String("why", why))
	}
	t.note(slog.LevelDebug, "publish refused", attrs...)
}

// noteDenied notes a refused subscription.
func (c *client) noteDenied(t *tally, filter string, v verdict) {
	if c.b.noting() {
		t.note(slog.LevelDebug, "subscription refused", append(clientAttrs(c.who), slog.String("filter", escaped(filter)),
			slog.String("reason", v.reason.Name(proto.SUBACK)), slog.String("why", escaped(v.why)))...)
	}
}

// Refused logins are logged up to refusalBurst at once, and after that one in refusalPause.
const (
	refusalBurst = 20
	refusalPause = time.Second
)

// refusals limits the log lines about refused logins. At debug level there is no limit.
type refusals struct {
	left    int
	at      time.Time
	skipped int
}

// allow reports whether a line may be written, and how many lines were skipped since the last one.
func (r *refusals) allow(now time.Time) (ok bool, skipped int) {
	if more := int(now.Sub(r.at) / refusalPause); r.at.IsZero() || more >= refusalBurst {
		r.left, r.at = refusalBurst, now
	} else if more > 0 {
		r.left = min(refusalBurst, r.left+more)
		r.at = r.at.Add(time.Duration(more) * refusalPause)
	}
	if r.left == 0 {
		r.skipped++
		return false, 0
	}
	r.left--
	skipped, r.skipped = r.skipped, 0
	return true, skipped
}

// logRefusal logs that a connection was refused. No lock is held.
func (c *client) logRefusal(err error) {
	b := c.b
	attrs := []slog.Attr{slog.String("remote", c.conn.RemoteAddr().String()), slog.String("error", err.Error())}
	if !c.answered && !c.foreign {
		b.opt.Log.LogAttrs(context.Background(), slog.LevelInfo, "connection refused", attrs...)
		return
	}
	b.refusalsMu.Lock()
	ok, skipped := b.refusals.allow(time.Now())
	b.refusalsMu.Unlock()
	level := slog.LevelWarn
	if !ok {
		level = slog.LevelDebug
	}
	if skipped > 0 {
		attrs = append(attrs, slog.Int("more", skipped))
	}
	what := "login refused"
	if c.foreign {
		what = "connection refused"
	}
	b.opt.Log.LogAttrs(context.Background(), level, what, append(clientAttrs(c.who), attrs...)...)
}
