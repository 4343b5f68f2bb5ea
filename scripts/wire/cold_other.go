//go:build !linux

package main

import "errors"

type cold struct{}

func openCold(string) (*cold, error) {
	return nil, errors.New("--cold needs Linux")
}

func (*cold) evict() error   { return nil }
func (*cold) stay() []string { return nil }
func (*cold) close()         {}
