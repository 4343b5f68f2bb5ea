//go:build !linux

package serve

// reapOrphans does nothing: only on Linux is this program run as process 1.
func reapOrphans(int) (stop func()) { return func() {} }
