package proto

// HideSecrets overwrites with asterisks what is secret in a decoded packet: passwords and
// authentication data. The fields alias the bytes that were decoded, so these change as well.
func HideSecrets(p Packet) {
	switch p := p.(type) {
	case *Connect:
		hide(p.Password)
		hide(p.Props.Value(AuthenticationData))
	case *Connack:
		hide(p.Props.Value(AuthenticationData))
	case *Auth:
		hide(p.Props.Value(AuthenticationData))
	}
}

func hide(b []byte) {
	for i := range b {
		b[i] = '*'
	}
}
