package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
)

// listen listens on addr. If ready is not empty, it writes the address to that file in one
// step, so that a script that sees the file sees all of its content.
func listen(addr, ready string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	if ready == "" {
		return l, nil
	}
	part := ready + ".part"
	err = os.WriteFile(part, []byte(l.Addr().String()+"\n"), 0o644)
	if err == nil {
		err = os.Rename(part, ready)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("write ready file: %w", err)
	}
	return l, nil
}

// report prints a result as a line of JSON on stdout.
func report(v any) error {
	return json.NewEncoder(os.Stdout).Encode(v)
}

// level returns the protocol level of a version of flag -V.
func level(name string) (byte, error) {
	switch name {
	case "3.1", "31", "mqttv31":
		return level31, nil
	case "3.1.1", "311", "mqttv311":
		return level311, nil
	case "5", "mqttv5":
		return level5, nil
	}
	return 0, fmt.Errorf("protocol version %q: want 3.1, 3.1.1 or 5", name)
}
