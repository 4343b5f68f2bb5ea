// Command mochi is a small server on the mochi-mqtt library, for scripts/interop.sh: TCP, WebSocket and TLS on
// three given addresses, a PEM file with certificate and key, one user with a password, and anonymous clients.
package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: mochi ADDRESS WEBSOCKET-ADDRESS TLS-ADDRESS PEM")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "mochi:", err)
		os.Exit(1)
	}
}

func serve(tcp, ws, secure, pem string) error {
	certificate, err := tls.LoadX509KeyPair(pem, pem)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	server := mochi.New(&mochi.Options{
		Logger: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	rules := &auth.Ledger{Auth: auth.AuthRules{
		{Username: "interop", Password: "secret", Allow: true},
		{Username: "interop", Allow: false},
		{Allow: true},
	}}
	if err := server.AddHook(new(auth.Hook), &auth.Options{Ledger: rules}); err != nil {
		return fmt.Errorf("add users: %w", err)
	}
	for _, l := range []listeners.Listener{
		listeners.NewTCP(listeners.Config{ID: "tcp", Address: tcp}),
		listeners.NewWebsocket(listeners.Config{ID: "ws", Address: ws}),
		listeners.NewTCP(listeners.Config{ID: "tls", Address: secure, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}),
	} {
		if err := server.AddListener(l); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	if err := server.Serve(); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	return server.Close()
}
