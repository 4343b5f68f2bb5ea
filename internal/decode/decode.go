package decode

import (
	"fmt"
	"strconv"
	"strings"
)

// The bounds of one payload.
const (
	maxDepth  = 100      // levels of nesting
	maxResult = 64 << 20 // bytes of the result, and of what gzip or zstd expand to
)

// Codec turns payloads of one format into JSON and back.
type Codec interface {
	// Decode appends payload, which was published to topic, as one line of JSON. An error is an *Error;
	// dst is then good up to its old length.
	Decode(dst, topic, payload []byte) ([]byte, error)
	// Encode appends the payload that text, which is JSON, describes. An error is an *Error or a
	// *ValueError.
	Encode(dst, topic, text []byte) ([]byte, error)
}

// Error says what is wrong with a payload, and where.
type Error struct {
	Offset int // in bytes from the start of the payload
	What   string
	Inside string // the compression around the bytes that Offset counts, else empty
}

// Error returns the fault and its place; the place is counted from 1.
func (e *Error) Error() string {
	if e.Inside != "" {
		return fmt.Sprintf("%s at byte %d inside %s", e.What, e.Offset+1, e.Inside)
	}
	return fmt.Sprintf("%s at byte %d", e.What, e.Offset+1)
}

// fail returns the error of a fault at offset.
func fail(offset int, what string) error { return &Error{Offset: offset, What: what} }

const (
	tooDeep  = "nested more than 100 levels deep"
	tooLarge = "the result is larger than 64 MiB"
	cutShort = "unexpected end"
	notUTF8  = "text that is not UTF-8"
)

// Options are what a Codec needs of its caller.
type Options struct {
	ReadFile func(name string) ([]byte, error) // reads schemas and descriptor sets
	Note     func(text string)                 // takes what a user should know, such as a missing BIRTH; may be nil

	again *bool // set while a message is decoded again; may be nil
}

// Formats describes the formats for help and completion. Those with a colon take arguments.
var Formats = []string{"auto", "json", "cbor", "msgpack", "sparkplug", "proto", "proto:DESCRIPTORS:MESSAGE", "avro:SCHEMA",
	"gzip+FORMAT", "zstd+FORMAT"}

// errFormat is the error of New for a name that is not a format.
type errFormat string

func (e errFormat) Error() string { return "unknown format " + strconv.Quote(string(e)) }

// New returns the codec of a format such as cbor or gzip+proto:set.binpb:plant.Reading. It is not for
// auto, which is not a format.
func New(format string, o Options) (Codec, error) {
	if rest, ok := strings.CutPrefix(format, "gzip+"); ok {
		inner, err := New(rest, o)
		return &gzipCodec{inner: inner}, err
	}
	if rest, ok := strings.CutPrefix(format, "zstd+"); ok {
		inner, err := New(rest, o)
		return &zstdCodec{inner: inner}, err
	}
	name, args, given := strings.Cut(format, ":")
	switch {
	case name == "json" && !given:
		return new(jsonCodec), nil
	case name == "cbor" && !given:
		return new(cborCodec), nil
	case name == "msgpack" && !given:
		return new(msgpackCodec), nil
	case name == "sparkplug" && !given:
		return newSparkplug(o), nil
	case name == "proto" && !given:
		return new(rawProtoCodec), nil
	case name == "proto":
		at := strings.LastIndexByte(args, ':') // of the two, only a file name may have a colon
		if at <= 0 || at == len(args)-1 {
			return nil, fmt.Errorf("%s lacks a descriptor set or a message", format)
		}
		set, err := o.ReadFile(args[:at])
		if err != nil {
			return nil, err
		}
		return newProto(set, args[at+1:])
	case name == "avro" && args != "":
		schema, err := o.ReadFile(args)
		if err != nil {
			return nil, err
		}
		return newAvro(schema)
	}
	return nil, errFormat(format)
}

// known reports whether s begins like a format.
func known(s string) bool {
	for {
		rest, ok := strings.CutPrefix(s, "gzip+")
		if !ok {
			if rest, ok = strings.CutPrefix(s, "zstd+"); !ok {
				break
			}
		}
		s = rest
	}
	name, _, _ := strings.Cut(s, ":")
	switch name {
	case "auto", "json", "cbor", "msgpack", "sparkplug", "proto", "avro":
		return true
	}
	return false
}
