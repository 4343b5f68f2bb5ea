package transport

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// ParseCiphers parses a list of cipher suites for TLS 1.2 and older, by their IANA or OpenSSL
// names, separated by colons, commas or spaces. An error names the unknown cipher.
func ParseCiphers(list string) ([]uint16, error) {
	var ids []uint16
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		id, err := parseCipher(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("cipher list %q is empty", list)
	}
	return ids, nil
}

func parseCipher(name string) (uint16, error) {
	iana := strings.ToUpper(name)
	if !strings.HasPrefix(iana, "TLS_") {
		iana = fromOpenSSL(iana)
	}
	for _, suites := range [...][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range suites {
			if s.Name != iana {
				continue
			}
			if s.SupportedVersions[0] == tls.VersionTLS13 {
				return 0, fmt.Errorf("cipher %s: the ciphers of TLS 1.3 are always enabled and cannot be chosen", name)
			}
			return s.ID, nil
		}
	}
	if strings.ContainsAny(name[:1], "!-+@") || slices.Contains(opensslWords[:], strings.ToUpper(name)) {
		return 0, fmt.Errorf("%s is a word of OpenSSL's lists, not a cipher: name each cipher", name)
	}
	return 0, fmt.Errorf("unknown cipher %s", name)
}

// opensslWords are words of OpenSSL's cipher lists that stand for several ciphers.
var opensslWords = [...]string{"ALL", "DEFAULT", "HIGH", "MEDIUM", "LOW", "COMPLEMENTOFALL",
	"COMPLEMENTOFDEFAULT", "ECDHE", "EECDH", "ECDH", "DHE", "EDH", "RSA", "KRSA", "ARSA",
	"ECDSA", "AESGCM", "AES", "AES128", "AES256", "CHACHA20", "PSK", "ANULL", "ENULL",
	"NULL", "EXPORT", "SHA1", "SHA256", "SHA384", "FIPS", "SUITEB128"}

// fromOpenSSL returns the IANA name of an OpenSSL name: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 for
// ECDHE-RSA-AES128-GCM-SHA256. A name without a key exchange, such as AES128-SHA, uses RSA.
func fromOpenSSL(name string) string {
	exchange, cipher := "RSA", name
	for _, x := range [...]string{"ECDHE-RSA-", "ECDHE-ECDSA-"} {
		if rest, ok := strings.CutPrefix(name, x); ok {
			exchange, cipher = strings.TrimSuffix(strings.ReplaceAll(x, "-", "_"), "_"), rest
		}
	}
	switch cipher {
	case "CHACHA20-POLY1305":
		cipher = "CHACHA20_POLY1305_SHA256"
	case "DES-CBC3-SHA":
		cipher = "3DES_EDE_CBC_SHA"
	case "RC4-SHA":
		cipher = "RC4_128_SHA"
	default:
		for _, bits := range [...]string{"128", "256"} {
			if rest, ok := strings.CutPrefix(cipher, "AES"+bits+"-"); ok {
				if !strings.HasPrefix(rest, "GCM-") {
					rest = "CBC-" + rest
				}
				cipher = "AES_" + bits + "_" + strings.ReplaceAll(rest, "-", "_")
			}
		}
	}
	return "TLS_" + exchange + "_WITH_" + cipher
}
