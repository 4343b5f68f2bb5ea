package root

import (
	"strings"

	"mqtt/internal/cli"
)

// escape is an escape of -F with what it prints.
type escape = [2]string

// messageEscapes returns the escapes that begin with %.
func messageEscapes() []escape {
	return []escape{
		{"%p", "payload"},
		{"%x, %X", "payload in hex, small or capital letters"},
		{"%j", "JSON: time, topic, qos, retain, payload as a string, length, identifier and properties"},
		{"%J", "the same with a payload that is JSON as it is; one that is not as a string, with a warning"},
		{"%l", "length of the payload in bytes"},
		{"%f, %d", "payload as a float of 4 bytes, as a double of 8 bytes"},
		{"%t", "topic"},
		{"%q", "QoS: 0, 1 or 2"},
		{"%r", "retain flag: 0 or 1"},
		{"%m", "packet identifier, 0 at QoS 0"},
		{"%I", "when it came: date, time and zone as in ISO 8601"},
		{"%U", "when it came: Unix time with nanoseconds"},
		{"%A", "topic alias (MQTT 5, as all below)"},
		{"%C", "content type"},
		{"%D", "correlation data"},
		{"%E", "message expiry interval in seconds"},
		{"%F", "payload format indicator: 0 or 1"},
		{"%P", "user properties, KEY:VALUE with spaces between"},
		{"%R", "response topic"},
		{"%S", "subscription identifiers"},
		{"%%", "a per cent sign"},
	}
}

// timeEscapes returns the escapes that begin with @, for the time when a message arrived.
func timeEscapes() []escape {
	return []escape{
		{"@N", "nanoseconds, nine digits"},
		{"@s", "seconds since 1970"},
		{"@Y @C @y", "year, its first two digits, its last two"},
		{"@m @b @h @B", "month: 01 to 12, Jan, Jan, January"},
		{"@d @e @j", "day: 01 to 31, with a space for the 0, 001 to 366"},
		{"@a @A @u @w", "weekday: Mon, Monday, 1 to 7 from Monday, 0 to 6 from Sunday"},
		{"@G @g @V @U @W", "ISO year, its last two digits, ISO week, week from Sunday, week from Monday"},
		{"@H @k @I @l", "hour: 00 to 23, with a space for the 0, 01 to 12, with a space for the 0"},
		{"@M @S", "minute, second"},
		{"@p @P", "AM or PM, am or pm"},
		{"@z @Z", "zone: +0100, its name"},
		{"@F @D @x", "date: 2026-11-20, 11/20/26, 11/20/26"},
		{"@T @X @R @r", "time: 15:04:05, 15:04:05, 15:04, 03:04:05 PM"},
		{"@c", "date and time: Fri Nov 20 15:04:05 2026"},
		{"@n @t", "a line end, a tab"},
		{"@@, @%", "an at sign, a per cent sign"},
	}
}

// byteEscapes returns the escapes that begin with a backslash.
func byteEscapes() []escape {
	return []escape{
		{`\n \r \t \v`, "line feed, carriage return, tab, vertical tab"},
		{`\0 \a \e`, "NUL, bell, escape"},
		{`\\`, "a backslash"},
	}
}

func formatsText(*cli.Env) string {
	var b strings.Builder
	b.WriteString(`-F FORMAT prints a message as FORMAT says, and a line end unless -N is given. In it stand text and these:

`)
	columns(&b, messageEscapes())
	b.WriteString(`
Between % and its letter may stand, in this order:

`)
	columns(&b, []escape{
		{"-", "text to the left of its column"},
		{"0", "zeros in front of numbers"},
		{"WIDTH", "at least so many characters; a longer payload is cut, %p to characters, %x and %X to bytes"},
		{".MAX", "C, I, R and t: at most so many characters; f and d: digits behind the point"},
		{".GROUP[SEP]", "x and X: so many hex digits to a group, and SEP between the groups, else a space: %.2:x is 0a:1b:2c"},
	})
	b.WriteString("\nThe time when the message came, as in strftime:\n\n")
	columns(&b, timeEscapes())
	b.WriteString("\nSingle bytes:\n\n")
	columns(&b, byteEscapes())
	b.WriteString(`
Examples:

  mqtt sub -t 'sensors/#' -F '@H:@M:@S %t %p'
  mqtt sub -t '#' -F '%I %-30t %5l bytes'
  mqtt sub -t raw -F '%.2:x'

On a terminal control characters are made visible; a pipe or a file gets the bytes as they are. -J is the form that
loses nothing and that mqtt pub -J reads.
`)
	return b.String()
}

func profilesText(*cli.Env) string {
	return `
A profile is a file of lines FLAG = VALUE, where FLAG is the long name of a flag without dashes:

  # the lab's server
  url = mqtts://broker.lab
  username = me
  pw-command = pass show mqtt/lab
  cafile = /etc/ssl/lab.pem
  tls-version = tlsv1.3
  topic = sensors/#
  topic = actors/#

  - A flag that takes many values stands on many lines. A switch is true or false.
  - Lines that begin with # are comments. Spaces around a value do not belong to it.
  - A value in double quotes may hold anything: \" \\ \n \r \t and \xHH stand for bytes.
  - FLAG-command takes the value from the first line that a command prints, and runs it only when it is needed.
  - Commands share profiles: what a command has no flag for is passed over, what none has is an error.

Profiles are files in $XDG_CONFIG_HOME/mqtt/profiles, or ~/.config/mqtt/profiles, for their owner alone. One that
holds a secret and can be read by others is refused.

  mqtt config add lab url=mqtts://broker.lab username=me pw    make one; the secret is read from standard input
  mqtt config list, edit, remove                               and so on
  mqtt sub --profile lab -t '#'                                use it once; MQTT_PROFILE=lab does it too
  mqtt config use lab                                          use it wherever none is named
  mqtt config show sub                                         each value and where it comes from

The order is: flag, options file, environment, profile, default. A stronger value displaces a weaker one that would
contradict it: --host a URL of the profile, --password-file its pw.

-o FILE, or MQTT_OPTIONS, reads an options file of mosquitto: an option and its value a line, as on a command line.
Under the names mosquitto_pub, mosquitto_sub and mosquitto_rr the file of that name in $XDG_CONFIG_HOME, or ~/.config,
is read if there is no -o. Its topics add to those of the command line, and profiles and variables do not count.
`
}

// templateVariables returns the variables in topics and payloads of bench.
func templateVariables() []escape {
	return []escape{
		{"%i", "the number of the client, from 0"},
		{"%n", "the number of the message"},
		{"%r", "ten random digits"},
		{"%t", "the time in nanoseconds since 1970"},
		{"%u", "a random UUID"},
		{"%%", "a per cent sign"},
	}
}

func templatesText(*cli.Env) string {
	var b strings.Builder
	b.WriteString("In topics and payloads of mqtt bench these stand for what differs from message to message:\n\n")
	columns(&b, templateVariables())
	b.WriteString(`
The topic of -t takes %i, %n and %r: subscribers take the topics of all publishers, with + for a level that varies.
A payload template takes all of them.

Examples:

  mqtt bench --pubs 10 --subs 10 -t 'bench/%i'
  mqtt bench --pubs 10 -t 'sensors/%i/%r' --template '{"id":"%u","n":%n,"time":%t}'
`)
	return b.String()
}
