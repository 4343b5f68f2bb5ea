package proto

import (
	"bytes"
	"slices"
	"testing"
)

// TestPropertyTable checks the table for consistency, and the number of properties.
func TestPropertyTable(t *testing.T) {
	if len(Properties) != 27 {
		t.Errorf("%d properties, want 27", len(Properties))
	}
	for i := range Properties {
		p := &Properties[i]
		if i > 0 && p.ID <= Properties[i-1].ID {
			t.Errorf("%s is out of order", p.Name)
		}
		if p.ID.Property() != p || LookupProperty(p.Name) != p || p.ID.String() != p.Name {
			t.Errorf("%s is not found by its identifier and name", p.Name)
		}
		for k := WILL; k <= AUTH; k++ {
			if p.Repeats(k) && !p.In(k) {
				t.Errorf("%s repeats in %s where it may not stand", p.Name, k)
			}
		}
	}
	n := 0
	for id := range 256 {
		if PropID(id).Property() != nil {
			n++
		}
	}
	if n != len(Properties) {
		t.Errorf("%d identifiers have a row", n)
	}
	if LookupProperty("") != nil || LookupProperty("Topic-Alias") != nil {
		t.Error("a name that is none was found")
	}
}

// TestProps appends properties of every kind, and reads them back.
func TestProps(t *testing.T) {
	ps := Props(nil).
		AppendNum(PayloadFormatIndicator, 1).
		AppendNum(MessageExpiryInterval, 4294967295).
		AppendNum(TopicAlias, 65535).
		AppendNum(SubscriptionIdentifier, MaxRemaining).
		AppendNum(SubscriptionIdentifier, 1).
		AppendText(ContentType, "text/plain").
		AppendValue(CorrelationData, []byte{0, 255}).
		AppendPair("k", "v").
		AppendPair("", "")
	if err := ps.Check(PUBLISH); err != nil {
		t.Fatal(err)
	}
	if ps.Num(MessageExpiryInterval, 7) != 4294967295 || ps.Num(TopicAlias, 7) != 65535 || ps.Num(ReceiveMaximum, 7) != 7 {
		t.Error("Num is wrong")
	}
	if ps.Num(SubscriptionIdentifier, 0) != MaxRemaining {
		t.Error("not the first of two")
	}
	if string(ps.Value(ContentType)) != "text/plain" || !bytes.Equal(ps.Value(CorrelationData), []byte{0, 255}) || ps.Value(ReasonString) != nil {
		t.Error("Value is wrong")
	}
	if !ps.Has(UserProperty) || ps.Has(ReasonString) || Props(nil).Has(UserProperty) {
		t.Error("Has is wrong")
	}
	var again Props
	var ids []PropID
	for p := range ps.All() {
		again = again.Append(p)
		ids = append(ids, p.ID)
	}
	if !bytes.Equal(again, ps) {
		t.Errorf("copied\n%x\nwant\n%x", again, ps)
	}
	if want := []PropID{1, 2, 0x23, 0x0B, 0x0B, 3, 9, 0x26, 0x26}; !slices.Equal(ids, want) {
		t.Errorf("All yields %v, want %v", ids, want)
	}
	for range ps.All() {
		break // ends early without harm
	}
	less := ps.Without(SubscriptionIdentifier)
	if less.Has(SubscriptionIdentifier) || len(less) != len(ps)-7 || less.Check(PUBLISH) != nil {
		t.Errorf("Without left %x", less)
	}
	if same := ps.Without(ReasonString); &same[0] != &ps[0] {
		t.Error("Without copied for nothing")
	}
	if none := Props(nil).AppendNum(TopicAlias, 1).Without(TopicAlias); none != nil {
		t.Errorf("Without left %x of one", none)
	}
}

// TestPropsOfOthers reads unchecked properties. There is no panic, and those before the malformed
// one are returned.
func TestPropsOfOthers(t *testing.T) {
	whole := Props(nil).AppendPair("k", "v").AppendText(ContentType, "text").AppendNum(TopicAlias, 3)
	for n := range whole {
		cut := whole[:n:n]
		count := 0
		for range cut.All() {
			count++
		}
		want := 0
		if n >= 7 {
			want++
		}
		if n >= 14 {
			want++
		}
		if count != want {
			t.Errorf("%d properties in the first %d bytes, want %d", count, n, want)
		}
		if cut.Has(TopicAlias) || cut.Num(TopicAlias, 9) != 9 {
			t.Errorf("a topic alias in the first %d bytes", n)
		}
		if err := cut.Check(PUBLISH); (err == nil) != (n == 0 || n == 7 || n == 14) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
}

// checkPlain is Check, written again from section 2.2.2 of the standard for the
// fuzzer: slow, by its tables' rows, and with a map.
func checkPlain(b []byte, t Type) bool {
	count := make(map[PropID]int)
	number := func(n int) (v int, ok bool) {
		if len(b) < n {
			return 0, false
		}
		for _, c := range b[:n] {
			v = v<<8 | int(c)
		}
		b = b[n:]
		return v, true
	}
	field := func() ([]byte, bool) {
		n, ok := number(2)
		if !ok || len(b) < n {
			return nil, false
		}
		f := b[:n]
		b = b[n:]
		return f, true
	}
	for len(b) > 0 {
		id, _ := number(1)
		row := PropID(id).Property()
		if row == nil || !row.In(t) {
			return false
		}
		if count[row.ID]++; count[row.ID] > 1 && !(row.ID == UserProperty || row.ID == SubscriptionIdentifier && t == PUBLISH) {
			return false
		}
		ok, v := true, 1
		var text []byte
		switch row.Kind {
		case Flag:
			v, ok = number(1)
			ok = ok && v < 2
		case Uint16:
			v, ok = number(2)
		case Uint32:
			v, ok = number(4)
		case Varint:
			v, ok = varintPlain(&b)
		case Binary:
			_, ok = field()
		case Text:
			text, ok = field()
			ok = ok && textPlain(text)
		case Pair:
			for range 2 {
				var s []byte
				if s, ok = field(); !ok || !textPlain(s) {
					return false
				}
			}
		}
		switch {
		case !ok:
			return false
		case row.ID == ResponseTopic && (len(text) == 0 || bytes.ContainsAny(text, "+#")):
			return false
		case v == 0 && (row.ID == ReceiveMaximum || row.ID == MaximumPacketSize || row.ID == TopicAlias || row.ID == SubscriptionIdentifier):
			return false
		}
	}
	return count[AuthenticationData] == 0 || count[AuthenticationMethod] > 0
}

// varintPlain takes a variable byte integer off *b; only its shortest form is one.
func varintPlain(b *[]byte) (int, bool) {
	v := 0
	for i, c := range *b {
		if i == 4 {
			return 0, false
		}
		v += int(c%128) * (1 << (7 * i))
		if c < 128 {
			shortest := AppendUvarint(nil, v)
			ok := bytes.Equal(shortest, (*b)[:i+1])
			*b = (*b)[i+1:]
			return v, ok
		}
	}
	return 0, false
}
