// Package screen draws a watch.Model on a terminal, and acts on keys. A Screen sits between two
// goroutines: the owner of the connection, which puts messages in and takes requests to publish out,
// and the program that draws. A lock around the model is all that they share, and it is never held
// while the terminal is written to: the owner does not wait for drawing.
package screen
