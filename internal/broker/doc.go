// Package broker is an MQTT server for one process: 3.1, 3.1.1 and 5.0 over any
// net.Listener.
//
// A Broker owns sessions, subscriptions and retained messages. A connection is a
// client: one goroutine reads and routes, a second exists only while there is
// something to write, and a third while retained messages are on their way to it. A batch is what one read brought; all of it is handled before
// anybody is woken, so that a flood costs a lock a session and not one a message.
//
// Locks, in the order in which they are taken: Store.Begin, the turns of those who publish
// retained messages, retained.mu, router.mu, session.mu, Broker.mu. Nobody waits for a peer
// with one of them in hand, and none is held for work whose size a client chooses.
//
// What clients ask for costs, in steps of which none holds a lock for long:
//
//   - a subscription: its levels. Its retained messages: those that match, and for each + those topics
//     of its level that do not.
//   - the first message of a topic: the filters that could match, and their levels; then a copy of the
//     route is at hand until a subscription changes.
//   - the end of a session: its subscriptions, its messages, and the members of its shares.
//
// The package never prints, exits, reads the environment or opens a listener.
package broker
