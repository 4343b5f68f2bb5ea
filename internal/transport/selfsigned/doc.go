// Package selfsigned keeps a certificate authority and a server certificate in a folder, for
// servers that need TLS and have no certificate from elsewhere. It makes them on first use and
// renews the server certificate before it expires. It changes no file that it did not make.
package selfsigned
