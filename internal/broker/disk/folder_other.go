//go:build !unix

package disk

// syncFolder does nothing where a folder cannot be opened: its names are kept by the
// system.
func syncFolder(string) error { return nil }
