package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// secure sends a message to itself by TLS, and checks that the certificate is verified.
func secure(ctx context.Context, s *server) error {
	pem, err := os.ReadFile(s.ca)
	if err != nil {
		return err
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s: no certificate", s.ca)
	}
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: authorities}}
	conn, err := dialer.DialContext(ctx, "tcp", s.tls)
	if err != nil {
		return err
	}
	sub, err := attach(ctx, conn, nil)
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
	if _, err := sub.next(ctx, "x", 1); err != nil {
		return err
	}
	if conn, err := new(tls.Dialer).DialContext(ctx, "tcp", s.tls); err == nil {
		conn.Close()
		return fmt.Errorf("a certificate of an unknown authority was accepted")
	}
	return nil
}
