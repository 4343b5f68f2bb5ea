package access

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// Rights is an ACL file in mosquitto's form:
//
//	topic [read|write|readwrite|deny] FILTER     for clients without a user name
//	user NAME                                    the topic lines that follow are for that user
//	pattern [read|write|readwrite|deny] FILTER   for all clients; %u in FILTER is the user name, %c the client identifier
//
// What is not allowed is denied. The lines of a user come before the patterns, and within both the
// denials come first. A topic that begins with $ needs a filter that begins with $.
//
// A subscription is refused only if the client could read nothing that it matches. Otherwise each message
// is decided on its own, as in mosquitto.
type Rights struct {
	path  string
	table atomic.Pointer[rights]
}

// rights is the content of a file. Denials come first in each list.
type rights struct {
	anonymous []rule
	users     map[string][]rule
	patterns  []rule
	notes     []string
}

type rule struct {
	filter  string
	deny    bool
	read    bool
	write   bool
	pattern bool
	names   bool   // the filter has %u or %c
	user    bool   // the filter has %u
	head    string // the beginning of every topic that the filter matches, if names is set
}

// NewRights reads the ACL file at path.
func NewRights(path string) (*Rights, error) {
	r := &Rights{path: path}
	return r, r.Reload()
}

// Reload reads the file again. It changes nothing if the file has an error. Broker.Revise must follow.
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

// Warnings returns warnings about lines of the file that are valid and probably mean something else.
func (r *Rights) Warnings() []string { return r.table.Load().notes }

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
		word, rest := l.text, ""
		word = strings.TrimLeft(word, " \t")
		if i := strings.IndexAny(word, " \t"); i >= 0 {
			word, rest = word[:i], strings.TrimSpace(word[i:])
		}
		switch {
		case word != "topic" && word != "user" && word != "pattern":
			return nil, fmt.Errorf("%s:%d: expected topic, user or pattern, not %q", path, l.number, word)
		case rest == "":
			return nil, fmt.Errorf("%s:%d: expected a %s after %s", path, l.number, map[bool]string{true: "name", false: "topic filter"}[word == "user"], word)
		case word == "user":
			keep()
			name = rest
			rules := t.users[name]
			list = &rules
		default:
			one, err := parseRule(rest, word == "pattern")
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, l.number, err)
			}
			if note := one.note(); note != "" {
				t.notes = append(t.notes, fmt.Sprintf("%s:%d: %s", path, l.number, note))
			}
			if one.pattern {
				t.patterns = add(t.patterns, one)
			} else {
				*list = add(*list, one)
			}
		}
	}
	keep()
	return t, nil
}

// note returns a warning about a rule that is valid and probably means something else, or "".
func (r *rule) note() string {
	switch {
	case slices.Contains([]string{"read", "write", "readwrite", "deny"}, r.filter):
		return fmt.Sprintf("the topic is %q: an access word needs a filter after it", r.filter)
	case r.pattern && !r.names:
		return fmt.Sprintf("pattern %q has neither %%u nor %%c, so it applies to all clients", r.filter)
	case !r.pattern && (strings.Contains(r.filter, "%u") || strings.Contains(r.filter, "%c")):
		return fmt.Sprintf("topic %q: %%u and %%c are replaced in pattern lines only", r.filter)
	}
	return ""
}

// parseRule parses an access word and a filter. Without an access word the rule is for reading and
// writing. Only after an access word may the filter contain spaces.
func parseRule(s string, pattern bool) (rule, error) {
	r := rule{pattern: pattern}
	word, rest := s, ""
	more := false
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		word, rest, more = s[:i], strings.TrimLeft(s[i:], " \t"), true
	}
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

// add adds a rule to a list, in front if it is a denial.
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
	// Wildcards in a name would make a pattern match more than its author meant.
	patterns := t.patterns
	if strings.ContainsAny(user, "+#") || strings.ContainsAny(who.ClientID, "+#") {
		patterns = nil
	}
	var space [256]byte // avoids an allocation for each message
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
				filter = unsafe.String(unsafe.SliceData(b), len(b)) // valid until the next rule
			}
			if dollar(one.filter, filter) {
				continue // a name must not lead to the server's own topics either
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
