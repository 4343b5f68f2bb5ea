package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

const (
	snapshotFrame = 256 << 10 // bytes from which a frame is written
	snapshotSync  = 8 << 20   // bytes between two syncs: less disturbance for the log's
)

// snapshotWriter is the sink that writes a snapshot. A message and its entries are in the same
// frame.
type snapshotWriter struct {
	file   *os.File
	path   string
	number uint64
	b      []byte // the frame, with room for its head
	size   int64
	synced int64
	sum    uint32
}

func createSnapshot(path string, number, folder uint64) (*snapshotWriter, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	w := &snapshotWriter{file: file, path: path, number: number}
	header := appendHeader(nil, kindSnapshot, number, folder)
	w.sum = chain(0, header)
	if err := w.write(header); err != nil {
		w.abort()
		return nil, err
	}
	w.b = make([]byte, frameHead, snapshotFrame+snapshotFrame/4)
	return w, nil
}

func (w *snapshotWriter) write(b []byte) error {
	if _, err := w.file.Write(b); err != nil {
		return err
	}
	w.size += int64(len(b))
	return nil
}

// room writes the frame if it is large enough. A frame may only end there.
func (w *snapshotWriter) room() error {
	if len(w.b) < snapshotFrame {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	if w.size-w.synced < snapshotSync {
		return nil
	}
	w.synced = w.size
	return w.sync()
}

func (w *snapshotWriter) flush() error {
	if len(w.b) == frameHead {
		return nil
	}
	seal(w.b, magicData, w.number, w.size, 0)
	w.sum = chain(w.sum, w.b)
	if err := w.write(w.b); err != nil {
		return err
	}
	if cap(w.b) > keptBuffer {
		w.b = make([]byte, frameHead, snapshotFrame+snapshotFrame/4)
	}
	w.b = w.b[:frameHead]
	return nil
}

func (w *snapshotWriter) sync() error {
	if err := dataSync(w.file); err != nil {
		return fmt.Errorf("sync %s: %w", w.path, err)
	}
	return nil
}

// finish returns when the snapshot is on disk. abort must be called if it fails.
func (w *snapshotWriter) finish() (listedFile, error) {
	err := w.flush()
	if err == nil {
		err = w.sync()
	}
	if err == nil {
		err = w.file.Close()
	}
	return listedFile{w.number, w.size, w.sum}, err
}

// abort removes the unfinished file.
func (w *snapshotWriter) abort() error {
	err := w.file.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return errors.Join(err, os.Remove(w.path))
}

func (w *snapshotWriter) counters(lastSession uint64) error {
	w.b = binary.AppendUvarint(append(w.b, opCounters), lastSession)
	return nil
}

func (w *snapshotWriter) session(number uint64, b []byte) error {
	err := w.room()
	w.head(opSession, number)
	w.b = append(w.b, b...)
	return err
}

func (w *snapshotWriter) subscription(number uint64, b []byte) error {
	err := w.room()
	w.head(opSubscribe, number)
	w.b = append(w.b, b...)
	return err
}

func (w *snapshotWriter) accepted(number uint64, packet uint16) error {
	err := w.room()
	w.head(opAccept, number)
	w.b = binary.BigEndian.AppendUint16(w.b, packet)
	return err
}

func (w *snapshotWriter) message(b []byte) error {
	err := w.room()
	w.b = append(append(w.b, opMessage), b...)
	return err
}

func (w *snapshotWriter) entry(session uint64, e *entry) error {
	w.head(opQueued, session)
	w.b = appendEntry(w.b, e)
	return nil
}

func (w *snapshotWriter) retained(b []byte) error {
	err := w.room()
	w.b = append(append(w.b, opRetain), b...)
	return err
}

func (w *snapshotWriter) head(op byte, session uint64) {
	w.b = binary.AppendUvarint(append(w.b, op), session)
}
