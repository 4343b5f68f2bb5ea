// Package broker is an MQTT server that runs in one process: versions 3.1, 3.1.1 and 5.0 over any
// net.Listener.
//
// A Broker owns sessions, subscriptions and retained messages. A connection is a client. One
// goroutine reads from it and routes its messages, a second exists only while there is something to
// write, and a third while retained messages are being delivered to it. A batch holds the packets
// of one read. All of them are handled before any writer is woken, so a flood takes each session's
// lock once a batch and not once a message.
//
// Locks, in the order in which they are taken: Store.Begin, retained.topicLocks, retained.mu,
// router.mu, session.mu, Broker.mu. No goroutine waits for a peer while it holds one of them, and
// none is held for work whose size a client chooses.
//
// What a client asks for costs the following, in steps of which none holds a lock for long:
//
//   - A subscription costs its levels. Its retained messages cost as many topics as match, and for
//     each + the topics of its level that do not match.
//   - The first message of a topic costs the filters that could match, and their levels. After that
//     the route is cached until a subscription changes.
//   - The end of a session costs its subscriptions, its messages, and the members of its shared
//     subscriptions.
//
// The package never prints, exits, reads the environment or opens a listener.
package broker
