package connect

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/broker/access"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
	"mqtt/internal/session"
)

// Our client and our broker authenticate by SCRAM, and again on the same connection. When the password is another one by
// then, the connection ends.
func TestReauthenticate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "users")
	if _, err := access.SetScram(path, "frank", []byte("hunter2")); err != nil {
		t.Fatal(err)
	}
	users, err := access.NewUsers(path, access.AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := broker.New(broker.Options{Auth: users, Enhanced: users})
	served := make(chan error, 1)
	go func() { served <- b.Serve(ctx, l) }() // ends with Close
	defer func() {
		b.Close(ctx)
		<-served
	}()
	cfg := &conn.Config{
		Dial:    func(context.Context, proto.Version) (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) },
		Connect: proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "me"}, // who it is, only SCRAM tells
		Auth:    &scramAuth{client: &scram.Client{Method: scram.SHA512, User: "frank", Password: "hunter2"}},
	}
	c, err := conn.Dial(ctx, cfg, &session.Session{})
	if err != nil {
		t.Fatal(err)
	}
	if all := b.Clients(); len(all) != 1 || all[0].Username != "frank" {
		t.Errorf("clients %+v", all)
	}
	if err := c.Reauthenticate(); err != nil {
		t.Fatal(err)
	}
	ev, err := c.Next(ctx)
	if a, ok := ev.Answer.(*proto.Auth); err != nil || !ok || a.Reason != proto.Success {
		t.Fatalf("%+v, %v", ev, err)
	}
	if _, err := access.SetScram(path, "frank", []byte("other")); err != nil {
		t.Fatal(err)
	}
	if err := users.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := c.Reauthenticate(); err != nil {
		t.Fatal(err)
	}
	_, err = c.Next(ctx)
	var said *conn.Disconnected
	if !errors.As(err, &said) || said.Reason != proto.NotAuthorized {
		t.Errorf("error %v", err)
	}
}
