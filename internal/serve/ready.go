package serve

import (
	"errors"
	"io/fs"
	"os"

	"mqtt/internal/cli"
	"mqtt/internal/transport"
)

// ListenFailure returns the error of a listener that could not be opened, with its exit status: wrong flags, or an
// address that is not available.
func ListenFailure(err error) error {
	code := cli.ExitOther
	var t *transport.Error
	if errors.As(err, &t) && t.Phase == transport.Prepare {
		code = cli.ExitUsage
	}
	return &cli.Failure{Code: code, Err: err, Hint: transport.Hint(err)}
}

// CertificateFailure returns the error of certificates of a listener that cannot be used: it names the flag of the
// file, and says what to do.
func CertificateFailure(err error) error {
	var fault *transport.TargetError
	hint := transport.Hint(&transport.Error{Phase: transport.Prepare, Err: err})
	if !errors.As(err, &fault) {
		return cli.Fail(cli.ExitUsage, hint, "%w", err)
	}
	flag := map[string]string{"Cert": "--cert", "Key": "--key", "CAFile": "--cafile", "CRLFile": "--crl"}[fault.Field]
	switch {
	case hint != "":
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		hint = "check that the file exists and is readable"
	default:
		hint = "certificates, keys and revocation lists are read from files in PEM form"
	}
	return cli.BadFlag(flag, ": "+err.Error(), hint)
}

// WriteReady writes the file of --ready-file, which appears with all its content at once. If path is not
// a regular file, such as /dev/stdout, /dev/fd/3 or a FIFO, it is written to and stays what it is.
func WriteReady(path string, b []byte) error {
	err := writeWhole(path, b)
	if err == nil {
		return nil
	}
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err // it may name the unfinished file, of which the user knows nothing
	}
	return cli.Fail(cli.ExitOther, "check that the folder exists and is writable", "--ready-file %s: %w", path, err)
}

func writeWhole(path string, b []byte) error {
	if is, err := os.Lstat(path); err == nil && !is.Mode().IsRegular() && !is.IsDir() {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		return cli.FirstError(err, f.Close())
	}
	part := path + ".part"
	os.Remove(part) // of a run that was killed; a link goes, and not the file that it leads to
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := cli.FirstError(err, f.Close()); err != nil {
		os.Remove(part)
		return err
	}
	return os.Rename(part, path)
}
