//go:build !unix

package cli

import "os"

// pipeHasRoom reports false: the system does not tell.
func pipeHasRoom(*os.File, int) bool { return false }

// awaitReaderGone returns false: the system does not tell.
func awaitReaderGone(*os.File) bool { return false }
