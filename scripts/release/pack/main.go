// Command pack writes a folder into a .tar.gz or .zip whose bytes depend on nothing but the files: names in order, one
// time for all, no owner, two modes. It replaces tar and zip, whose output differs between systems.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pack OUT.tar.gz|OUT.zip FOLDER UNIX-SECONDS")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// writer takes the files of one archive, one after the other.
type writer interface {
	add(name string, mode fs.FileMode, size int64) (io.Writer, error)
	Close() error
}

func pack(out, folder, seconds string) (err error) {
	epoch, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("time of the files: %w", err)
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	var w writer
	if at := time.Unix(epoch, 0).UTC(); strings.HasSuffix(out, ".zip") {
		w = &zipWriter{zip.NewWriter(f), at}
	} else {
		z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
		if err != nil {
			return err
		}
		w = &tarWriter{tar.NewWriter(z), z, at}
	}
	// WalkDir goes in lexical order.
	err = filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rest, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		return add(w, file, path.Join(filepath.Base(folder), filepath.ToSlash(rest)))
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// add copies one file: 0755 for what can be executed, else 0644.
func add(w writer, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	to, err := w.add(name, mode, info.Size())
	if err != nil {
		return err
	}
	_, err = io.Copy(to, f)
	return err
}

type tarWriter struct {
	*tar.Writer
	z  *gzip.Writer
	at time.Time
}

func (w *tarWriter) add(name string, mode fs.FileMode, size int64) (io.Writer, error) {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(mode), Size: size, ModTime: w.at, Format: tar.FormatUSTAR}
	return w.Writer, w.WriteHeader(h)
}

func (w *tarWriter) Close() error {
	if err := w.Writer.Close(); err != nil {
		return err
	}
	return w.z.Close()
}

type zipWriter struct {
	*zip.Writer
	at time.Time
}

func (w *zipWriter) add(name string, mode fs.FileMode, _ int64) (io.Writer, error) {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: w.at}
	h.SetMode(mode)
	return w.CreateHeader(h)
}
