package disk

import (
	"fmt"
	"os"
)

// segment is the segment of the log that is written. It belongs to the goroutine that writes.
type segment struct {
	number uint64
	path   string
	file   *os.File
	size   int64  // where the next frame begins
	synced int64  // bytes on disk
	sum    uint32 // chained checksum of the frames
}

// createSegment makes an empty segment and returns when it is on disk. It uses a spare file if
// there is one: overwriting allocated blocks is faster than extending a file.
func (s *Store) createSegment(number uint64) (*segment, error) {
	p := &segment{number: number, path: s.segmentPath(number)}
	var err error
	if spare := s.takeSpare(); spare != "" {
		if err = os.Rename(spare, p.path); err == nil {
			p.file, err = os.OpenFile(p.path, os.O_RDWR, 0)
		}
	} else {
		p.file, err = os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", p.path, err)
	}
	if err = p.writeHeader(s.folder); err == nil {
		err = syncFolder(s.dir)
	}
	if err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

func (p *segment) writeHeader(folder uint64) error {
	b := appendHeader(nil, kindSegment, p.number, folder)
	p.size = int64(len(b))
	p.sum = chain(0, b)
	b = appendEnd(b, p.number, p.size, 0)
	if _, err := p.file.WriteAt(b, 0); err != nil {
		return err
	}
	return p.sync()
}

// append writes a data frame, and after it the end frame that the next append replaces. b
// begins with room for the head. It is returned with its length unchanged.
func (p *segment) append(b []byte) ([]byte, error) {
	n := len(b)
	seal(b, magicData, p.number, p.size, p.synced)
	b = appendEnd(b, p.number, p.size+int64(n), p.synced)
	_, err := p.file.WriteAt(b, p.size)
	p.size += int64(n)
	p.sum = chain(p.sum, b[:n])
	return b[:n], err // of os.File, which names the path
}

// sync returns when all that was appended is on disk.
func (p *segment) sync() error {
	if p.synced == p.size {
		return nil
	}
	if err := dataSync(p.file); err != nil {
		return fmt.Errorf("sync %s: %w", p.path, err)
	}
	p.synced = p.size
	return nil
}

// listed returns the segment as the manifest lists it when nothing more is appended.
func (p *segment) listed() listedFile { return listedFile{p.number, p.size, p.sum} }
