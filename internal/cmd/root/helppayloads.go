package root

import "mqtt/internal/cli"

// payloadsText is the help on payload formats.
func payloadsText(p *page, _ *cli.Env) {
	p.text("--decode FORMAT prints payloads of FORMAT as one line of JSON; --encode FORMAT publishes JSON as FORMAT:")
	p.table([]escape{
		{"json", "JSON: it is checked, and written on one line"},
		{"cbor", "CBOR; tags are left out, big integers are numbers"},
		{"msgpack", "MessagePack; timestamps are in RFC 3339"},
		{"sparkplug", "Sparkplug B; metrics with an alias get the name and datatype of the last BIRTH"},
		{"proto", "Protocol Buffers without a schema: field numbers and wire types"},
		{"proto:DESCRIPTORS:MESSAGE", "Protocol Buffers; DESCRIPTORS is a file of protoc --include_imports --descriptor_set_out or buf build"},
		{"avro:SCHEMA", "one datum of Avro; SCHEMA is a file"},
		{"gzip+FORMAT", "any of these in gzip, such as gzip+json"},
		{"zstd+FORMAT", "any of these in Zstandard"},
		{"auto", "(--decode) by Content Type, else sparkplug for topics spBv1.0/...; other payloads stay as they are"},
	})
	p.text(`--decode 'FILTER=FORMAT' is for topics that match FILTER. It may be repeated, and the first filter that matches wins.

Integers keep their digits. Bytes are strings in base64; NaN and the infinities are the strings NaN, Infinity and
-Infinity. -v, -F %p, --jq, --match and --pretty work on the result. -J keeps the payload as it is and adds "decoded",
which mqtt pub -J ignores.

A payload that cannot be decoded is reported with its topic, place and reason, and printed as
{"undecoded_base64": "..."}. With --on-invalid stop, the first one ends the run with status 8 and is not acknowledged.
Results are limited to 64 MiB, and to 100 levels of nesting.

--schema FILE checks each payload, or what --decode makes of it, against the JSON Schema in FILE before --match, --jq
and output. The first invalid one ends the run with status 8, is neither printed nor acknowledged, and is reported with
its topic, a JSON Pointer to the value at fault, and the reason. With --on-invalid warn the run goes on: the first 10
are reported, all are printed, and their number follows at the end. A payload that cannot be decoded is invalid, too.
Answers that report an error (mqtt rr) are not checked.

Schemas are those of JSON Schema 2020-12. "$ref" leads to files in the folder of FILE or below it, and never to the
network. If FILE has an "$id", URIs below its folder are these files, too. Numbers are compared digit by digit. "format"
is an annotation and is not checked. A "pattern" has no lookahead and no references to groups.

Examples:

  mqtt sub -t 'spBv1.0/#' --decode sparkplug -v
  mqtt sub -t 'sensors/#' --decode 'sensors/+/raw=cbor' --decode auto --jq .temperature
  mqtt sub -t plant --decode proto:plant.binpb:plant.Reading
  mqtt sub -t 'sensors/#' --schema reading.json --expect 10 -W 60
  mqtt pub -t sensors/1/raw -m '{"temperature": 21.5}' --encode cbor --content-type application/cbor`)
}
