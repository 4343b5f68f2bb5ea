package bench

import (
	"io"
	"time"
)

// Schema names the format of a Result's JSON. Read refuses any other.
const Schema = "mqtt-bench/1"

// Report writes r in one format. An error is that of the writer.
type Report func(w io.Writer, r *Result) error

// Kinds of a Result.
const (
	KindMessages    = "messages"    // from publishers to subscribers
	KindConnections = "connections" // opened and held
)

// Result has the measurements of a run. It consists of counts and histograms instead of
// percentiles, so that Merge of the results of several machines is what one machine would
// have measured. --out writes it as JSON, and --format json prints that. Times are in
// microseconds unless the name says otherwise. The counts do not include the warm-up.
type Result struct {
	Schema        string    `json:"schema"`
	Kind          string    `json:"kind"`
	Title         string    `json:"title,omitempty"`          // of --title
	Tool          string    `json:"tool,omitempty"`           // version of the tool
	ServerVersion string    `json:"server_version,omitempty"` // what the server says that it is
	Started       time.Time `json:"started"`                  // start of the measured part, on the wall clock
	Subscribed    time.Time `json:"subscribed,omitzero"`      // when the last subscriber had subscribed, if that was before the first message of this process
	Seconds       float64   `json:"seconds"`                  // of the measured part: from its start to the end of the schedule, or of the last message in the window, and at least to the last delivery
	Config        Config    `json:"config"`

	Sent         uint64 `json:"sent"`                    // messages given to the socket
	Unsent       uint64 `json:"unsent"`                  // messages wanted and never sent
	Acknowledged uint64 `json:"acknowledged"`            // of Sent, by the server; 0 at QoS 0
	Expected     uint64 `json:"expected"`                // deliveries expected: each message once for each subscriber, and once for each shared subscription
	Received     uint64 `json:"received"`                // deliveries received, including duplicates
	Lost         uint64 `json:"lost"`                    // expected and never received
	Duplicated   uint64 `json:"duplicated"`              // received more than once
	Reordered    uint64 `json:"reordered"`               // received after a later message of the same publisher, by the same subscriber
	Foreign      uint64 `json:"foreign"`                 // messages received that are not of this run
	Unknown      uint64 `json:"unknown,omitempty"`       // deliveries received of which it is not known whether they are duplicates
	SessionsLost uint64 `json:"sessions_lost,omitempty"` // sessions that the server did not keep until their clients came back
	Errors       uint64 `json:"errors"`                  // the sum of ErrorKinds

	ErrorKinds []ErrorKind `json:"error_kinds,omitempty"` // most frequent first
	Legal      Legal       `json:"legal"`                 // which of these the QoS allows

	SendRate       float64 `json:"send_rate"`       // messages per second of SendSeconds
	ReceiveRate    float64 `json:"receive_rate"`    // deliveries per second of ReceiveSeconds
	SendSeconds    float64 `json:"send_seconds"`    // from the start until another message would be due, or until the window is empty
	ReceiveSeconds float64 `json:"receive_seconds"` // from the start, or from the return of the subscribers, to the last delivery; for a run without publishers all of the time given
	BytesSent      uint64  `json:"bytes_sent"`      // payload
	BytesReceived  uint64  `json:"bytes_received"`

	Accounted bool  `json:"accounted"` // messages have publisher and sequence, so that Lost, Duplicated and Reordered are known
	Drained   Drain `json:"drain"`

	Latency *Histogram `json:"latency"` // from the intended send to the delivery
	Service *Histogram `json:"service"` // from the actual write to the delivery
	Lag     *Histogram `json:"lag"`     // from the intended send to the actual write: the generator's own delay
	Ack     *Histogram `json:"ack"`     // from the intended send to PUBACK or PUBCOMP
	Connect *Histogram `json:"connect"` // from the first step of a connection to CONNACK
	Phases  []Phase    `json:"phases"`  // the steps of Connect, in their order

	Topics  []TopicCount  `json:"topics,omitempty"`  // what was published; Topics and Filters determine Expected
	Filters []FilterCount `json:"filters,omitempty"` // what was subscribed to

	Connections Connections `json:"connections"`
	Series      Series      `json:"series"`
	Clock       Clock       `json:"clock"`
	Machines    []Machine   `json:"machines"`
	Notes       []Note      `json:"notes,omitempty"`
	Verdicts    []Verdict   `json:"verdicts,omitempty"` // of thresholds, in the order they were given
}

// Config is the configuration of a run, as far as a reader of the result needs it.
type Config struct {
	Server      string  `json:"server"`        // URL or address, without credentials
	Version     string  `json:"version"`       // of the protocol, as negotiated
	Run         string  `json:"run,omitempty"` // of --run: results with the same name are parts of one run
	Publishers  int     `json:"publishers"`
	Subscribers int     `json:"subscribers"`
	Offset      int     `json:"client_offset,omitempty"` // number of the first client
	Clients     int     `json:"clients,omitempty"`       // of a run of kind connections
	Topic       string  `json:"topic,omitempty"`
	Filter      string  `json:"filter,omitempty"`
	Shared      string  `json:"shared,omitempty"`
	QoS         int     `json:"qos"`
	Retain      bool    `json:"retain,omitempty"`
	PayloadSize int     `json:"payload_size"` // bytes; -1 if messages differ
	Rate        float64 `json:"rate"`         // messages per second of all publishers; 0 is a closed loop
	Burst       int     `json:"burst,omitempty"`
	Window      int     `json:"window"`
	Messages    uint64  `json:"messages,omitempty"` // wanted, of all publishers
	Duration    float64 `json:"duration,omitempty"` // wanted, in seconds
	Warmup      float64 `json:"warmup,omitempty"`   // seconds
	Ramp        float64 `json:"ramp,omitempty"`     // connections per second
	Churn       float64 `json:"churn,omitempty"`    // connections cut per second
	KeepAlive   int     `json:"keep_alive"`         // seconds
	Persistent  bool    `json:"persistent,omitempty"`
	Offline     bool    `json:"offline,omitempty"` // subscribers were disconnected while messages were sent
}

// TopicCount counts the messages published to a topic, or to the topics of a template.
type TopicCount struct {
	Topic      string `json:"topic"`
	Publishers int    `json:"publishers"`
	Sent       uint64 `json:"sent"`              // without Refused
	Refused    uint64 `json:"refused,omitempty"` // by PUBACK or PUBREC
}

// FilterCount counts the messages received through a filter.
type FilterCount struct {
	Filter      string `json:"filter"`
	Shared      string `json:"shared,omitempty"` // name of the shared subscription; its subscribers count as one
	Subscribers int    `json:"subscribers"`
	Unique      uint64 `json:"unique"` // deliveries without duplicates

	Receipts []Receipt `json:"receipts,omitempty"` // of a shared subscription with members in several processes
}

// ErrorKind counts one kind of error.
type ErrorKind struct {
	Kind  string `json:"kind"`  // connect, refused, subscribe, publish, lost, read, limit, …
	Text  string `json:"text"`  // of the first one
	Count uint64 `json:"count"` // how many
}

// Legal says what the QoS of a run allows: loss at QoS 0, duplicates at QoS 1, neither at
// QoS 2. Each QoS guarantees the order of messages, except on a shared subscription and
// between different topics of a publisher.
type Legal struct {
	Loss      bool `json:"loss"`
	Duplicate bool `json:"duplicate"`
	Reorder   bool `json:"reorder"`
}

// Drain is the wait for messages that were in flight when the last one was sent.
type Drain struct {
	Seconds  float64 `json:"seconds"`
	Complete bool    `json:"complete"` // all expected messages were received in time
}

// Phase is one step of a connection: dns, tcp or unix, proxy, tls, websocket, connack, subscribe.
type Phase struct {
	Name string     `json:"name"`
	Took *Histogram `json:"took"`
}

// Connections counts connections.
type Connections struct {
	Wanted      uint64  `json:"wanted"`
	Opened      uint64  `json:"opened"`      // accepted with CONNACK, including reconnections
	Failed      uint64  `json:"failed"`      // failed to open
	Lost        uint64  `json:"lost"`        // ended unexpectedly
	Cut         uint64  `json:"cut"`         // ended by --churn
	Reconnected uint64  `json:"reconnected"` // of Opened, without the first connection of each client
	Peak        uint64  `json:"peak"`        // open at once
	RampSeconds float64 `json:"ramp_seconds"`
}

// Series has the counts of a run in equal steps of time.
type Series struct {
	Interval float64 `json:"interval"` // seconds of a point; doubled if a long run has too many points
	Points   []Point `json:"points"`   // the first begins at Result.Started, after the warm-up
}

// Point is one step of a Series.
type Point struct {
	Sent         uint64     `json:"sent"`
	Acknowledged uint64     `json:"acknowledged"`
	Received     uint64     `json:"received"`
	Errors       uint64     `json:"errors"`
	Lost         uint64     `json:"lost,omitempty"` // messages due in it that were never received; 0 in all points if it is not known when those lost were due
	Opened       uint64     `json:"opened"`         // connections opened in it
	Connections  uint64     `json:"connections"`    // open at its end, or before the clients disconnected
	Latency      *Histogram `json:"latency"`        // of messages received in it, with two digits; see Heat
}

// Clock says how times between machines were measured.
type Clock struct {
	Mode   string  `json:"mode"`             // "one process", "estimated" or "refused"
	Offset float64 `json:"offset,omitempty"` // of the publishers' clock in microseconds, if estimated
	Error  float64 `json:"error,omitempty"`  // maximum error of Offset in microseconds
}

// Machine describes a machine that measured, and the load on it.
type Machine struct {
	Command     string  `json:"command,omitempty"`   // that was run there, with secrets replaced
	Host        string  `json:"host,omitempty"`      // name of the machine
	System      string  `json:"system,omitempty"`    // name and version of the operating system
	Processor   string  `json:"processor,omitempty"` // model
	OS          string  `json:"os"`
	Arch        string  `json:"arch"`
	CPUs        int     `json:"cpus"` // usable by the process
	Go          string  `json:"go"`
	CPU         float64 `json:"cpu"`                   // cores in use on average
	GC          float64 `json:"gc"`                    // longest pause of the garbage collector, microseconds
	Memory      uint64  `json:"memory"`                // resident bytes at the end; of a run of kind connections when all were open
	MemoryBase  uint64  `json:"memory_base,omitempty"` // resident bytes when the first of these connections was open
	Descriptors int     `json:"descriptors"`           // maximum of open files
}

// Note is information without which a reader could misunderstand the numbers.
type Note struct {
	About  string `json:"about"` // generator, clock, limits, accounting, server, drain
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// Verdict is the result of a threshold.
type Verdict struct {
	Expression string  `json:"expression"` // as given: p99>20ms fails if p99 is above 20 ms
	Metric     string  `json:"metric"`
	Value      float64 `json:"value"` // in microseconds for a time; rates are per second
	Limit      float64 `json:"limit"`
	Time       bool    `json:"time"` // Value and Limit are times
	Failed     bool    `json:"failed"`
	Reason     string  `json:"reason,omitempty"` // why it failed without a value, such as: it was not measured
}

// Progress is the state of a run for a live view, about once a second.
type Progress struct {
	Phase       string        // connecting, warming up, sending, draining, holding, closing
	Elapsed     time.Duration // of the phase
	Remaining   time.Duration // of the phase; negative if not known
	Done        float64       // of the phase, from 0 to 1; negative if not known
	Step        time.Duration // since the last Progress; the rates are for this time
	Wanted      int           // connections
	Connections int           // open now
	Sent        uint64        // in the measured part
	Received    uint64
	Missing     int64 // not received so far, although a later one was; negative if not known
	Errors      uint64
	SendRate    float64 // per second
	ReceiveRate float64
	AckRate     float64
	OpenRate    float64    // connections
	Latency     *Histogram // of Step; good for the call; empty if nothing was received
	LagP99      time.Duration
}
