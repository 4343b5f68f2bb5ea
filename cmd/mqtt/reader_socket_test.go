//go:build linux || darwin

package main

import (
	"net"
	"testing"
)

// Stdout may be a socket, as under some supervisors and ssh. When its reader has gone, each command
// ends, also while nothing is to be written.
func TestReaderOfSocketGone(t *testing.T) {
	t.Parallel()
	s := serving(t, []string{"mqtt"})
	for _, command := range []string{"sub -t quiet -d", "sub -t quiet -q 2 -J -d", "ping --interval 1h -d", "rr -t nobody -m x -d"} {
		for _, how := range []string{"close", "reset"} {
			t.Run(command+" "+how, func(t *testing.T) {
				t.Parallel()
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				reader, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer reader.Close()
				stdout, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				file, err := stdout.(*net.TCPConn).File()
				if err != nil {
					t.Fatal(err)
				}
				stdout.Close()
				cmd := tool(t, line(command, s.direct("mqtt"))...)
				cmd.Stdout = file
				p := begin(t, cmd)
				file.Close()
				p.says(t, &p.err, "<- (SUBACK|CONNACK)")
				if how == "reset" {
					reader.(*net.TCPConn).SetLinger(0)
				}
				reader.Close()
				p.ends(t, 0)
			})
		}
	}
}
