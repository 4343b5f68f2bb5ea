//go:build unix

package disk

import (
	"fmt"
	"os"
)

// syncFolder waits until the names in dir are on disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write %s to disk: %w", dir, err)
	}
	return nil
}
