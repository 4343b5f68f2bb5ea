package bench

import (
	"fmt"
	"time"

	"mqtt/internal/format"
)

// tolerated is the share of messages, 1/tolerated, that may be sent late before a note says
// so.
const tolerated = 100

// notes returns the notes of res. The most important one says that the generator itself was
// the bottleneck.
func (r *run) notes(res *Result, n *counts) []Note {
	var all []Note
	add := func(about, remedy, text string, args ...any) {
		all = append(all, Note{About: about, Text: fmt.Sprintf(text, args...), Remedy: remedy})
	}
	r.generatorNotes(res, n, add)
	p := r.plan
	for _, k := range res.ErrorKinds {
		switch k.Kind {
		case "descriptors":
			add("limits", "raise it: ulimit -n", "%s connections failed because this machine ran out of open files, not because of the server", format.Count(k.Count))
		case "ports":
			add("limits", "give several addresses with --bind a,b,c", "%s connections failed because this machine ran out of local ports, not because of the server", format.Count(k.Count))
		}
	}
	r.accountingNotes(res, n, add)
	if p.Publishers > 0 && p.Rate == 0 && res.Sent > 0 && res.Latency != nil && res.Latency.Count()+res.Ack.Count() > 0 {
		text := "as fast as it goes: latency is time in the queue, since each publisher keeps its window of " + format.Count(uint64(p.Window)) + " full"
		if p.QoS == 0 {
			text = "as fast as it goes: latency is time in the queues on the way, since messages leave as fast as the server takes them (--inflight has no effect at QoS 0)"
		}
		add("latency", "--rate measures the server", "%s", text)
	}
	if n.untimed > 0 {
		add("clock", "give all processes the same --run NAME",
			"the clocks of %s messages from other machines could not be compared: their latency is not reported", format.Count(n.untimed))
	} else if res.Clock.Mode == Estimated {
		all = append(all, res.Clock.note())
	}
	if g := r.lowered.Load(); g > 0 {
		add("server", "", "%s granted a lower QoS than %d", were(uint64(g), "subscription"), p.QoS)
	}
	r.registry.sessions.notes(add)
	if res.Lost > 0 && res.SessionsLost == 0 && !res.Drained.Complete && p.Publishers > 0 {
		what, remedy := "nothing more arrived for "+format.Duration(p.Drain), "--drain waits longer"
		if r.interrupted {
			what, remedy = "the run was interrupted", ""
		}
		add("drain", remedy, "%s of %s expected deliveries were missing when %s: lost, or late", format.Count(res.Lost), format.Count(res.Expected), what)
	}
	if p.Publishers == 0 && p.Clients == 0 && res.Received == 0 {
		add("server", "start the publishers, or compare --filter with their topics", "nothing was received")
	}
	if res.Unsent > 0 {
		add("server", "", "%s messages were never sent: their publishers had no connection, or the server stopped reading", format.Count(res.Unsent))
	}
	if s := res.Shortfall(); s != nil && s.Unacknowledged > 0 {
		add("server", "", "%s of %s messages sent were not acknowledged", format.Count(s.Unacknowledged), format.Count(s.Sent))
	}
	if p.Churn > 0 && p.Subscribers > 0 && !res.Config.Persistent {
		add("server", "-c -i PREFIX keeps sessions", "subscribers without sessions lose messages that are sent while they are disconnected")
	}
	return all
}

// were returns "1 message was", "2 messages were".
func were(n uint64, one string) string {
	if n == 1 {
		return format.Plural(n, one) + " was"
	}
	return format.Plural(n, one) + " were"
}

// accountingNotes adds what could not be accounted for, and why.
func (r *run) accountingNotes(res *Result, n *counts, add func(about, remedy, text string, args ...any)) {
	p := r.plan
	switch {
	case p.Clients > 0:
	case p.Carrier == NoHeader:
		add("accounting", "make the payload at least 28 bytes with --size, or use MQTT 5",
			"messages carry no publisher and sequence: lost is a difference of counts, duplicates, order and latency are not known")
	case r.withoutHeader.Load():
		add("accounting", "-V 5, or --size of 28 or more", "the server speaks no MQTT 5, so messages carry no publisher and sequence: only counts are known")
	case n.unknown > 0: // there is a note of its own
	case !res.Accounted && res.sharedElsewhere():
		add("accounting", "merge with the results of all members: mqtt bench report", sharedText)
	case !res.Accounted && res.Config.Publishers > 0:
		add("accounting", "choose filters that match all topics of a publisher or none", "a filter matches only some topics of a publisher: lost messages cannot be counted")
	case !res.Accounted && p.RunName == "":
		add("accounting", "give publishers and subscribers the same --run NAME, and merge their results: mqtt bench report", elsewhereText)
	case !res.Accounted:
		add("accounting", "merge with the publishers' results: mqtt bench report", elsewhereText)
	}
	if res.Accounted && res.Sent > 0 && len(res.Filters) > 0 && res.Expected+n.refused == 0 {
		add("accounting", "choose a --filter that matches -t", "no filter matches the topics: no message was expected, and no latency was measured")
	}
	if n.unknown > 0 {
		add("accounting", "share the load between machines, and merge: mqtt bench report",
			"there was no memory left to remember which messages were missing: whether %s of them came for the first time or again is unknown, so lost, duplicated and reordered are unknown",
			format.Count(n.unknown))
	}
	if n.foreign > 0 {
		add("accounting", "another -t keeps runs apart", "%s messages were not of this run, such as retained ones", format.Count(n.foreign))
	}
}

// note returns the note about an estimated clock.
func (c *Clock) note() Note {
	return Note{About: "clock", Text: fmt.Sprintf("latency is between two clocks: their difference was estimated as %s, with an error of up to %s",
		format.Duration(time.Duration(c.Offset*1e3)), format.Duration(time.Duration(c.Error*1e3)))}
}

// generatorNotes adds why messages were sent late, and which part of this machine was too slow.
func (r *run) generatorNotes(res *Result, n *counts, add func(about, remedy, text string, args ...any)) {
	m := &res.Machines[0]
	busy := m.CPUs > 0 && m.CPU > 0.9*float64(m.CPUs)
	pause := time.Duration(m.GC * 1e3)
	lag := res.Lag.At(99)
	many := func(late uint64) bool { return late*tolerated > uint64(res.Lag.Count()) }
	own := n.lateSends - n.lateOffline - n.lateBlocked
	late := " (p99 of the lag " + format.Duration(lag) + ")"
	if n.lateOffline > 0 {
		late = "" // the outage caused that lag
		add("server", "", "%s messages were due while their publishers had no connection, and were sent late: the latency includes that outage",
			format.Count(n.lateOffline))
	}
	switch {
	case many(n.lateBlocked) && n.lateBlocked > own:
		add("server", "raise --inflight; or the rate is more than the server can take",
			"messages were sent late%s because the window was full or the server read too slowly", late)
	case many(own):
		what, remedy := "other programs on this machine", "give the generator a core of its own"
		switch {
		case busy:
			what, remedy = "the processor", "share the load between machines, and merge: mqtt bench report"
		case pause >= lag:
			what, remedy = "the garbage collector", "GOGC=400 makes it run less often"
		}
		add("generator", remedy, "the generator was the bottleneck: messages were sent late%s because of %s", late, what)
	case busy:
		add("generator", "share the load between machines, and merge: mqtt bench report",
			"the generator used %.1f of %d cores: the numbers may show its limits", m.CPU, m.CPUs)
	}
}

// recordGrant records the QoS with which the server granted a filter.
func (r *run) recordGrant(granted byte) {
	if granted >= r.plan.QoS {
		return
	}
	r.lowered.Add(1)
	less := int32(r.plan.QoS - granted)
	for was := r.loweredBy.Load(); was < less && !r.loweredBy.CompareAndSwap(was, less); was = r.loweredBy.Load() {
	}
}
