// Package disk is the broker's Store in a folder: what it is told outlives the
// process, and with Sync 0 the machine.
//
// What happens is appended to a log, one frame for all that came together, and a
// Commit waits until the frame that has its records is on disk: many wait for one
// fsync. When a piece of the log is full, what is left of it goes into a bbolt file
// and the piece is used again. A start does the same with what the last run left, and
// then reads the bbolt file. The log is there because bbolt alone took 3 µs and more
// for a message that comes and goes, and the log 0.3.
//
// The bbolt file knows which piece was begun, and a full piece that the next one was: one
// that is gone, or is another file, is damage.
//
// The Store owns the folder, and a lock in it, between Open and Close. It never
// repairs by leaving out: what cannot be read is an error, except for the end of a
// write that was under way when the process died, which nobody was promised.
package disk
