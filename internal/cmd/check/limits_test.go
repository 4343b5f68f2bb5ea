package check

import (
	"testing"

	"mqtt/internal/check"
)

// The columns are as wide as their longest value.
func TestLimitsTable(t *testing.T) {
	got := string(limitsTable([]check.Fact{
		{Version: "5.0", Name: "topic", Value: "65,535 bytes (the maximum)", How: "a message that came back"},
		{Version: "5.0", Name: "messages in flight", Value: "at least 1,000", How: "PUBREC"},
		{Version: "3.1", Name: "topic", Value: "8 bytes", How: "a message that came back"},
	}))
	const want = `MQTT 5.0
  topic               65,535 bytes (the maximum)  a message that came back
  messages in flight  at least 1,000              PUBREC
MQTT 3.1
  topic               8 bytes                     a message that came back
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
