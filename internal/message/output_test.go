package message

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
)

// open returns the Output that args describe, which prints to w.
func open(w io.Writer, stderr io.Writer, args ...string) (*Output, error) {
	f := &OutputFlags{}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Register(fs)
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	return f.Open(&cli.Env{Out: w, Err: stderr}, w, fs)
}

func TestOutput(t *testing.T) {
	for line, want := range map[string]string{
		"":              "x\ny\n",
		"-v":            "t x\nt y\n",
		"-N":            "xy",
		"--payload hex": "78\n79\n",
		"-F %t=%p;":     "t=x;\nt=y;\n",
		"-F %p -N":      "xy",
	} {
		var out bytes.Buffer
		o, err := open(&out, io.Discard, strings.Fields(line)...)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		for _, payload := range []string{"x", "y"} {
			if err := o.Put(proto.V5, &proto.Publish{Topic: []byte("t"), Payload: []byte(payload)}, nil); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		if out.Len() > 0 {
			t.Errorf("%s: %q is written before Flush", line, out.String())
		}
		if err := o.Flush(); err != nil || out.String() != want {
			t.Errorf("%s: %q, %v, want %q", line, out.String(), err, want)
		}
	}
	var out bytes.Buffer
	o, err := open(&out, io.Discard, "-J")
	if err != nil {
		t.Fatal(err)
	}
	o.Put(proto.V5, &proto.Publish{Topic: []byte("t"), Payload: []byte("x")}, nil)
	if o.Flush(); !strings.HasPrefix(out.String(), "{") || !strings.Contains(out.String(), `"payload":"x"`) {
		t.Errorf("-J: %s", out.String())
	}
}

func TestOutputWrong(t *testing.T) {
	for line, want := range map[string]string{
		"-J -F %p":               "-J with -F",
		"--payload octal":        `--payload "octal"`,
		"-F %":                   "-F: ",
		"--pretty --payload hex": "--pretty with --payload hex",
	} {
		_, err := open(io.Discard, io.Discard, strings.Fields(line)...)
		var usage *cli.UsageError
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", line, err, want)
		}
	}
}

// full is a stdout that cannot be written to.
type full struct{ err error }

func (f full) Write([]byte) (int, error) { return 0, f.err }

// What could not be written is lost. A reader that has gone is no error.
func TestOutputLost(t *testing.T) {
	for _, row := range []struct {
		write error
		want  string
	}{{errors.New("disk full"), "write output: disk full"}, {io.ErrClosedPipe, cli.ErrQuiet.Error()}} {
		o, err := open(full{row.write}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		o.Put(proto.V5, &proto.Publish{Topic: []byte("t"), Payload: []byte("x")}, nil)
		if o.Lost() {
			t.Error("a message is lost before it is written")
		}
		if err := o.Flush(); err == nil || err.Error() != row.want || !o.Lost() {
			t.Errorf("error %v, lost %v, want %s", err, o.Lost(), row.want)
		}
	}
}

// A large message is written at once, and its buffer is not kept.
func TestOutputLarge(t *testing.T) {
	var out bytes.Buffer
	o, err := open(&out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x"), 2*outputKept)
	if err := o.Put(proto.V5, &proto.Publish{Topic: []byte("t"), Payload: large}, nil); err != nil || out.Len() != len(large)+1 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	if cap(o.buf) > outputKept {
		t.Errorf("a buffer of %d bytes is kept", cap(o.buf))
	}
}
