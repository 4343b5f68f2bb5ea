package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// sessionLoss is what is known about sessions that the server did not keep until their
// clients came back.
type sessionLoss struct {
	count   uint64
	away    time.Duration // longest time that one of these clients was away
	wanted  uint32        // Session Expiry Interval of CONNECT in seconds, 0 if there was none
	granted uint32        // the shortest that the server granted to any client
	left    uint64        // sessions that could not be ended at the server
}

// sessionAfterConnect records the grant of a connection, and whether the server has the session of a
// client that came back. The caller is the goroutine of the client.
func (c *client) sessionAfterConnect(k *conn.Conn) {
	r := c.run
	if !r.plan.Config.Persistent {
		return
	}
	wanted := c.cfg.Connect.Props.Num(proto.SessionExpiryInterval, 0)
	granted := k.Server().Props.Num(proto.SessionExpiryInterval, wanted) // [MQTT-3.2.2-21]
	lost := c.reconnects && !k.Server().SessionPresent
	g := r.registry
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.sessions
	if s.wanted == 0 || granted < s.granted {
		s.granted = granted
	}
	s.wanted = wanted
	if lost {
		s.count++
		s.away = max(s.away, time.Duration(r.now()-c.leftAt))
	}
}

// notes adds the notes about sessions that were lost or left, or granted for a shorter time
// than wanted.
func (s *sessionLoss) notes(add func(about, remedy, text string, args ...any)) {
	shorter := s.granted < s.wanted
	switch {
	case s.count > 0 && shorter && s.away > time.Duration(s.granted)*time.Second:
		add("session", "--duration shorter than that, or a server that grants more",
			"%s expired before their clients came back: the server granted %s of the %s requested, and a client was away for %s",
			sessions(s.count), seconds(s.granted), seconds(s.wanted), format.Duration(s.away))
	case s.count > 0 && s.wanted > 0 && s.away > time.Duration(s.wanted)*time.Second:
		add("session", "-x SECONDS keeps sessions for longer", "%s expired before their clients came back: they lasted %s, and a client was away for %s",
			sessions(s.count), seconds(s.wanted), format.Duration(s.away))
	case s.count > 0:
		add("session", "", "the server did not keep %s until their clients came back (Session Present was 0), after at most %s",
			sessions(s.count), format.Duration(s.away))
	case shorter:
		add("session", "", "the server granted a session expiry of %s, and %s were requested", seconds(s.granted), seconds(s.wanted))
	}
	if s.left > 0 {
		add("session", "", "%s could not be ended: the server keeps them until they expire, in %s", sessions(s.left), seconds(s.granted))
	}
}

// sessions returns n with its noun.
func sessions(n uint64) string { return format.Count(n) + " " + plural(int(min(n, 2)), "session") }

// seconds returns a Session Expiry Interval for a person.
func seconds(n uint32) string {
	if n == 1<<32-1 {
		return "unlimited time"
	}
	return format.Duration(time.Duration(n) * time.Second)
}

// endSessions ends at the server the sessions of clients that have no connection any more: a
// new connection with a clean start and without a Session Expiry Interval replaces them. It
// stops when ctx ends.
func (r *run) endSessions(ctx context.Context) {
	if !r.plan.EndSessions {
		return
	}
	slots := make(chan struct{}, maxOpening)
	var working sync.WaitGroup
	for _, g := range []*group{r.pubs, r.subs, r.idlers} {
		for _, c := range g.clients {
			if !c.session.Established || c.ended {
				continue
			}
			slots <- struct{}{}
			working.Go(func() {
				defer func() { <-slots }()
				if !c.endSession(ctx) {
					r.registry.mu.Lock()
					r.registry.sessions.left++
					r.registry.mu.Unlock()
				}
			})
		}
	}
	working.Wait()
}

// endSession ends the session of a client without a connection, and reports whether it did.
func (c *client) endSession(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	cfg := *c.cfg
	cfg.Connect.CleanStart = true
	cfg.Connect.Props = cfg.Connect.Props.Without(proto.SessionExpiryInterval)
	cfg.Connect.Will = nil
	var s session.Session
	k, err := conn.Dial(ctx, &cfg, &s)
	if err != nil {
		return false
	}
	return k.Close(ctx, nil) == nil
}

// missingText says why deliveries at a QoS that forbids loss did not come.
func missingText(qos int, sessionsLost uint64) string {
	if sessionsLost > 0 {
		return fmt.Sprintf("after %s that the server had not kept", sessions(sessionsLost))
	}
	return fmt.Sprintf("which QoS %d forbids", qos)
}
