package check

import (
	"fmt"
	"strings"
)

// chapters are the titles of sections that summaries have.
var chapters = [...][2]string{
	{"1.5", "data representation"}, {"2.1", "fixed header"}, {"2.2", "packet identifiers, properties"}, {"2.3", "packet identifiers"},
	{"3.1", "CONNECT"}, {"3.2", "CONNACK"}, {"3.3", "PUBLISH"}, {"3.4", "PUBACK"}, {"3.5", "PUBREC"}, {"3.6", "PUBREL"}, {"3.7", "PUBCOMP"},
	{"3.8", "SUBSCRIBE"}, {"3.9", "SUBACK"}, {"3.10", "UNSUBSCRIBE"}, {"3.11", "UNSUBACK"}, {"3.12", "PINGREQ"}, {"3.13", "PINGRESP"},
	{"3.14", "DISCONNECT"}, {"3.15", "AUTH"}, {"4", "operation"}, {"4.1", "session state"}, {"4.2", "network connections"}, {"4.3", "QoS"},
	{"4.4", "message delivery retry"}, {"4.5", "message receipt"}, {"4.6", "message ordering"}, {"4.7", "topics"},
	{"4.8", "subscriptions"}, {"4.9", "flow control"}, {"4.12", "enhanced authentication"}, {"4.13", "errors"}, {"6", "WebSocket"},
	{"3", "packets"}, {"A", "topic wildcards"},
}

// chapter returns the first two numbers of a section.
func chapter(section string) string {
	parts := strings.SplitN(section, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// chapterTitle returns the title of a chapter in a version, "" if it has none here. 3.1.1 has errors in
// section 4.8.
func chapterTitle(version, chapter string) string {
	if chapter == "4.8" && version == "3.1.1" {
		return "errors"
	}
	if version == "3.1" && strings.HasPrefix(chapter, "4") {
		return "message delivery"
	}
	for _, c := range chapters {
		if c[0] == chapter {
			return c[1]
		}
	}
	return ""
}

// sectionCount counts the verdicts of a chapter.
type sectionCount struct {
	Version, Chapter, Title string
	Seconds                 float64
	Cases                   []*Result
}

// byChapter returns the results of r by version and chapter, in their order.
func (r *Report) byChapter() (all []*sectionCount) {
	for i := range r.Cases {
		k := &r.Cases[i]
		ch := chapter(k.Section)
		if n := len(all); n == 0 || all[n-1].Version != k.Version || all[n-1].Chapter != ch {
			all = append(all, &sectionCount{Version: k.Version, Chapter: ch, Title: chapterTitle(k.Version, ch)})
		}
		last := all[len(all)-1]
		last.Cases = append(last.Cases, k)
		last.Seconds += k.Seconds
	}
	return all
}

// summary returns the counts that are not 0, such as "12 ok, 1 fail".
func summary(cases []*Result) string {
	counts := map[Verdict]int{}
	for _, k := range cases {
		counts[k.Verdict]++
	}
	return countsText(counts)
}

// Counts returns the counts of verdicts of r as text.
func Counts(r *Report) string { return countsText(r.Summary) }

// List returns a line for each case that the selectors select: its ID, rules and title.
func List(cases []*Case, selectors []string) []byte {
	var b []byte
	for _, v := range versions {
		for _, k := range cases {
			if !k.matches(selectors, v) {
				continue
			}
			section, rules, _ := k.place(v)
			b = fmt.Appendf(b, "%s/%s/%s\t%s\t%s\n", VersionName(v), section, k.Name, strings.Join(rules, " "), k.Title)
		}
	}
	return b
}
