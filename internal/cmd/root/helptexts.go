package root

import (
	"mqtt/internal/cli"
)

// escape is an escape of -F with what it prints.
type escape = [2]string

// messageEscapes returns the escapes that begin with %.
func messageEscapes() []escape {
	return []escape{
		{"%p", "payload"},
		{"%x, %X", "payload in hex, lower or upper case"},
		{"%j", "JSON: time, topic, QoS, retain flag, payload as a string, length, packet identifier and properties"},
		{"%J", "the same with the payload as JSON; a payload that is not JSON becomes a string, with a warning"},
		{"%l", "length of the payload in bytes"},
		{"%f, %d", "payload as a float of 4 bytes, as a double of 8 bytes"},
		{"%t", "topic"},
		{"%q", "QoS: 0, 1 or 2"},
		{"%r", "retain flag: 0 or 1"},
		{"%m", "packet identifier, 0 at QoS 0"},
		{"%I", "time of arrival: date, time and zone (ISO 8601)"},
		{"%U", "time of arrival: Unix time with nanoseconds"},
		{"%A", "topic alias (MQTT 5, like all below)"},
		{"%C", "content type"},
		{"%D", "correlation data"},
		{"%E", "message expiry interval in seconds"},
		{"%F", "payload format indicator: 0 or 1"},
		{"%P", "user properties, KEY:VALUE separated by spaces"},
		{"%R", "response topic"},
		{"%S", "subscription identifiers"},
		{"%%", "a percent sign"},
	}
}

// timeEscapes returns the escapes that begin with @, for the time when a message arrived.
func timeEscapes() []escape {
	return []escape{
		{"@N", "nanoseconds, nine digits"},
		{"@s", "seconds since 1970"},
		{"@Y @C @y", "year; its first two digits; its last two"},
		{"@m @b @h @B", "month: 01 to 12; Jan; Jan; January"},
		{"@d @e @j", "day: 01 to 31; padded with a space; of the year, 001 to 366"},
		{"@a @A @u @w", "weekday: Mon; Monday; 1 to 7 from Monday; 0 to 6 from Sunday"},
		{"@G @g @V @U @W", "ISO year; its last two digits; ISO week; week from Sunday; week from Monday"},
		{"@H @k @I @l", "hour: 00 to 23; padded with a space; 01 to 12; padded with a space"},
		{"@M @S", "minute; second"},
		{"@p @P", "AM or PM; am or pm"},
		{"@z @Z", "zone: +0100; its name"},
		{"@F @D @x", "date: 2026-11-20; 11/20/26; 11/20/26"},
		{"@T @X @R @r", "time: 15:04:05; 15:04:05; 15:04; 03:04:05 PM"},
		{"@c", "date and time: Fri Nov 20 15:04:05 2026"},
		{"@n @t", "a line feed; a tab"},
		{"@@ @%", "an at sign; a percent sign"},
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

func formatsText(p *page, _ *cli.Env) {
	p.text("-F FORMAT prints each message as FORMAT, followed by a newline unless -N is given. FORMAT is text with these escapes:")
	p.table(messageEscapes())
	p.text("Between % and its letter there may be, in this order:")
	p.table([]escape{
		{"-", "align the text to the left of its column"},
		{"0", "pad numbers with zeros"},
		{"WIDTH", "at least this number of characters; a longer payload is cut: %p after characters, %x and %X after bytes"},
		{".MAX", "C, I, R and t: at most this number of characters; f and d: digits after the point"},
		{".GROUP[SEP]", "x and X: hex digits in a group, with SEP between groups (default: a space); %.2:x prints 0a:1b:2c"},
	})
	p.text("The time of arrival, as in strftime:")
	p.table(timeEscapes())
	p.text("Single bytes:")
	p.table(byteEscapes())
	p.text(`Examples:

  mqtt sub -t 'sensors/#' -F '@H:@M:@S %t %p'
  mqtt sub -t '#' -F '%I %-30t %5l bytes'
  mqtt sub -t raw -F '%.2:x'

On a terminal, control characters are escaped; a pipe or a file gets the bytes as they are. -J is lossless, and
mqtt pub -J reads it.`)
}

func profilesText(p *page, _ *cli.Env) {
	p.text(`A profile is a file of lines FLAG = VALUE, where FLAG is the long name of a flag without dashes:

  # the lab's server
  url = mqtts://broker.lab
  username = me
  pw-command = pass show mqtt/lab
  cafile = /etc/ssl/lab.pem
  tls-version = tlsv1.3
  topic = sensors/#
  topic = actors/#

  - A flag with several values has several lines. A switch is true or false.
  - A line that begins with # is a comment. Spaces around a value are ignored.
  - A value in double quotes may contain any byte: \" \\ \n \r \t and \xHH.
  - FLAG-command takes the value from the first line of a command's output. The command runs only when needed.
  - All commands share the profiles. A command ignores the flags of other commands; an unknown flag is an error.

Profiles are in $XDG_CONFIG_HOME/mqtt/profiles, or ~/.config/mqtt/profiles, and readable by their owner only. A profile
that contains a secret and is readable by others is refused.

  mqtt config add lab url=mqtts://broker.lab username=me pw    create one; the secret is read from standard input
  mqtt config list                                             list the profiles; also: edit, remove
  mqtt sub --profile lab -t '#'                                use it once; so does MQTT_PROFILE=lab
  mqtt config use lab                                          make it the default
  mqtt config show sub                                         print each value and where it comes from

Sources in order of priority: flag, options file, environment, profile, default. A value of higher priority also
displaces lower ones that contradict it: --host a URL of the profile, --password-file its pw.

-o FILE, or MQTT_OPTIONS, reads an options file of mosquitto: one option with its value on a line, as on a command line.
When run as mosquitto_pub, mosquitto_sub or mosquitto_rr, the default is the file of that name in $XDG_CONFIG_HOME, or
~/.config; its topics are added to those of the command line, and profiles and MQTT_* variables are ignored.`)
}

// templateVariables returns the variables in topics and payloads of bench.
func templateVariables() []escape {
	return []escape{
		{"%i", "the number of the client, from 0"},
		{"%n", "the number of the message"},
		{"%r", "ten random digits"},
		{"%t", "the time in nanoseconds since 1970"},
		{"%u", "a random UUID"},
		{"%%", "a percent sign"},
	}
}

func templatesText(p *page, _ *cli.Env) {
	p.text("Variables in topics and payloads of mqtt bench:")
	p.table(templateVariables())
	p.text(`The topic of -t may contain %i, %n and %r; subscribers then subscribe with + in place of a level that varies. A payload
of --template may contain all of them.

Examples:

  mqtt bench --pubs 10 --subs 10 -t 'bench/%i'
  mqtt bench --pubs 10 -t 'sensors/%i/%r' --template '{"id":"%u","n":%n,"time":%t}'`)
}
