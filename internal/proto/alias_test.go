package proto

import (
	"errors"
	"testing"
)

// TestTopicAliases checks that a PUBLISH with a topic sets the alias, and that later ones without a
// topic use it [MQTT-3.3.2-9], [MQTT-3.3.2-10].
func TestTopicAliases(t *testing.T) {
	var a TopicAliases
	for _, k := range []struct {
		alias       int
		topic, want string
		reason      Reason // of the error; 0: none
		size        int
	}{
		{1, "", "", ProtocolError, 0},
		{1, "a/b", "a/b", 0, 3},
		{1, "", "a/b", 0, 3},
		{7, "seven", "seven", 0, 8},
		{6, "", "", ProtocolError, 8},
		{7, "7", "7", 0, 4},
		{7, "", "7", 0, 4},
		{8, "x", "", TopicAliasInvalid, 4},
	} {
		got, err := a.Resolve(k.alias, 7, []byte(k.topic))
		var e *Error
		if string(got) != k.want || (err != nil) != (k.reason != 0) || err != nil && (!errors.As(err, &e) || e.Reason != k.reason) || a.Size() != k.size {
			t.Errorf("alias %d with %q: %q, %v, %d bytes", k.alias, k.topic, got, err, a.Size())
		}
	}
}

// TestTopicAliasesAreStable checks that a resolved topic does not change when the alias is set
// again.
func TestTopicAliasesAreStable(t *testing.T) {
	var a TopicAliases
	before, _ := a.Resolve(1, 1, []byte("before"))
	a.Resolve(1, 1, []byte("after!"))
	if string(before) != "before" {
		t.Errorf("the topic is %q now", before)
	}
}
