package cli_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"unicode"

	"mqtt/internal/cli"
	"mqtt/internal/cli/clitest"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// hostile drives a terminal and forges a line: C0, C1 in both forms, separators, bidirectional
// controls.
const hostile = "x\x1b]0;title\x07\nmqtt pub: all is well\r\u0085\x9b31m\u2028\u2029\u202e\u2066\u200f\x7f\t"

// What came from outside is visible in every line on stderr, hints included.
func TestStderrIsVisible(t *testing.T) {
	reference := proto.Props(nil).AppendText(proto.ServerReference, hostile)
	reason := proto.Props(nil).AppendText(proto.ReasonString, hostile)
	for name, write := range map[string]func(e *cli.Env){
		"hint": func(e *cli.Env) {
			e.Finish(context.Background(), "mqtt pub", &conn.Refused{Version: proto.V5, Reason: proto.UseAnotherServer, Props: reference})
		},
		"failure": func(e *cli.Env) {
			e.Finish(context.Background(), "mqtt pub", cli.Fail(cli.ExitOther, hostile, "%w", errors.New(hostile)))
		},
		"usage": func(e *cli.Env) { e.Finish(context.Background(), "mqtt pub", cli.Usage(hostile, hostile)) },
		"reason": func(e *cli.Env) {
			e.Finish(context.Background(), "mqtt sub", &conn.Disconnected{Reason: proto.ServerBusy, Props: reason})
		},
		"warn": func(e *cli.Env) { e.Warn("%s", hostile) },
		"note": func(e *cli.Env) { e.Note("%s", hostile) },
	} {
		var out, err bytes.Buffer
		write(clitest.Env(&out, &err))
		line, rest, ended := strings.Cut(err.String(), "\n")
		if !ended || rest != "" {
			t.Errorf("%s is no single line: %q", name, err.String())
		}
		for _, r := range line {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
				t.Errorf("%s has %q: %q", name, r, line)
				break
			}
		}
	}
}
