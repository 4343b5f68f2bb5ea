package check

import (
	"strings"

	"mqtt/internal/proto"
)

// Case is a test of a server, for one or several versions of the protocol.
type Case struct {
	Name  string // unique; words in lower case with hyphens
	Title string // what a conformant server does, as a sentence without a full stop

	// For each version, the section and the rules that the case shows, with blanks between them, such as
	// "3.8.4 MQTT-3.8.4-1". Empty if the case is not for that version. A section alone is a statement
	// without a number.
	V5, V311, V31 string

	Should   bool  // the standard says SHOULD: a failure is a warning
	Should31 bool  // MQTT 3.1 says "should", later versions MUST
	Harsh    bool  // sends very much, or very large packets
	Alone    bool  // another case would disturb it: no other may run
	Needs    Needs // what the server must be capable of
	Run      func(c *C)
}

// place returns the section and the rules of the case in version v. ok is false if the case is
// not for v.
func (k *Case) place(v proto.Version) (section string, rules []string, ok bool) {
	var s string
	switch v {
	case proto.V5:
		s = k.V5
	case proto.V311:
		s = k.V311
	case proto.V31:
		s = k.V31
	}
	words := strings.Fields(s)
	if len(words) == 0 {
		return "", nil, false
	}
	return words[0], words[1:], true
}

// matches reports whether one of the selectors, which are rules, sections and names, selects the
// case in version v. Without selectors all cases are selected. A section selects its subsections.
func (k *Case) matches(selectors []string, v proto.Version) bool {
	section, rules, ok := k.place(v)
	if !ok || len(selectors) == 0 {
		return ok
	}
	for _, s := range selectors {
		if s == k.Name || s == section || strings.HasPrefix(section, s+".") || s == VersionName(v)+"/"+section+"/"+k.Name {
			return true
		}
		for _, rule := range rules {
			if strings.EqualFold(strings.Trim(s, "[]"), rule) {
				return true
			}
		}
	}
	return false
}

// Needs are capabilities of a server, and options of the run, that a case needs.
type Needs uint32

// The capabilities. A case that needs one which is missing is skipped.
const (
	NeedQoS1 Needs = 1 << iota
	NeedQoS2
	NeedRetain
	NeedWildcard
	NeedSubscriptionID
	NeedShared
	NeedTopicAlias // the server accepts topic aliases
	NeedSessions   // the server keeps sessions
	NeedSecondUser
	NeedDeniedTopic
	NeedRestart
)
