// Command paho tries the features of scripts/interop/suite.sh with the client library paho.golang, which speaks MQTT 5. It
// prints one line for each feature: its name, ok or FAIL, and what went wrong, separated by tabs.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// patience is the time limit for one feature.
const patience = 15 * time.Second

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: paho ADDRESS WEBSOCKET-URL TLS-ADDRESS CA")
		os.Exit(2)
	}
	s := &server{tcp: os.Args[1], ws: os.Args[2], tls: os.Args[3], ca: os.Args[4]}
	for _, f := range features {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		s.topic = fmt.Sprintf("interop/paho/%d/%s", os.Getpid(), f.name)
		if err := f.ask(ctx, s); err != nil {
			fmt.Printf("%s:5\tFAIL\t%v\n", f.name, err)
		} else {
			fmt.Printf("%s:5\tok\t\n", f.name)
		}
		cancel()
	}
}

// features has the features in the order of the table.
var features = []struct {
	name string
	ask  func(context.Context, *server) error
}{
	{"qos0", qos(0)}, {"qos1", qos(1)}, {"qos2", qos(2)},
	{"keepalive", keepalive}, {"password", password}, {"retained", retained},
	{"session", session(1)}, {"session-qos2", session(2)},
	{"takeover", takeover}, {"will", will}, {"large", large},
	{"flood-qos1", flood(1, 3000)}, {"flood-qos2", flood(2, 1500)},
	{"shared", shared}, {"properties", properties}, {"alias", alias},
	{"subscription-id", subscriptionID}, {"ws", ws}, {"tls", secure}, {"rr", rr},
}

// server is the server under test, and the topic of the current feature.
type server struct{ tcp, ws, tls, ca, topic string }

// client is a connection and what it received.
type client struct {
	*paho.Client
	conn net.Conn
	in   chan *paho.Publish
	ack  *paho.Connack
	lost chan byte // reason of the server's DISCONNECT
}

// dial connects; change may alter the CONNECT.
func (s *server) dial(ctx context.Context, change func(*paho.Connect)) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.tcp)
	if err != nil {
		return nil, err
	}
	return attach(ctx, conn, change)
}

func attach(ctx context.Context, conn net.Conn, change func(*paho.Connect)) (*client, error) {
	c := &client{conn: conn, in: make(chan *paho.Publish, 10000), lost: make(chan byte, 1)}
	connect := &paho.Connect{
		ClientID: fmt.Sprintf("paho-%d-%d", os.Getpid(), time.Now().UnixNano()), KeepAlive: 30, CleanStart: true,
		Properties: &paho.ConnectProperties{RequestProblemInfo: true},
	}
	if change != nil {
		change(connect)
	}
	c.Client = paho.NewClient(paho.ClientConfig{
		ClientID: connect.ClientID,
		Conn:     conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { c.in <- p.Packet; return true, nil },
		},
		OnServerDisconnect: func(d *paho.Disconnect) { c.lost <- d.ReasonCode },
	})
	var err error
	if c.ack, err = c.Connect(ctx, connect); err != nil {
		conn.Close()
		if c.ack != nil {
			return c, fmt.Errorf("connect: reason 0x%02x", c.ack.ReasonCode)
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	return c, nil
}

func (c *client) close() { _ = c.Disconnect(&paho.Disconnect{}) }

func (c *client) listen(ctx context.Context, filter string, qos byte) error {
	ack, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: qos}}})
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if ack.Reasons[0] != qos {
		return fmt.Errorf("subscribe: granted 0x%02x", ack.Reasons[0])
	}
	return nil
}

func (c *client) say(ctx context.Context, topic string, qos byte, retain bool, payload string) error {
	_, err := c.Publish(ctx, &paho.Publish{Topic: topic, QoS: qos, Retain: retain, Payload: []byte(payload)})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// next waits for the next message, which must have this payload and QoS.
func (c *client) next(ctx context.Context, payload string, qos byte) (*paho.Publish, error) {
	select {
	case p := <-c.in:
		if string(p.Payload) != payload || p.QoS != qos {
			return nil, fmt.Errorf("got %.20q at QoS %d, wanted %.20q at QoS %d", p.Payload, p.QoS, payload, qos)
		}
		return p, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%.20q did not come", payload)
	}
}

// quiet returns an error if a message arrives within a moment.
func (c *client) quiet() error {
	select {
	case p := <-c.in:
		return fmt.Errorf("%.20q came, which should not", p.Payload)
	case <-time.After(500 * time.Millisecond):
		return nil
	}
}

// pair returns a subscriber to the topic of the feature, and a publisher.
func (s *server) pair(ctx context.Context, qos byte) (sub, pub *client, end func(), err error) {
	if sub, err = s.dial(ctx, nil); err != nil {
		return nil, nil, nil, err
	}
	if err = sub.listen(ctx, s.topic, qos); err != nil {
		return nil, nil, nil, err
	}
	if pub, err = s.dial(ctx, nil); err != nil {
		return nil, nil, nil, err
	}
	return sub, pub, func() { sub.close(); pub.close() }, nil
}

var errAccepted = errors.New("a wrong password was accepted")
