package screen

import (
	"strings"
	"time"

	"mqtt/internal/format"
)

// header draws the first line: the connection on the left, totals on the right. What has no room is
// left out, the least important first.
func (u *ui) header(now time.Time) string {
	lefts, rights := u.connection(now), u.totals()
	p := u.s.cfg.Palette
	order := [...][2]int{{0, 0}, {1, 0}, {2, 0}, {2, 1}, {3, 1}, {3, 2}, {4, 2}}
	if u.conn.Phase == Lost { // why it was lost matters more than totals
		order = [...][2]int{{0, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}, {3, 2}, {4, 2}}
	}
	for _, pair := range order {
		l, r := lefts[min(pair[0], len(lefts)-1)], rights[pair[1]]
		gap := u.width - width(l) - width(r)
		if gap < 2 && pair[0] != 4 {
			continue
		}
		r = cut(r, max(u.width-width(l)-1, 0))
		gap = max(u.width-width(l)-width(r), 0)
		if u.summary.Paused {
			r = p.Warning(r)
		} else {
			r = p.Bold(r)
		}
		if u.conn.Phase == Connected {
			l = p.Topic(l)
		} else {
			l = p.Error(l)
		}
		return l + strings.Repeat(" ", gap) + r
	}
	return ""
}

// connection returns texts about the connection, from long to short.
func (u *ui) connection(now time.Time) []string {
	server := safe([]byte(u.s.cfg.Server))
	if u.conn.Phase == Lost {
		next := "trying again"
		if wait := u.conn.Retry.Sub(now); !u.conn.Retry.IsZero() && wait > 0 {
			next = "next try in " + wholeSeconds(wait+time.Second-1)
		}
		reason := cut(safe([]byte(u.conn.Reason)), max(u.width/2, 10))
		return []string{"○ " + server + "  lost: " + reason + "; " + next, "○ lost: " + reason + "; " + next, "○ lost; " + next, "○ lost", "○"}
	}
	id := cutMiddle(safe([]byte(u.conn.ClientID)), 30)
	start := "● connected"
	return []string{start + "  " + server + "  " + id + "  MQTT " + u.conn.Version.String(), start + "  " + server + "  " + id, start + "  " + server, start, "●"}
}

// totals returns texts about all messages, from long to short.
func (u *ui) totals() [3]string {
	s := &u.summary
	paused, short := "", ""
	if s.Paused {
		paused, short = "PAUSED, "+format.Count(s.Behind)+" new  ", "PAUSED "
	}
	count := format.Count(s.Received)
	rest := "  " + format.Rate(s.Rate) + "  " + format.Plural(uint64(s.Topics), "topic")
	return [3]string{paused + format.Plural(s.Received, "message") + rest, short + count + rest, short + count}
}

// wholeSeconds returns d in seconds, minutes or hours. Smaller units would only flicker.
func wholeSeconds(d time.Duration) string { return format.WholeSeconds(d) }
