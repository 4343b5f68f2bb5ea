package proxy

import "io"

// raw relays bytes without looking at them. While more comes than fits into a large buffer, io.Copy
// moves it, which does not copy through this process where the system can do that.
func (l *lane) raw() error {
	for {
		if err := l.read(); err != nil {
			return err
		}
		if !l.began {
			l.begin()
		}
		b := l.window.bytes()
		l.window.done(len(b))
		if err := l.write(b); err != nil {
			return err
		}
		if len(b) == largeWindow {
			if err := l.splice(); err != nil {
				return err
			}
		}
	}
}

// splice relays what has come already within the system, if it can do that.
func (l *lane) splice() error {
	if !spliceable(l.from) || !spliceable(l.to) {
		return nil
	}
	for {
		waiting := unread(l.from)
		if waiting < largeWindow {
			return nil
		}
		l.unhurried()
		n, err := io.CopyN(l.to, l.from, int64(waiting))
		l.count(int(n))
		if err != nil {
			return err // which side failed is not known
		}
	}
}
