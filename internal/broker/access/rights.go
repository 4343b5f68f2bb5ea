package access

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"unsafe"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// Rights is an ACL file, in mosquitto's form:
//
//	topic [read|write|readwrite|deny] FILTER     for clients without a user name
//	user NAME                                    the topic lines that follow are for that user
//	pattern [read|write|readwrite|deny] FILTER   for everybody; %u in it is the user, %c the client identifier
//
// What is not allowed is denied. A user's own lines come before the patterns, and in
// both the denials first. A topic that begins with $ needs a filter that does.
//
// A subscription is refused only if nothing that it matches could be read: the rest is
// decided message by message, as mosquitto does.
type Rights struct {
	path  string
	table atomic.Pointer[rights]
}

// rights is what a file says. Denials stand first in each list.
type rights struct {
	anonymous []rule
	users     map[string][]rule
	patterns  []rule
}

type rule struct {
	filter  string
	deny    bool
	read    bool
	write   bool
	pattern bool
	names   bool   // it has %u or %c
	user    bool   // it has %u
	head    string // what a topic name begins with that it takes in, where it has names
}

// NewRights reads the ACL file at path.
func NewRights(path string) (*Rights, error) {
	r := &Rights{path: path}
	return r, r.Reload()
}

// Reload reads the file again. After an error the rights are those that were.
// Broker.Revise must follow.
func (r *Rights) Reload() error {
	b, err := os.ReadFile(r.path)
	if err != nil {
		return fmt.Errorf("read the ACL file: %w", err)
	}
	t, err := parseRights(r.path, b)
	if err != nil {
		return err
	}
	r.table.Store(t)
	return nil
}

func parseRights(path string, b []byte) (*rights, error) {
	all, err := lines(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := &rights{users: make(map[string][]rule)}
	list := &t.anonymous
	name := ""
	keep := func() {
		if name != "" {
			t.users[name] = *list
		}
	}
	for _, l := range all {
		word, rest, _ := strings.Cut(strings.TrimLeft(l.text, " \t"), " ")
		rest = strings.TrimSpace(rest)
		switch {
		case rest == "":
			return nil, fmt.Errorf("%s:%d: nothing behind %s", path, l.number, word)
		case word == "user":
			keep()
			name = rest
			rules := t.users[name]
			list = &rules
		case word == "topic" || word == "pattern":
			one, err := parseRule(rest, word == "pattern")
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, l.number, err)
			}
			if one.pattern {
				t.patterns = add(t.patterns, one)
			} else {
				*list = add(*list, one)
			}
		default:
			return nil, fmt.Errorf("%s:%d: expected topic, user or pattern, not %q", path, l.number, word)
		}
	}
	keep()
	return t, nil
}

// parseRule reads an access word, readwrite where there is none, and a filter, which
// may have spaces behind an access word.
func parseRule(s string, pattern bool) (rule, error) {
	r := rule{pattern: pattern}
	word, rest, more := strings.Cut(s, " ")
	rest = strings.TrimLeft(rest, " ")
	switch {
	case more && word == "read":
		r.read = true
	case more && word == "write":
		r.write = true
	case more && word == "readwrite":
		r.read, r.write = true, true
	case more && word == "deny":
		r.deny = true
	case more:
		return r, fmt.Errorf("expected read, write, readwrite or deny, not %q", word)
	default:
		rest = s
		r.read, r.write = true, true
	}
	r.filter = rest
	if err := proto.CheckFilter(rest); err != nil {
		return r, err
	}
	r.user = pattern && strings.Contains(rest, "%u")
	if r.names = r.user || pattern && strings.Contains(rest, "%c"); r.names {
		r.head = rest[:strings.IndexAny(rest, "%+")]
	}
	return r, nil
}

// add puts denials in front.
func add(list []rule, r rule) []rule {
	if r.deny {
		return append([]rule{r}, list...)
	}
	return append(list, r)
}

// Allow implements broker.ACL.
func (r *Rights) Allow(who *broker.Identity, topic string, access broker.Access) bool {
	t := r.table.Load()
	user, named := who.User()
	own := t.anonymous
	if named {
		own = t.users[user]
	}
	// Wildcards in a name would make a pattern say more than its writer meant.
	patterns := t.patterns
	if strings.ContainsAny(user, "+#") || strings.ContainsAny(who.ClientID, "+#") {
		patterns = nil
	}
	var space [256]byte // it is asked for each message: most names go in
	for _, list := range [2][]rule{own, patterns} {
		for i := range list {
			one := &list[i]
			if one.user && !named {
				continue
			}
			if access != broker.Subscribe && !strings.HasPrefix(topic, one.head) {
				continue
			}
			filter := one.filter
			if one.names {
				b := one.expand(space[:0], user, who.ClientID)
				filter = unsafe.String(unsafe.SliceData(b), len(b)) // until the next one
			}
			if dollar(one.filter, filter) {
				continue // nor may a name lead to the server's own topics
			}
			switch {
			case one.deny && covers(filter, topic, access == broker.Subscribe):
				return false
			case one.deny:
			case access == broker.Subscribe:
				if one.read && meets(filter, topic) {
					return true
				}
			case access == broker.Read && one.read || access == broker.Write && one.write:
				if covers(filter, topic, false) {
					return true
				}
			}
		}
	}
	return false
}
