//go:build !linux

package disk

import "os"

// dataSync waits until f is on disk.
func dataSync(f *os.File) error { return f.Sync() }
