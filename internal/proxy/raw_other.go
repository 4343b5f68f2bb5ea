//go:build !linux

package proxy

import "net"

// spliceable returns false: bytes are copied through this process.
func spliceable(net.Conn) bool { return false }

func unread(net.Conn) int { return 0 }
