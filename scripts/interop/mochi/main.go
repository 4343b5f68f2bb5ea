// Command mochi is a small server on the mochi-mqtt library, for scripts/interop.sh: TCP and WebSocket on two given
// addresses, one user with a password, and anonymous clients.
package main

import (
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
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mochi ADDRESS WEBSOCKET-ADDRESS")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "mochi:", err)
		os.Exit(1)
	}
}

func serve(tcp, ws string) error {
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
