package fair

// wait is one request that waits.
type wait struct {
	key  Key
	user string
	done chan bool // receives the verdict; it has room for it
}

// queue holds requests that wait. pop takes the keys in turn, and the users of a key in turn.
// Requests of one user are served in the order in which they came.
type queue struct {
	n      int
	keys   map[Key]*line
	inTurn []*line
}

// line holds the requests of one key.
type line struct {
	key    Key
	n      int
	users  map[string]*userLine
	inTurn []*userLine
}

// userLine holds the requests of one user of one key.
type userLine struct {
	user  string
	waits []*wait
}

func (q *queue) push(w *wait) {
	if q.keys == nil {
		q.keys = make(map[Key]*line)
	}
	l := q.keys[w.key]
	if l == nil {
		l = &line{key: w.key, users: make(map[string]*userLine)}
		q.keys[w.key] = l
		q.inTurn = append(q.inTurn, l)
	}
	u := l.users[w.user]
	if u == nil {
		u = &userLine{user: w.user}
		l.users[w.user] = u
		l.inTurn = append(l.inTurn, u)
	}
	u.waits = append(u.waits, w)
	l.n++
	q.n++
}

// pop removes and returns the request whose turn it is, nil if none waits.
func (q *queue) pop() *wait {
	if q.n == 0 {
		return nil
	}
	l := q.inTurn[0]
	q.inTurn = append(q.inTurn[1:], l)
	u := l.inTurn[0]
	l.inTurn = append(l.inTurn[1:], u)
	w := u.waits[0]
	q.drop(l, u, 0)
	return w
}

// remove removes a request and reports whether it was in the queue.
func (q *queue) remove(w *wait) bool {
	l := q.keys[w.key]
	if l == nil {
		return false
	}
	u := l.users[w.user]
	if u == nil {
		return false
	}
	for i := range u.waits {
		if u.waits[i] == w {
			q.drop(l, u, i)
			return true
		}
	}
	return false
}

// drop removes a user's request by its position, and what is empty after that.
func (q *queue) drop(l *line, u *userLine, at int) {
	u.waits = append(u.waits[:at], u.waits[at+1:]...)
	l.n--
	q.n--
	if len(u.waits) == 0 {
		delete(l.users, u.user)
		l.inTurn = without(l.inTurn, u)
	}
	if l.n == 0 {
		delete(q.keys, l.key)
		q.inTurn = without(q.inTurn, l)
	}
}

// newest removes and returns the last request of the user of l who has the most, and nil if no user
// has more than least.
func (q *queue) newest(l *line, least int) *wait {
	var longest *userLine
	for _, u := range l.inTurn {
		if longest == nil || len(u.waits) > len(longest.waits) {
			longest = u
		}
	}
	if longest == nil || len(longest.waits) <= least {
		return nil
	}
	at := len(longest.waits) - 1
	w := longest.waits[at]
	q.drop(l, longest, at)
	return w
}

// longest returns the line of the key that has the most requests, nil if none waits.
func (q *queue) longest() *line {
	var most *line
	for _, l := range q.inTurn {
		if most == nil || l.n > most.n {
			most = l
		}
	}
	return most
}

// count returns how many requests of a key and of one of its users wait.
func (q *queue) count(k Key, user string) (ofKey, ofUser int) {
	l := q.keys[k]
	if l == nil {
		return 0, 0
	}
	if u := l.users[user]; u != nil {
		ofUser = len(u.waits)
	}
	return l.n, ofUser
}

func without[T comparable](list []T, x T) []T {
	for i := range list {
		if list[i] == x {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}
