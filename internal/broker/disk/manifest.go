package disk

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
)

// manifest lists the files that have the state of the broker. It is a text of lines:
//
//	mqtt-data 4
//	folder 0f1e2d3c4b5a6978
//	snapshot 7 81920 1a2b3c4d
//	segment 8 67108871 5e6f7a8b
//	segment 9
//	checksum 9c0d1e2f
//
// The snapshot line is left out as long as there is none. Each file has a number, a size and a
// checksum, except for the newest segment, which is being written. The last line has the CRC-32C
// of the lines above it.
type manifest struct {
	folder   uint64     // random, and in the header of every file
	snapshot listedFile // number 0: none. It has all segments up to its number.
	segments []listedFile
	newest   uint64 // number of the segment that is written
}

// listedFile is a file to which nothing more is written.
type listedFile struct {
	number uint64
	size   int64
	sum    uint32
}

const (
	manifestName   = "manifest"
	manifestTitle  = "mqtt-data"
	manifestFormat = 4

	// firstSegment is not 1: versions with formats 2 and 3 refuse a folder that has no log-1,
	// and so do not take a folder of this format for an empty one.
	firstSegment = 2
)

// ErrFormat is in the error for a folder that another version of this program has written.
var ErrFormat = errors.New("it was written by another version of this program")

func (m *manifest) append(b []byte) []byte {
	b = fmt.Appendf(b, "%s %d\nfolder %016x\n", manifestTitle, manifestFormat, m.folder)
	if m.snapshot.number > 0 {
		b = fmt.Appendf(b, "snapshot %d %d %08x\n", m.snapshot.number, m.snapshot.size, m.snapshot.sum)
	}
	for _, f := range m.segments {
		b = fmt.Appendf(b, "segment %d %d %08x\n", f.number, f.size, f.sum)
	}
	b = fmt.Appendf(b, "segment %d\n", m.newest)
	return fmt.Appendf(b, "checksum %08x\n", crc32.Checksum(b, crcTable()))
}

// parseManifest is the inverse of append. It accepts nothing that append does not write.
func parseManifest(b []byte) (*manifest, error) {
	lines := strings.Split(string(b), "\n")
	var format int
	if n, _ := fmt.Sscanf(lines[0], manifestTitle+" %d", &format); n == 1 && format != manifestFormat {
		return nil, fmt.Errorf("%w: the format is %d, not %d", ErrFormat, format, manifestFormat)
	}
	m := &manifest{}
	for _, line := range lines[1:] {
		var f listedFile
		kind, values, _ := strings.Cut(line, " ")
		switch kind {
		case "folder":
			fmt.Sscanf(values, "%x", &m.folder)
		case "snapshot":
			fmt.Sscanf(values, "%d %d %x", &f.number, &f.size, &f.sum)
			m.snapshot = f
		case "segment":
			if n, _ := fmt.Sscanf(values, "%d %d %x", &f.number, &f.size, &f.sum); n == 3 {
				m.segments = append(m.segments, f)
			} else {
				m.newest = f.number
			}
		}
	}
	if !bytes.Equal(m.append(nil), b) {
		return nil, fmt.Errorf("%w: its checksum does not match", ErrDamaged)
	}
	return m, nil
}

// readManifest returns nil if the folder has none.
func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, manifestName)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// writeManifest replaces the manifest and returns when the new one is on disk.
func writeManifest(dir string, m *manifest) error {
	path := filepath.Join(dir, manifestName)
	if err := writeFile(path+newSuffix, m.append(nil)); err != nil {
		return err
	}
	if err := os.Rename(path+newSuffix, path); err != nil {
		return fmt.Errorf("replace the manifest: %w", err)
	}
	return syncFolder(dir)
}

// writeFile writes a file and returns when it is on disk.
func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
