// Package disk is a [broker.Store] in a folder. What it records survives the end of the
// process and, with Sync 0, a power failure.
//
// Records are appended to a log. All records that are pending are written as one frame, and
// a Commit returns when the frame with its records is on disk, so many callers share one
// fsync. The log is divided into segments. A goroutine merges full segments with the last
// snapshot into a new snapshot, which holds only what is left, and then removes them. Load
// reads the snapshot and the segments after it in the same way.
//
// The manifest lists the snapshot and the segments. It is replaced by renaming, and has the
// size and the checksum of every file that is no longer written. A file that is missing,
// changed or older than the manifest is therefore reported as damage. The end of the newest
// segment may be incomplete: such a write was under way when the process was killed, and no Commit
// has returned for it.
//
// A Store owns its folder and the lock in it from Open to Close. It never repairs by leaving
// something out.
package disk
