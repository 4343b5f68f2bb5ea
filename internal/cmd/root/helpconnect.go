package root

import (
	"slices"
	"strings"

	"mqtt/internal/cli"
)

// flagGroups writes the named groups of the flags that all clients share.
func (p *page) flagGroups(e *cli.Env, titles ...string) {
	pub, _, _ := e.Tree([]string{"pub"}).Find([]string{"pub"})
	for _, g := range Groups(pub) {
		if slices.Contains(titles, g.Title) {
			p.line("\n" + g.Title + ":")
			p.flags(g.Flags)
		}
	}
}

func connectionText(p *page, e *cli.Env) {
	p.text(`A server is named by -h and -p, by a URL, or by a unix socket. Without any of them, it is localhost:1883.

  mqtt sub -t '#' -h broker.example
  mqtt sub -t '#' -L mqtts://ann@broker.example
  mqtt sub -t '#' -L wss://broker.example/mqtt
  mqtt sub -t '#' --unix /run/broker.sock

The scheme of a URL sets transport and default port:

  mqtt://    TCP, 1883
  mqtts://   TLS, 8883
  ws://      WebSocket, 80
  wss://     WebSocket over TLS, 443
  unix://    a unix socket: unix:///run/broker.sock

Passwords are best kept off the command line: use --password-file, MQTT_PASSWORD, or a profile (mqtt help profiles).
Each flag can also be set by an environment variable (mqtt help environment).`)
	p.flagGroups(e, groupServer, groupIdentity, groupProfiles, groupOutput)
}

func sessionText(p *page, e *cli.Env) {
	p.text(`A session is what client and server keep about each other: subscriptions, and messages of QoS 1 and 2 that are not yet
acknowledged. By default it ends with the command. With -c and -i, the server keeps it and queues messages for it, and
the next run resumes it; -x limits how long.

  mqtt sub -t 'jobs/#' -q 1 -c -i worker-1 -x 1h

sub, rr --serve, and pub with -l or -J reconnect after a lost connection, until it succeeds. Other commands end with
status 7. --reconnect changes both, and with it the first connection is retried, too. The wait between attempts starts
at MIN of --reconnect-delay and doubles up to MAX.

A will is a message that the server publishes when the connection breaks:

  mqtt sub -t 'cmd/#' --will-topic status/worker-1 --will-payload gone --will-retain`)
	p.flagGroups(e, groupSession, groupWill)
}

// caLines are the commands that make certificates for tests. A test runs them.
func caLines() []string {
	return []string{
		"openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj '/CN=test CA' -keyout ca.key -out ca.pem",
		"openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
		"echo subjectAltName=DNS:localhost,IP:127.0.0.1 > server.ext",
		"openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -extfile server.ext -out server.pem",
	}
}

// clientLines are the commands that make a client certificate for tests. A test runs them after caLines.
func clientLines() []string {
	return []string{
		"openssl req -newkey rsa:2048 -nodes -subj /CN=ann -keyout ann.key -out ann.csr",
		"openssl x509 -req -in ann.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -out ann.pem",
	}
}

// shell returns commands as lines of a help text.
func shell(lines []string) string { return "  " + strings.Join(lines, "\n  ") }

func tlsText(p *page, e *cli.Env) {
	p.text(`mqtts:// and wss:// URLs, port 8883, --tls and each of the flags below except --insecure turn TLS on. The server's
certificate must be issued by a trusted CA (certification authority) for the name of the host. By default, the CAs of the
system are trusted.

  mqtt sub -t '#' -L mqtts://broker.example
  mqtt sub -t '#' -L mqtts://broker.lab --cafile lab-ca.pem
  mqtt sub -t '#' -L mqtts://broker.lab --cafile lab-ca.pem --cert ann.pem --key ann.key

A broker with TLS for tests, in one step. It creates a CA and a certificate in the folder tls:

  mqtt broker --tls-self-signed tls
  mqtt sub -t '#' -L mqtts://localhost --cafile tls/ca.pem

The same with openssl:

` + shell(caLines()) + `
  mqtt broker --listen mqtts://localhost --cert server.pem --key server.key
  mqtt sub -t '#' -L mqtts://localhost --cafile ca.pem

The name of the host must be in subjectAltName: clients ignore the common name (CN). A client certificate, whose CN is
the user name at the broker:

` + shell(clientLines()) + `
  mqtt broker --listen mqtts://localhost --cert server.pem --key server.key --cafile ca.pem
  mqtt sub -t '#' -L mqtts://localhost --cafile ca.pem --cert ann.pem --key ann.key`)
	p.flagGroups(e, groupTLS)
}
