//go:build !unix || aix || solaris || illumos

package main

import (
	"errors"
	"os"
)

// hideInput fails: a secret is never shown, so it must come from a file or pipe here.
func hideInput(*os.File) (show func(), err error) {
	return nil, errors.New("it cannot be typed unseen here: give it through a pipe, as in: type secret.txt | mqtt config add")
}
