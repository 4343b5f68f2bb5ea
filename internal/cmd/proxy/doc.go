// Package proxy has the command mqtt proxy: it relays between clients and a server, shows what they
// say, records it, disturbs it, and judges it.
package proxy
