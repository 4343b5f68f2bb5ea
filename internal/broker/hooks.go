package broker

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"net"
	"strings"
	"unicode"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// Identity describes the client of a connection. It is immutable once a hook has seen it.
type Identity struct {
	ClientID    string
	HasUsername bool
	Username    string
	Version     proto.Version
	Remote      net.Addr
	Local       net.Addr
	Certificate *x509.Certificate // of the TLS peer, nil if it sent none
}

// User returns the name that rights and sessions belong to: that of the certificate, else the user
// name. named is false if there is neither.
func (who *Identity) User() (name string, named bool) {
	if name := who.CertificateName(); name != "" {
		return name, true
	}
	return who.Username, who.HasUsername
}

// CertificateName returns the user that the client's certificate names: the common name of its
// subject. It returns "" without a certificate, and if the certificate has no usable common name:
// none, several, a blank one, or one with control characters or invalid UTF-8.
func (who *Identity) CertificateName() string {
	if who.Certificate == nil {
		return ""
	}
	subject := &who.Certificate.Subject
	n := 0
	for _, part := range subject.Names {
		if part.Type.Equal(commonName) {
			n++
		}
	}
	name := subject.CommonName
	if n > 1 || strings.TrimSpace(name) == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return name
}

// commonName is the object identifier of the attribute CN.
var commonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// user returns the user of the client.
func (c *client) user() string {
	name, _ := c.who.User()
	return name
}

// same reports whether both are the same user.
func (who *Identity) same(other *Identity) bool {
	name, named := who.User()
	name2, named2 := other.User()
	return name == name2 && named == named2
}

// Auth decides who may connect. Many goroutines may call its methods.
type Auth interface {
	// Authenticate returns Success, or the reason code of a refusal, which CONNACK must allow.
	// password is nil if the client sent none; it must not be retained. ctx ends when the client
	// leaves, when its time for CONNECT is over, or when the broker closes.
	Authenticate(ctx context.Context, who *Identity, password []byte) proto.Reason
}

// PasswordMemory is an Auth that remembers, at no cost, which passwords were right lately. A client
// with such a password has its own share of Options.ConnectRate, however many connections come from
// its address.
type PasswordMemory interface {
	// Remembers reports whether the password of who was right lately, and still is.
	Remembers(who *Identity, password []byte) bool
}

// Enhanced is authentication by a method of several steps, such as SCRAM, in MQTT 5. It replaces
// Auth for clients that name a method.
type Enhanced interface {
	// Start begins an exchange. It returns BadAuthenticationMethod if the method is unknown.
	Start(ctx context.Context, who *Identity, method string) (Exchange, proto.Reason)
}

// Exchange is one run of an authentication method, for one client.
type Exchange interface {
	// Step processes data that the client sent. reason is ContinueAuthentication if answer is to be
	// sent and another step follows, Success if the exchange is complete, and otherwise the reason
	// of the refusal.
	Step(ctx context.Context, data []byte) (answer []byte, reason proto.Reason)
	// User returns the user name after Success, "" if the method has no user names. The broker
	// refuses a CONNECT with another user name, and a reauthentication as another user.
	User() string
}

// Access is the kind of access to a topic that a client wants.
type Access byte

// The kinds of access.
const (
	Write     Access = iota // publish to a topic name
	Read                    // receive a message of a topic name
	Subscribe               // subscribe to a topic filter
)

// ACL decides which topics a client may use. The broker caches answers until Broker.Revise. Many
// goroutines call Allow, with locks held: it must not block or call the broker.
type ACL interface {
	Allow(who *Identity, topic string, access Access) bool
}
