package format

import (
	"math"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ns", 1: "1ns", 999: "999ns", 1000: "1.00µs", 1234: "1.23µs", 9994: "9.99µs", 9996: "10.0µs", 12345: "12.3µs",
		99_949: "99.9µs", 99_960: "100µs", 999_499: "999µs", 999_500: "1.00ms", 1_230_000: "1.23ms", 123 * time.Millisecond: "123ms",
		999_500_000: "1.00s", 1500 * time.Millisecond: "1.50s", 59_940 * time.Millisecond: "59.9s", 59_960 * time.Millisecond: "1m00s",
		90 * time.Second: "1m30s", 3599 * time.Second: "59m59s", time.Hour: "1h00m00s", 2*time.Hour + 5*time.Minute: "2h05m00s",
		76 * time.Hour: "3d04h", -1500: "-1.50µs", math.MaxInt64: "106751d23h", math.MinInt64: "-106751d23h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0 /s", 1: "1 /s", 0.5: "0.50 /s", 9.5: "9.50 /s", 950: "950 /s", 999.4: "999 /s", 999.6: "1.00 k/s", 1000: "1.00 k/s",
		12_500: "12.5 k/s", 1_250_000: "1.25 M/s", 3.5e9: "3.50 G/s", 1e20: "100000 P/s", -1: "0 /s", math.Inf(1): "0 /s", math.NaN(): "0 /s",
	} {
		if got := Rate(x); got != want {
			t.Errorf("Rate(%v) = %s, want %s", x, got, want)
		}
	}
}

func TestBytesAndCounts(t *testing.T) {
	for n, want := range map[uint64][2]string{
		0:              {"0 B", "0"},
		512:            {"512 B", "512"},
		1000:           {"0.98 KiB", "1,000"},
		1024:           {"1.00 KiB", "1,024"},
		1_310_720:      {"1.25 MiB", "1,310,720"},
		math.MaxUint64: {"16384 PiB", "18,446,744,073,709,551,615"},
	} {
		if got := [2]string{Bytes(n), Count(n)}; got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole uint64
		want        string
	}{{0, 0, "0.0%"}, {0, 5, "0.0%"}, {5, 5, "100.0%"}, {1, 8, "12.5%"}, {1, 1_000_000, "<0.1%"}, {999_999, 1_000_000, ">99.9%"}, {3, 2, "150.0%"}} {
		if got := Percent(c.part, c.whole); got != c.want {
			t.Errorf("Percent(%d, %d) = %s, want %s", c.part, c.whole, got, c.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"5": 5 * time.Second, "0": 0, "0.5": 500 * time.Millisecond, ".25": 250 * time.Millisecond, "2.": 2 * time.Second,
		"5s": 5 * time.Second, "1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond, "1h": time.Hour, "1.5h": 90 * time.Minute,
		"10us": 10 * time.Microsecond, "10µs": 10 * time.Microsecond, "7ns": 7,
	} {
		if got, err := ParseDuration(s); got != want || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	const want = ": want seconds, or units as in 250ms, 5s, 1m30s, 2h"
	for _, s := range []string{"", "-5", "+5", "5x", "1m30", "s", ".", "1e3", "5 s", "1:30", "inf", "0x10", "1d"} {
		if d, err := ParseDuration(s); err == nil || err.Error() != `duration "`+s+`"`+want {
			t.Errorf("ParseDuration(%q) = %v, %v", s, d, err)
		}
	}
	if _, err := ParseDuration("99999999999"); err == nil || err.Error() != `duration "99999999999": more than 290 years` {
		t.Errorf("of 3000 years: %v", err)
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "64": 64, "64B": 64, "1K": 1000, "1kB": 1000, "1KB": 1000, "1KiB": 1024, "1Ki": 1024, "1k": 1000, "1.5MB": 1_500_000,
		"1MiB": 1 << 20, "2G": 2_000_000_000, "2 GiB": 2 << 30, "0.5KiB": 512,
	} {
		if got, err := ParseSize(s); got != want || err != nil {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"":           `size "": want bytes, or units as in 64, 1KiB, 1.5MB`,
		"-1":         `size "-1": want bytes, or units as in 64, 1KiB, 1.5MB`,
		"1TB":        `size "1TB": want bytes, or units as in 64, 1KiB, 1.5MB`,
		"1.2.3":      `size "1.2.3": want bytes, or units as in 64, 1KiB, 1.5MB`,
		"1e3":        `size "1e3": want bytes, or units as in 64, 1KiB, 1.5MB`,
		"1.5":        `size "1.5": not a whole number of bytes`,
		"99999999GB": `size "99999999GB": too large`,
	} {
		if got, err := ParseSize(s); err == nil || err.Error() != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %s", s, got, err, want)
		}
	}
}

func TestParseRate(t *testing.T) {
	for s, want := range map[string]float64{
		"0": 0, "1000": 1000, "1000/s": 1000, "2.5k/s": 2500, "1M": 1e6, "10K/s": 10000, "600/m": 10, "600/min": 10, "90/h": 0.025, "5 k/s": 5000,
	} {
		if got, err := ParseRate(s); got != want || err != nil {
			t.Errorf("ParseRate(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "fast", "-1", "10/d", "10/", "10m", "10/s/s"} {
		if got, err := ParseRate(s); err == nil || err.Error() != `rate "`+s+`": want a number a second, as in 1000, 1000/s, 2.5k/s or 600/m` {
			t.Errorf("ParseRate(%q) = %v, %v", s, got, err)
		}
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1ms", time.Microsecond: "1ms", 300 * time.Millisecond: "300ms", 999400 * time.Microsecond: "999ms", 999600 * time.Microsecond: "1s",
		2 * time.Second: "2s", 2040 * time.Millisecond: "2s", 6240 * time.Millisecond: "6.2s", 9949 * time.Millisecond: "9.9s",
		9950 * time.Millisecond: "10s", 59499 * time.Millisecond: "59s", 90 * time.Second: "1m30s",
	} {
		if got := Brief(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 lines", 1: "1 line", 1234: "1,234 lines"} {
		if got := Plural(n, "line"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
