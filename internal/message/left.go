package message

import "bytes"

// Left returns the number of lines that a source has read and not yielded. A line without its
// delimiter counts. The source cannot be used afterwards, except for Close.
func Left(src Source) (n uint64) {
	switch s := src.(type) {
	case *Lines:
		return s.left()
	case *Records:
		if s.waits {
			n = 1
		}
		return n + s.lines.left()
	case *Filtered:
		return Left(s.Source)
	case *Text:
		return Left(s.Source)
	}
	return 0
}

func (l *Lines) left() uint64 {
	n := l.lines(l.text)
	if l.cur != nil && l.inline {
		n += l.lines(l.cur.rest)
	}
	for {
		select {
		case b, ok := <-l.full:
			if !ok {
				return n
			}
			n += l.lines(b.text)
		default:
			return n
		}
	}
}

// lines returns the number of lines in b.
func (l *Lines) lines(b []byte) uint64 {
	n := bytes.Count(b, l.o.Delimiter)
	if len(b) > 0 && !bytes.HasSuffix(b, l.o.Delimiter) {
		n++
	}
	return uint64(n)
}
