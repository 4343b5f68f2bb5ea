package disk

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Segments and snapshots are files of frames. A frame has a head and a content. The head, in
// little endian:
//
//	 0  magic, 4 bytes
//	 4  length of the content, uint32
//	 8  number of the file, uint64
//	16  how many bytes of the file were on disk when the frame was written, uint64
//	24  CRC-32C of the bytes above, of the frame's position in the file and of the content
//
// The number distinguishes the frames of a segment from those that an earlier segment left in the
// same file, and the position distinguishes a frame from a copy at another place.
//
// The first frame of a file is its header: what kind of file it is, and the identifier of the
// folder. Data frames follow, which contain records. An empty data frame marks the end.
const (
	frameHead   = 28
	magicHeader = "mqth"
	magicData   = "mqtd"
	headerSize  = frameHead + 1 + 8

	kindSegment  byte = 'L'
	kindSnapshot byte = 'S'
)

func crcTable() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// seal fills in the head of the frame b, which is written at byte at.
func seal(b []byte, magic string, number uint64, at, synced int64) {
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-frameHead))
	binary.LittleEndian.PutUint64(b[8:], number)
	binary.LittleEndian.PutUint64(b[16:], uint64(synced))
	binary.LittleEndian.PutUint32(b[24:], frameSum(b, at))
}

func frameSum(b []byte, at int64) uint32 {
	var position [8]byte
	binary.LittleEndian.PutUint64(position[:], uint64(at))
	sum := crc32.Update(crc32.Checksum(b[:24], crcTable()), crcTable(), position[:])
	return crc32.Update(sum, crcTable(), b[frameHead:])
}

// chain extends the checksum of a file by a sealed frame.
func chain(sum uint32, frame []byte) uint32 {
	return crc32.Update(sum, crcTable(), frame[24:frameHead])
}

// appendHeader appends the header frame of a file.
func appendHeader(b []byte, kind byte, number, folder uint64) []byte {
	n := len(b)
	b = append(append(b, make([]byte, frameHead)...), kind)
	b = binary.LittleEndian.AppendUint64(b, folder)
	seal(b[n:], magicHeader, number, int64(n), 0)
	return b
}

// appendEnd appends the empty frame that marks the end of a segment.
func appendEnd(b []byte, number uint64, at, synced int64) []byte {
	n := len(b)
	b = append(b, make([]byte, frameHead)...)
	seal(b[n:], magicData, number, at, synced)
	return b
}

// frameReader reads the frames of one file.
type frameReader struct {
	file     io.ReaderAt
	number   uint64
	limit    int64  // nothing beyond is read
	at       int64  // position of the next frame
	start    int64  // position of the content that next returned
	sum      uint32 // chained checksum of the frames before at
	synced   int64  // how much of the file was on disk, according to the last frame
	complete bool   // the empty frame was found
	b        []byte
}

// header reads the header frame. It reports whether the file is of that kind and of that
// folder.
func (f *frameReader) header(kind byte, folder uint64) (bool, error) {
	b, ok, err := f.frame(0, magicHeader)
	if err != nil || !ok || len(b) != headerSize || b[frameHead] != kind || binary.LittleEndian.Uint64(b[frameHead+1:]) != folder {
		return false, err
	}
	f.advance(b)
	return true, nil
}

// next returns the content of the next data frame, which is valid until the next call. It
// returns io.EOF where no whole frame follows: at the end, or where the file is damaged.
func (f *frameReader) next() ([]byte, error) {
	b, ok, err := f.frame(f.at, magicData)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, io.EOF
	}
	f.synced = int64(binary.LittleEndian.Uint64(b[16:]))
	if len(b) == frameHead {
		f.complete = true
		return nil, io.EOF
	}
	f.advance(b)
	return b[frameHead:], nil
}

func (f *frameReader) advance(b []byte) {
	f.start = f.at + frameHead
	f.at += int64(len(b))
	f.sum = chain(f.sum, b)
}

// frame reads the frame at that position. ok is false if there is no whole frame of this
// file; err is not nil only if the file could not be read.
func (f *frameReader) frame(at int64, magic string) (b []byte, ok bool, err error) {
	if cap(f.b) < frameHead {
		f.b = make([]byte, 64<<10)
	}
	b = f.b[:frameHead]
	if at+frameHead > f.limit {
		return nil, false, nil
	}
	if ok, err := readFull(f.file, b, at); !ok {
		return nil, false, err
	}
	length := int64(binary.LittleEndian.Uint32(b[4:]))
	if string(b[:4]) != magic || binary.LittleEndian.Uint64(b[8:]) != f.number || at+frameHead+length > f.limit {
		return nil, false, nil
	}
	if int64(cap(b)) < frameHead+length {
		f.b = append(make([]byte, 0, (frameHead+length)*5/4), b...)
	}
	b = f.b[:frameHead+length]
	if ok, err := readFull(f.file, b[frameHead:], at+frameHead); !ok {
		return nil, false, err
	}
	synced := int64(binary.LittleEndian.Uint64(b[16:]))
	ok = frameSum(b, at) == binary.LittleEndian.Uint32(b[24:]) && synced >= 0 && synced <= at
	return b, ok, nil
}

// readFull reads all of b. It returns false, and no error, if the file ends before.
func readFull(file io.ReaderAt, b []byte, at int64) (bool, error) {
	n, err := file.ReadAt(b, at)
	switch {
	case n == len(b):
		return true, nil
	case err == io.EOF:
		return false, nil
	}
	return false, err
}

// damagedEnd reports whether the place where next found the end was damaged, or has become older,
// and is not just the end of a write that was under way. It looks for a later frame that was written
// when the place was on disk already: such a frame proves that another frame was there.
func (f *frameReader) damagedEnd() (bool, error) {
	const window = 1 << 20
	buf := make([]byte, window+len(magicData))
	for at := f.at; at < f.limit; at += window {
		n, err := f.file.ReadAt(buf[:min(int64(len(buf)), f.limit-at)], at)
		if err != nil && err != io.EOF {
			return false, err
		}
		for i := 0; i < n; i++ {
			j := bytes.Index(buf[i:n], []byte(magicData))
			if j < 0 {
				break
			}
			i += j
			b, ok, err := f.frame(at+int64(i), magicData)
			if err != nil {
				return false, err
			}
			if ok && int64(binary.LittleEndian.Uint64(b[16:])) > f.at {
				return true, nil
			}
		}
	}
	return false, nil
}
