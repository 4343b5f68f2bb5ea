package access

import "github.com/rogpeppe/go-internal/lockedfile"

// lockBeside locks a file of its own in the folder of path. That file is not removed, since another
// process may wait for it.
func lockBeside(path string) (unlock func(), err error) {
	return lockedfile.MutexAt(path + ".lock").Lock()
}
