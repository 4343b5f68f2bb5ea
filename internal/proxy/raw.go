package proxy

import (
	"io"
)

// bulk is from how many waiting bytes on they are moved within the system.
const bulk = 16 << 10

// raw relays bytes without looking at them. An idle connection keeps a small buffer only; while much
// comes, io.Copy moves it, which does not copy through this process where the system can do that.
func (l *lane) raw() error {
	small := l.window.small
	l.window.buf = nil
	for {
		n, err := l.from.Read(small)
		if n > 0 {
			l.count(n)
			if !l.began {
				l.begin()
			}
			if err := l.write(small[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return l.rawError(err)
		}
		if n < len(small) {
			continue
		}
		if err := l.bulk(); err != nil {
			return l.rawError(err)
		}
	}
}

// bulk relays what has come already.
func (l *lane) bulk() error {
	if !spliceable(l.from) || !spliceable(l.to) {
		return l.copyOnce()
	}
	for {
		waiting := unread(l.from)
		if waiting < bulk {
			return nil
		}
		n, err := io.CopyN(l.to, l.from, int64(waiting))
		l.count(int(n))
		if err != nil {
			return err // which side failed is not known
		}
	}
}

// copyOnce relays with a large buffer until a read does not fill it. The buffer is kept while the last
// of these reads waits.
func (l *lane) copyOnce() error {
	b := largeWindows.Get().(*[largeWindow]byte)
	defer largeWindows.Put(b)
	for {
		n, err := l.from.Read(b[:])
		if n > 0 {
			l.count(n)
			if err := l.write(b[:n]); err != nil {
				return err
			}
		}
		if err != nil || n < len(b) {
			return err
		}
	}
}

// rawError returns the error of a direction that is not looked at.
func (l *lane) rawError(err error) error {
	if l.in && !l.began {
		return l.early(err)
	}
	return err
}
