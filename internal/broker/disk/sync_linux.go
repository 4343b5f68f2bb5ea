package disk

import (
	"os"
	"syscall"
)

// dataSync waits until the bytes of f are on disk, and what is needed to find them.
func dataSync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
