package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	compactFrom = 16 << 20 // bytes of pages: below, it is not worth it
	compactTurn = 16 << 20 // bytes of one transaction
)

// openState locks the bbolt file and opens it. bbolt never gives back what it does not
// use: where that is more than half of a file of some size, the rest is copied into
// another one, which takes its place.
func openState(path string, note func(string)) (db *bolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a file shorter than it says
	defer catch(&err)
	roomy := false
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		free, all, size, err := checkPages(path)
		if err != nil {
			return nil, err
		}
		roomy = free > all/2 && int64(all)*size >= compactFrom
	}
	if db, err = lockState(path); err != nil {
		return nil, err
	}
	fresh := path + ".new"
	os.Remove(fresh) // a run before was broken off
	if !roomy {
		return db, nil
	}
	if err = compact(db, path, fresh); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		os.Remove(fresh)
		if note != nil {
			note(fmt.Sprintf("%s stays larger than it need be: %v", path, err))
		}
		return db, nil
	}
	next, err := lockState(path)
	err = errors.Join(err, syncFolder(filepath.Dir(path)), db.Close()) // so there is a lock all the time
	if err != nil && next != nil {
		next.Close()
	}
	return next, err
}

// lockState opens the file that has the name once its lock is held: one that was waited
// for may have been replaced meanwhile.
func lockState(path string) (*bolt.DB, error) {
	for {
		var file *os.File
		db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
				file, err = os.OpenFile(name, flag, mode)
				return file, err
			}})
		if err != nil {
			return nil, err
		}
		ours, err := file.Stat()
		named, err2 := os.Stat(path)
		if err = errors.Join(err, err2); err == nil && os.SameFile(ours, named) {
			return db, nil
		}
		if err = errors.Join(err, db.Close()); err != nil {
			return nil, err
		}
	}
}

// compact copies what db has into the file fresh, and returns when all of it is on disk.
func compact(db *bolt.DB, path, fresh string) (err error) {
	defer catch(&err)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	to, err := bolt.Open(fresh, info.Mode().Perm(), &bolt.Options{NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	defer to.Close()
	if err := bolt.Compact(to, db, compactTurn); err != nil {
		return err
	}
	return errors.Join(to.Sync(), to.Close())
}
