package bench

import (
	"io"
	"time"
)

// Schema names the form of a Result's JSON. A reader refuses another one.
const Schema = "mqtt-bench/1"

// Report writes r in one form. Reports are functions: data first, drawing second.
// An error is the writer's.
type Report func(w io.Writer, r *Result) error

// Kinds of a Result.
const (
	KindMessages    = "messages"    // from publishers to subscribers
	KindConnections = "connections" // opened and held
)

// Result is what a run measured: counts and histograms, never percentiles alone, so
// that results of many machines merge into what one would have measured. Its JSON is
// what --out keeps and --format json prints; every time in it is in microseconds
// where nothing else is said. Of the counts, nothing of the warm-up is in them.
type Result struct {
	Schema  string    `json:"schema"`
	Kind    string    `json:"kind"`
	Tool    string    `json:"tool,omitempty"` // version of the tool
	Started time.Time `json:"started"`        // of the measured part, on the wall clock
	Seconds float64   `json:"seconds"`        // of the measured part: from its start until its schedule or its window was through, and to the last delivery
	Config  Echo      `json:"config"`

	Sent         uint64 `json:"sent"`         // messages given to the socket
	Unsent       uint64 `json:"unsent"`       // messages that were asked for and never sent
	Acknowledged uint64 `json:"acknowledged"` // of Sent, at QoS 1 and 2, by the server; at QoS 0 none
	Expected     uint64 `json:"expected"`     // deliveries that should come: a message for each subscriber, or for each shared group
	Received     uint64 `json:"received"`     // deliveries that came, repeats included
	Lost         uint64 `json:"lost"`         // expected and never came
	Duplicated   uint64 `json:"duplicated"`   // came again
	Reordered    uint64 `json:"reordered"`    // came behind a later one of the same publisher to the same subscriber
	Foreign      uint64 `json:"foreign"`      // came, but not of this run
	Errors       uint64 `json:"errors"`       // the sum of ErrorKinds

	ErrorKinds []ErrorKind `json:"error_kinds,omitempty"` // most frequent first
	Legal      Legal       `json:"legal"`                 // what of these the QoS allows

	SendRate       float64 `json:"send_rate"`       // messages a second of SendSeconds
	ReceiveRate    float64 `json:"receive_rate"`    // deliveries a second of ReceiveSeconds
	SendSeconds    float64 `json:"send_seconds"`    // from the start to when another message would be due, or the window is empty
	ReceiveSeconds float64 `json:"receive_seconds"` // from the start, or from the subscribers' return, to the last delivery; all of a time that was given for a feed
	BytesSent      uint64  `json:"bytes_sent"`      // payload
	BytesReceived  uint64  `json:"bytes_received"`

	Accounted bool  `json:"accounted"` // messages carried publisher and sequence: Lost, Duplicated and Reordered mean something
	Drained   Drain `json:"drain"`

	Latency *Histogram `json:"latency"` // from the intended send to the delivery
	Service *Histogram `json:"service"` // from the actual write to the delivery
	Lag     *Histogram `json:"lag"`     // from the intended send to the actual write: the generator's own delay
	Ack     *Histogram `json:"ack"`     // from the intended send to PUBACK or PUBCOMP
	Connect *Histogram `json:"connect"` // from the first step of a connection to CONNACK
	Phases  []Phase    `json:"phases"`  // of Connect, in their order

	Topics  []TopicCount  `json:"topics,omitempty"`  // what was published; Expected follows from both
	Filters []FilterCount `json:"filters,omitempty"` // what was subscribed to

	Connections Connections `json:"connections"`
	Series      Series      `json:"series"`
	Clock       Clock       `json:"clock"`
	Machines    []Machine   `json:"machines"`
	Notes       []Note      `json:"notes,omitempty"`
	Verdicts    []Verdict   `json:"verdicts,omitempty"` // of thresholds, in the order they were given
}

// Echo is the configuration of the run, as far as a reader needs it.
type Echo struct {
	Server      string  `json:"server"`        // URL or address, without credentials
	Version     string  `json:"version"`       // of the protocol, as settled
	Run         string  `json:"run,omitempty"` // of --run: the results of one name belong together
	Publishers  int     `json:"publishers"`
	Subscribers int     `json:"subscribers"`
	Clients     int     `json:"clients,omitempty"` // of a run of kind connections
	Topic       string  `json:"topic,omitempty"`
	Filter      string  `json:"filter,omitempty"`
	Shared      string  `json:"shared,omitempty"`
	QoS         int     `json:"qos"`
	Retain      bool    `json:"retain,omitempty"`
	PayloadSize int     `json:"payload_size"` // bytes; -1 where it differs from message to message
	Rate        float64 `json:"rate"`         // messages a second in all; 0 is a closed loop
	Burst       int     `json:"burst,omitempty"`
	Window      int     `json:"window"`
	Messages    uint64  `json:"messages,omitempty"` // asked for in all
	Duration    float64 `json:"duration,omitempty"` // seconds asked for
	Warmup      float64 `json:"warmup,omitempty"`   // seconds
	Ramp        float64 `json:"ramp,omitempty"`     // connections a second
	Churn       float64 `json:"churn,omitempty"`    // connections cut a second
	KeepAlive   int     `json:"keep_alive"`         // seconds
	Persistent  bool    `json:"persistent,omitempty"`
	Offline     bool    `json:"offline,omitempty"` // subscribers were away while messages were sent
}

// TopicCount is what was published to one topic, or to the topics of one template.
type TopicCount struct {
	Topic      string `json:"topic"`
	Publishers int    `json:"publishers"`
	Sent       uint64 `json:"sent"`              // less what was refused
	Refused    uint64 `json:"refused,omitempty"` // by PUBACK or PUBREC
}

// FilterCount is what came by one filter.
type FilterCount struct {
	Filter      string `json:"filter"`
	Shared      string `json:"shared,omitempty"` // the group: its subscribers count as one
	Subscribers int    `json:"subscribers"`
	Unique      uint64 `json:"unique"` // deliveries without repeats
}

// ErrorKind counts one kind of error.
type ErrorKind struct {
	Kind  string `json:"kind"`  // connect, refused, subscribe, publish, lost, read, limit, …
	Text  string `json:"text"`  // of the first one
	Count uint64 `json:"count"` // how many
}

// Legal says what the QoS of the run allows: loss at QoS 0, duplicates at QoS 1,
// neither at QoS 2. Order is promised at each of them, but not on a shared subscription,
// and not from one topic of a publisher to another.
type Legal struct {
	Loss      bool `json:"loss"`
	Duplicate bool `json:"duplicate"`
	Reorder   bool `json:"reorder"`
}

// Drain is the wait for what was under way after the last message was sent.
type Drain struct {
	Seconds  float64 `json:"seconds"`
	Complete bool    `json:"complete"` // everything that was expected came before the deadline
}

// Phase is one step of a connection: dns, tcp or unix, proxy, tls, websocket, connack, subscribe.
type Phase struct {
	Name string     `json:"name"`
	Took *Histogram `json:"took"`
}

// Connections counts connections.
type Connections struct {
	Wanted      uint64  `json:"wanted"`
	Opened      uint64  `json:"opened"`      // CONNACKs that said yes, reconnections included
	Failed      uint64  `json:"failed"`      // tries that did not get there
	Lost        uint64  `json:"lost"`        // ended against our wish
	Cut         uint64  `json:"cut"`         // ended by --churn
	Reconnected uint64  `json:"reconnected"` // of Opened, those that were not the client's first
	Peak        uint64  `json:"peak"`        // open at once
	RampSeconds float64 `json:"ramp_seconds"`
}

// Series is the run in equal steps of time.
type Series struct {
	Interval float64 `json:"interval"` // seconds a point; doubled when a long run has too many points
	Points   []Point `json:"points"`   // the first begins at Result.Started; warm-up is not among them
}

// Point is one step of a Series.
type Point struct {
	Sent         uint64     `json:"sent"`
	Acknowledged uint64     `json:"acknowledged"`
	Received     uint64     `json:"received"`
	Errors       uint64     `json:"errors"`
	Opened       uint64     `json:"opened"`      // connections that came up in it
	Connections  uint64     `json:"connections"` // open at its end, or when the goodbye began
	Latency      *Histogram `json:"latency"`     // of what was received in it, in two digits; Heat draws it
}

// Clock says what one-way times between machines rest on.
type Clock struct {
	Mode   string  `json:"mode"`             // "one process", "estimated" or "refused"
	Offset float64 `json:"offset,omitempty"` // of the publishers' clock, microseconds, where estimated
	Error  float64 `json:"error,omitempty"`  // of Offset at most, microseconds, either way
}

// Machine is where a part of the result was measured, and how hard it worked.
type Machine struct {
	OS          string  `json:"os"`
	Arch        string  `json:"arch"`
	CPUs        int     `json:"cpus"` // that the process may use
	Go          string  `json:"go"`
	CPU         float64 `json:"cpu"`                   // cores in use on average while measuring
	GC          float64 `json:"gc"`                    // longest stop of the garbage collector, microseconds
	Memory      uint64  `json:"memory"`                // resident bytes at the end; with connections that are held, when all were open
	MemoryBase  uint64  `json:"memory_base,omitempty"` // resident bytes when the first of them was open
	Descriptors int     `json:"descriptors"`           // that may be open
}

// Note is what a reader must know to believe the numbers, or not.
type Note struct {
	About  string `json:"about"` // generator, clock, limits, accounting, server, drain
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// Verdict is a threshold and how it came out.
type Verdict struct {
	Expression string  `json:"expression"` // as given: p99>20ms fails where p99 is above
	Metric     string  `json:"metric"`
	Value      float64 `json:"value"` // microseconds for a time, else a number or a rate a second
	Limit      float64 `json:"limit"`
	Time       bool    `json:"time"` // Value and Limit are times
	Failed     bool    `json:"failed"`
	Reason     string  `json:"reason,omitempty"` // why it failed without a value, such as: nothing was measured
}

// Progress is what a live view shows; it is told about once a second.
type Progress struct {
	Phase       string        // connecting, warming up, sending, draining, holding, closing
	Elapsed     time.Duration // of the phase
	Remaining   time.Duration // of the phase; negative where nobody knows
	Done        float64       // of the phase, 0 to 1; negative where nobody knows
	Step        time.Duration // since the last Progress; the rates are of it
	Wanted      int           // connections
	Connections int           // open now
	Sent        uint64        // in all, of the measured part
	Received    uint64
	Errors      uint64
	SendRate    float64 // a second
	ReceiveRate float64
	AckRate     float64
	OpenRate    float64    // connections
	Latency     *Histogram // of Step, good for the call; empty where nothing came
	LagP99      time.Duration
}
