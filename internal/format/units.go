package format

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// three returns x, which is from 0 to below 1000, with three significant digits.
func three(x float64) string {
	switch {
	case x < 9.995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case x < 99.95:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

// Duration returns d with three significant digits below a minute (850ns, 12.3ms,
// 1.50s), in whole seconds below a day (1m30s, 2h05m00s), else in whole hours (3d04h).
func Duration(d time.Duration) string {
	if d < 0 {
		if d == math.MinInt64 {
			d++
		}
		return "-" + Duration(-d)
	}
	x := float64(d)
	switch {
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + "ns"
	case x < 999.5e3:
		return three(x/1e3) + "µs"
	case x < 999.5e6:
		return three(x/1e6) + "ms"
	case x < 59.95e9:
		return three(x/1e9) + "s"
	}
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm%02ds", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}

// Brief returns d for a sentence, as short as it can be: 300ms, 2s, 6.2s, 12s, 1m30s. It is at least
// 1ms.
func Brief(d time.Duration) string {
	switch ms := max(d.Round(time.Millisecond), time.Millisecond); {
	case ms < time.Second:
		return strconv.Itoa(int(ms/time.Millisecond)) + "ms"
	case ms < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + "s"
	case ms < time.Minute:
		return strconv.Itoa(int(d.Round(time.Second)/time.Second)) + "s"
	}
	return Duration(d)
}

// scaled returns x, divided by step until it is below 1000, with three significant digits
// and the name for the number of divisions.
func scaled(x, step float64, names [6]string) string {
	i := 0
	for ; i < len(names)-1 && x >= 999.5; i++ {
		x /= step
	}
	if i == 0 && x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', 0, 64) + " " + names[0]
	}
	return three(x) + " " + names[i]
}

// Rate returns x, a rate per second, with three significant digits: 950 /s, 1.25 M/s. It
// returns 0 /s if x is negative, infinite or not a number.
func Rate(x float64) string {
	if !(x > 0) || math.IsInf(x, 1) {
		x = 0
	}
	return scaled(x, 1000, [6]string{"/s", "k/s", "M/s", "G/s", "T/s", "P/s"})
}

// Bytes returns n with three significant digits in powers of 1024: 512 B, 1.25 MiB.
func Bytes(n uint64) string {
	return scaled(float64(n), 1024, [6]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"})
}

// Count returns n with commas between the thousands: 1,234,567.
func Count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	b := make([]byte, 0, len(s)+len(s)/3)
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, s[i])
	}
	return string(b)
}

// Plural returns n and the noun one, with an s unless n is 1: 1 message, 1,234 messages.
func Plural(n uint64, one string) string {
	if n != 1 {
		one += "s"
	}
	return Count(n) + " " + one
}

// Percent returns part of whole in percent, with one digit after the point. It returns
// 0.0% only if part or whole is 0, and 100.0% only if part is the whole.
func Percent(part, whole uint64) string {
	if whole == 0 || part == 0 {
		return "0.0%"
	}
	x := 100 * float64(part) / float64(whole)
	switch {
	case x < 0.05:
		return "<0.1%"
	case part < whole && x >= 99.95:
		return ">99.9%"
	}
	return strconv.FormatFloat(x, 'f', 1, 64) + "%"
}

// WholeSeconds returns d in seconds, minutes, hours or days (12s, 1m30s, 2h05m, 3d04h), rounded down.
func WholeSeconds(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return strconv.Itoa(s) + "s"
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", min(s/86400, 999), s/3600%24)
}
