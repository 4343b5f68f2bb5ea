package disk

import (
	"os"
	"syscall"
)

// dataSync returns when the content of f is on disk, with the metadata that is needed to read it.
func dataSync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
