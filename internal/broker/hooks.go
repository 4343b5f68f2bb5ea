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

// Identity is who is at the other end of a connection. It is not changed once a
// hook has seen it.
type Identity struct {
	ClientID    string
	HasUsername bool
	Username    string
	Version     proto.Version
	Remote      net.Addr
	Local       net.Addr
	Certificate *x509.Certificate // of the TLS peer, nil if it showed none
}

// User returns the name for rights and sessions: that of the certificate, else the user name. named is
// false if there is neither.
func (who *Identity) User() (name string, named bool) {
	if name := who.CertificateName(); name != "" {
		return name, true
	}
	return who.Username, who.HasUsername
}

// CertificateName returns the user that the client's certificate names: the common name of its subject.
// It is "" without a certificate, and if the certificate has no usable common name: none, several, a
// blank one, or one with control characters or bytes that are not UTF-8.
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

// commonName identifies the attribute CN.
var commonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// user returns the name that the client goes by.
func (c *client) user() string {
	name, _ := c.who.User()
	return name
}

// same tells whether the two are the same user.
func (who *Identity) same(other *Identity) bool {
	name, named := who.User()
	name2, named2 := other.User()
	return name == name2 && named == named2
}

// Auth decides who may connect. Its method may be called from many goroutines.
type Auth interface {
	// Authenticate returns Success or why not: a reason that a CONNACK may carry.
	// password is nil if none was sent, and is not to be kept. ctx ends when the client
	// leaves, when its time for CONNECT is over, or when the broker closes.
	Authenticate(ctx context.Context, who *Identity, password []byte) proto.Reason
}

// Recaller is an Auth that knows without work whose password was right lately. Such a client has a
// share of Options.ConnectRate of its own, whatever others from its address do.
type PasswordMemory interface {
	// Remembers reports whether the password of who was right lately, and still is.
	Remembers(who *Identity, password []byte) bool
}

// Enhanced is authentication by a method of several steps, such as SCRAM, which
// only MQTT 5 has. Where a client names a method, Auth is not asked.
type Enhanced interface {
	// Start begins an exchange. BadAuthenticationMethod if the method is not known.
	Start(ctx context.Context, who *Identity, method string) (Exchange, proto.Reason)
}

// Exchange is one run of a method, for one client.
type Exchange interface {
	// Step takes what the client sent. reason is ContinueAuthentication if answer
	// goes to the client and another step follows, Success if it is done, and
	// otherwise why not.
	Step(ctx context.Context, data []byte) (answer []byte, reason proto.Reason)
	// User is who it turned out to be after Success, "" if the method has no names. A
	// CONNECT with another user name, or a client that was another, is refused.
	User() string
}

// Access is what a client wants to do with a topic.
type Access byte

// The three kinds of access.
const (
	Write     Access = iota // publish to a topic name
	Read                    // receive a message of a topic name
	Subscribe               // subscribe to a topic filter
)

// ACL decides who may do what. Answers are kept until Broker.Revise; the method may
// be called from many goroutines, with locks held: it must not block or call back.
type ACL interface {
	Allow(who *Identity, topic string, access Access) bool
}
