package format

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPosixZone checks offsets, names and rules of both hemispheres. If there is the program date of
// GNU, it is asked too.
func TestPosixZone(t *testing.T) {
	winter, summer := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	for _, k := range []struct{ tz, winter, summer string }{
		{"CET-1CEST,M3.5.0,M10.5.0/3", "13:00 +0100 CET", "14:00 +0200 CEST"},
		{":CET-1CEST,M3.5.0,M10.5.0/3", "13:00 +0100 CET", "14:00 +0200 CEST"},
		{"<+03>-3", "15:00 +0300 +03", "15:00 +0300 +03"},
		{"<-0330>3:30<-0230>,M3.2.0,M11.1.0", "08:30 -0330 -0330", "09:30 -0230 -0230"},
		{"AEST-10AEDT,M10.1.0,M4.1.0/3", "23:00 +1100 AEDT", "22:00 +1000 AEST"},
		{"NZST-12NZDT,M9.5.0,M4.1.0/3", "01:00 +1300 NZDT", "00:00 +1200 NZST"},
		{"PST8PDT,J60/2:00:00,J300/2", "04:00 -0800 PST", "05:00 -0700 PDT"},
		{"XYZ-5:45", "17:45 +0545 XYZ", "17:45 +0545 XYZ"},
		{"ABC1DEF", "11:00 -0100 ABC", "12:00 +0000 DEF"}, // the rules of the United States
		{"<AB1>-1<AB2>-3,0/0,364/23", "15:00 +0300 AB2", "15:00 +0300 AB2"},
		{"WGT3WGST,M3.5.0/-2,M10.5.0/-1", "09:00 -0300 WGT", "10:00 -0200 WGST"},
		{"UTC", "", ""}, {"Europe/Berlin", "", ""}, {"", "", ""}, {"12", "", ""}, {"CET-1CEST,nonsense9", "", ""}, {"A1", "", ""}, {"CET-1\nX", "", ""},
	} {
		zone := PosixZone(k.tz)
		if (zone == nil) != (k.winter == "") {
			t.Errorf("%q: %v", k.tz, zone)
		}
		if zone == nil {
			continue
		}
		for _, at := range []struct {
			time time.Time
			want string
		}{{winter, k.winter}, {summer, k.summer}} {
			if got := at.time.In(zone).Format("15:04 -0700 MST"); got != at.want {
				t.Errorf("%q: %s, want %s", k.tz, got, at.want)
			}
		}
		sameAsDate(t, k.tz, zone)
	}
}

// sameAsDate compares some times of a year with those that date prints.
func sameAsDate(t *testing.T, tz string, zone *time.Location) {
	if out, err := exec.Command("date", "--version").Output(); err != nil || !strings.Contains(string(out), "GNU") {
		return
	}
	var lines, want []string
	for u := time.Date(2025, 12, 31, 0, 30, 0, 0, time.UTC); u.Year() < 2027; u = u.Add(100*time.Hour + 17*time.Minute) {
		lines = append(lines, "@"+strconv.FormatInt(u.Unix(), 10))
		want = append(want, u.In(zone).Format("2006-01-02T15:04:05-0700"))
	}
	cmd := exec.Command("date", "-f", "-", "+%Y-%m-%dT%H:%M:%S%z")
	cmd.Env = []string{"TZ=" + tz, "LC_ALL=C"}
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	out, err := cmd.Output()
	if got := strings.Fields(string(out)); err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q: differs from date (%v)\n%s\n%s", tz, err, got, want)
	}
}
