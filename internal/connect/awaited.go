package connect

import (
	"errors"
	"fmt"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/transport"
)

// NoConnection returns the error of a run that a limit, such as "-W 2", ended while there was no
// connection, and says what the run was waiting for. It returns nil if err is about something else.
// All commands end with the same status then.
func (p *Plan) NoConnection(err error, limit string) error {
	var cut *conn.Interrupted
	if !errors.As(err, &cut) {
		return nil
	}
	if cut.Waiting {
		return cli.Fail(cli.ExitTimeout, "check that the server is running", "no connection before the timeout (%s), the last try: %w", limit, cut.During)
	}
	return cli.Fail(cli.ExitTimeout, "check that the server is running", "no connection before the timeout (%s): %s", limit, p.awaited(cut.During))
}

// awaited says what an attempt to connect was waiting for when it was interrupted with err.
func (p *Plan) awaited(err error) string {
	var step *transport.Error
	if !errors.As(err, &step) {
		return fmt.Sprintf("waited for CONNACK from %s", p.server)
	}
	name := map[transport.Phase]string{
		transport.Resolve: "the address of", transport.Connect: "TCP with", transport.Proxy: "the proxy",
		transport.Secure: "TLS with", transport.Upgrade: "WebSocket with",
	}[step.Phase]
	if name == "" {
		name = "the connection to"
	}
	return fmt.Sprintf("waited for %s %s", name, step.Addr)
}
