//go:build !unix

package disk

// syncFolder does nothing: on this system a folder cannot be synced.
func syncFolder(string) error { return nil }
