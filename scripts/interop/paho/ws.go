package main

import (
	"bytes"
	"context"
	"fmt"
	"net"

	"github.com/eclipse/paho.golang/packets"
	"github.com/gorilla/websocket"
)

// ws is a WebSocket connection with one frame for each write, as in the library's own wrapper.
func ws(ctx context.Context, s *server) error {
	if s.ws == "" {
		return fmt.Errorf("no WebSocket listener")
	}
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	socket, _, err := dialer.DialContext(ctx, s.ws, nil)
	if err != nil {
		return err
	}
	sub, err := attach(ctx, packets.NewThreadSafeConn(&framed{Conn: socket.NetConn(), socket: socket}), nil)
	if err != nil {
		return err
	}
	defer sub.close()
	if err := sub.listen(ctx, s.topic, 1); err != nil {
		return err
	}
	if err := sub.say(ctx, s.topic, 1, false, "x"); err != nil {
		return err
	}
	_, err = sub.next(ctx, "x", 1)
	return err
}

// framed is the byte stream inside binary WebSocket messages.
type framed struct {
	net.Conn
	socket *websocket.Conn
	rest   bytes.Buffer
}

func (f *framed) Read(p []byte) (int, error) {
	if f.rest.Len() == 0 {
		_, message, err := f.socket.ReadMessage()
		if err != nil {
			return 0, err
		}
		f.rest.Write(message)
	}
	return f.rest.Read(p)
}

func (f *framed) Write(p []byte) (int, error) {
	return len(p), f.socket.WriteMessage(websocket.BinaryMessage, p)
}
