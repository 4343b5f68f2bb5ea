package decode

import (
	"bytes"
	"fmt"
	"strings"

	"mqtt/internal/proto"
)

// Rules say which payloads are of which format.
type Rules struct {
	rules []rule
	auto  [len(autoCodecs)]Codec
	o     Options
	again bool // the payload was decoded before
}

// rule is one value of --decode.
type rule struct {
	filter string // "" for all topics
	format string
	codec  Codec // nil: goes by Content Type and topic
}

// NewRules returns the rules of specs, each FORMAT or FILTER=FORMAT. The first one whose filter matches
// wins. An error is a *RuleError.
func NewRules(specs []string, o Options) (*Rules, error) {
	r := &Rules{o: o}
	r.o.again = &r.again
	for _, spec := range specs {
		filter, format, err := splitRule(spec)
		if err != nil {
			return nil, &RuleError{Spec: spec, Err: err}
		}
		var codec Codec
		if format != "auto" {
			if codec, err = New(format, r.o); err != nil {
				return nil, &RuleError{Spec: spec, Err: err}
			}
		}
		r.rules = append(r.rules, rule{filter, format, codec})
	}
	return r, nil
}

// RuleError says what is wrong with a rule.
type RuleError struct {
	Spec string
	Err  error
}

// Error returns the reason.
func (e *RuleError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *RuleError) Unwrap() error { return e.Err }

// splitRule returns the parts of FORMAT or FILTER=FORMAT. Filters may contain =, so the first = that a
// format follows ends the filter.
func splitRule(spec string) (filter, format string, err error) {
	if known(spec) {
		return "", spec, nil
	}
	for i := range len(spec) {
		if spec[i] != '=' || !known(spec[i+1:]) {
			continue
		}
		if err := proto.CheckFilter(spec[:i]); err != nil {
			return "", "", fmt.Errorf("topic filter %q: %w", spec[:i], err)
		}
		return spec[:i], spec[i+1:], nil
	}
	_, format, given := strings.Cut(spec, "=")
	if !given {
		format = spec
	}
	return "", "", errFormat(format)
}

// Decode appends the payload of p as JSON, if a rule matches. ok is false if none does. An error names
// the format and wraps an *Error.
func (r *Rules) Decode(dst []byte, p *proto.Publish) (_ []byte, ok bool, err error) {
	codec, format := r.find(p)
	if codec == nil {
		return dst, false, nil
	}
	if dst, err = codec.Decode(dst, p.Topic, p.Payload); err != nil {
		return dst, true, fmt.Errorf("as %s: %w", format, err)
	}
	return dst, true, nil
}

// Again is Decode for a message that it was called with before: no names are taken from it, and nothing
// is noted.
func (r *Rules) Again(dst []byte, p *proto.Publish) (_ []byte, ok bool, err error) {
	r.again = true
	defer func() { r.again = false }()
	return r.Decode(dst, p)
}

// find returns the codec for p and its format, or nil if there is none.
func (r *Rules) find(p *proto.Publish) (Codec, string) {
	for i := range r.rules {
		if f := r.rules[i].filter; f != "" && !proto.Match(f, p.Topic) {
			continue
		}
		if r.rules[i].codec != nil {
			return r.rules[i].codec, r.rules[i].format
		}
		return r.automatic(p)
	}
	return nil, ""
}

// autoCodecs are the formats that auto knows.
var autoCodecs = [...]string{"json", "cbor", "msgpack", "proto", "sparkplug", "gzip+json", "gzip+cbor", "gzip+msgpack", "gzip+proto"}

// automatic returns the codec that Content Type or topic name, and its format, nil if they name none.
func (r *Rules) automatic(p *proto.Publish) (Codec, string) {
	name := ""
	if len(p.Props) > 0 {
		name = formatOf(p.Props.Value(proto.ContentType))
	}
	if name == "" && bytes.HasPrefix(p.Topic, []byte("spBv1.0/")) {
		name = "sparkplug"
	}
	for i, known := range autoCodecs {
		if name != known {
			continue
		}
		if r.auto[i] == nil {
			r.auto[i], _ = New(name, r.o) // these have no arguments that could be wrong
		}
		return r.auto[i], name
	}
	return nil, ""
}

// formatOf returns the format of a media type, empty if it has none here.
func formatOf(contentType []byte) string {
	kind, _, _ := strings.Cut(string(contentType), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	outer := ""
	if inner, ok := strings.CutSuffix(kind, "+gzip"); ok {
		kind, outer = inner, "gzip+"
	}
	switch kind {
	case "application/json", "text/json":
		return outer + "json"
	case "application/cbor":
		return outer + "cbor"
	case "application/msgpack", "application/x-msgpack", "application/vnd.msgpack":
		return outer + "msgpack"
	case "application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf":
		return outer + "proto"
	}
	switch {
	case strings.HasSuffix(kind, "+json"):
		return outer + "json"
	case strings.HasSuffix(kind, "+cbor"):
		return outer + "cbor"
	}
	return ""
}
