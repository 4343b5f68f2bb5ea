package format

import (
	"encoding/binary"
	"strings"
	"time"
)

// PosixZone returns the zone of a TZ variable in the form of POSIX, such as
// CET-1CEST,M3.5.0,M10.5.0/3. It returns nil for the name of a zone, which the time package knows, and
// for a text that is neither.
func PosixZone(tz string) *time.Location {
	tz = strings.TrimPrefix(tz, ":")
	if !strings.ContainsAny(tz, "0123456789") || strings.Contains(tz, "\n") {
		return nil
	}
	if _, err := time.LoadLocation(tz); err == nil { // such as EST5EDT
		return nil
	}
	zone, err := time.LoadLocationFromTZData(tz, zoneFile(tz))
	if err != nil {
		return nil
	}
	if name, _ := time.Unix(0, 0).In(zone).Zone(); name == noZone {
		return nil
	}
	return zone
}

// noZone is the name of the zone in zoneFile that the time package uses if it does not understand the rule.
const noZone = "?"

// zoneFile returns a zone file (RFC 9636) of version 2 without transitions, with the rule tz at its end,
// where the time package takes such rules. It has no other function for them.
func zoneFile(tz string) []byte {
	header := func(b []byte, types, chars int) []byte {
		b = append(b, "TZif2"...)
		b = append(b, make([]byte, 15)...)
		for _, n := range []int{0, 0, 0, 0, types, chars} { // UTC and standard indicators, leap seconds, transitions
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		return b
	}
	b := header(nil, 0, 0) // of the data of version 1, which is left out
	b = header(b, 1, len(noZone)+1)
	b = append(b, 0, 0, 0, 0, 0, 0) // one type: offset 0, standard time, name at 0
	b = append(b, noZone+"\x00"...)
	return append(b, "\n"+tz+"\n"...)
}
