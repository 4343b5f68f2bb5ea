package check

import (
	"time"

	"mqtt/internal/proto"
)

// Schema is the value of the member "schema" of a result file.
const Schema = "mqtt-check-1"

// Verdict is the outcome of a case.
type Verdict string

// The verdicts.
const (
	OK     Verdict = "ok"     // conformant
	Fail   Verdict = "fail"   // a MUST is broken
	Warn   Verdict = "warn"   // a SHOULD is not followed
	Choice Verdict = "choice" // the standard leaves it open; Got says what the server does
	Skip   Verdict = "skip"   // a capability is missing; Got says how that was found
	Unsure Verdict = "unsure" // it could not be shown
	Flaky  Verdict = "flaky"  // failed, and passed when it was repeated
)

// Verdicts are all verdicts, in the order of summaries.
var Verdicts = [...]Verdict{OK, Fail, Warn, Choice, Skip, Unsure, Flaky}

// Report is the result of a run.
type Report struct {
	Schema  string          `json:"schema"`
	Server  Server          `json:"server"`
	Started time.Time       `json:"started"`
	Seconds float64         `json:"seconds"`
	Summary map[Verdict]int `json:"summary"`
	Cases   []Result        `json:"cases"`
	Outages []*Outage       `json:"outages,omitempty"` // times in which the server served nobody
}

// Server describes the server that was checked.
type Server struct {
	URL      string   `json:"url,omitempty"`
	Name     string   `json:"name,omitempty"` // what the server says of itself
	Versions []string `json:"versions"`
	Facts    []Fact   `json:"facts,omitempty"` // capabilities and limits, as they were found
}

// Fact is a capability of the server.
type Fact struct {
	Version string `json:"version"`
	Name    string `json:"name"`
	Value   string `json:"value"`
	How     string `json:"how"` // how it was found
}

// Result is the verdict on one case in one version.
type Result struct {
	ID       string   `json:"id"` // VERSION/SECTION/NAME
	Rules    []string `json:"rule"`
	Version  string   `json:"version"`
	Section  string   `json:"section"`
	Title    string   `json:"title"`
	Verdict  Verdict  `json:"verdict"`
	Expected string   `json:"expected"` // the title, unless something in particular was expected
	Got      string   `json:"got"`      // empty if it was what is expected
	Packets  []Packet `json:"packets"`  // of the decisive attempt, at most 120
	Seconds  float64  `json:"seconds"`
}

// Packet is a packet of the evidence.
type Packet struct {
	Connection int     `json:"connection"` // counts the connections of the case from 1
	Way        string  `json:"way"`        // "in" from the client, "out" to it
	Time       float64 `json:"time"`       // seconds since the case began
	Hex        string  `json:"hex"`        // at most the first 512 bytes; passwords are masked
	Text       string  `json:"text"`
}

// VersionName returns the name of v in results: 5.0, 3.1.1 or 3.1.
func VersionName(v proto.Version) string {
	if v == proto.V5 {
		return "5.0"
	}
	return v.String()
}

// count fills in the summary.
func (r *Report) count() {
	r.Summary = make(map[Verdict]int, len(Verdicts))
	for _, v := range Verdicts {
		r.Summary[v] = 0
	}
	for i := range r.Cases {
		r.Summary[r.Cases[i].Verdict]++
	}
}

// Failed reports whether a case failed, in a strict run also by a warning, that known does not list.
func (r *Report) Failed(strict bool, known map[string]bool) bool {
	for i := range r.Cases {
		k := &r.Cases[i]
		if (k.Verdict == Fail || strict && k.Verdict == Warn) && !known[k.ID] {
			return true
		}
	}
	return false
}
