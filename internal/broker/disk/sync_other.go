//go:build !linux

package disk

import "os"

// dataSync returns when f is on disk.
func dataSync(f *os.File) error { return f.Sync() }
