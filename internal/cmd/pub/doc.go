// Package pub is the pub command: it publishes messages.
//
// The flags describe a message.Source. A publisher takes messages from it and owns the connections:
// it keeps the window full, handles acknowledgements, connects again after a loss, and says at the
// end what became of the messages. It starts no goroutine of its own; a source that reads ahead
// wakes the connection.
package pub
