package proto

import (
	"bytes"
	"testing"
)

func TestHideSecrets(t *testing.T) {
	data := Props(nil).AppendText(AuthenticationMethod, "M").AppendValue(AuthenticationData, []byte("geheim"))
	for _, p := range []interface {
		Packet
		Append([]byte, Version) ([]byte, error)
	}{
		&Connect{Version: V5, ClientID: "c", HasUsername: true, Username: "u", HasPassword: true, Password: []byte("geheim"), Props: data},
		&Connack{Props: data},
		&Auth{Reason: ContinueAuthentication, Props: data},
	} {
		b, err := p.Append(nil, V5)
		if err != nil {
			t.Fatal(err)
		}
		f, _, err := Split(b, 0)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := Decode(f, V5)
		if err != nil {
			t.Fatal(err)
		}
		HideSecrets(decoded)
		if bytes.Contains(b, []byte("geheim")) || !bytes.Contains(b, []byte("******")) {
			t.Errorf("%s: %q", p.Type(), b)
		}
	}
}
