package message

import "errors"

// Error is a message, a line or an expression that cannot be used.
type Error struct {
	Err      error
	Hint     string // what to do, may be empty
	TooLarge bool   // it is larger than a packet can be; else it is malformed
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func usage(what, hint string) error { return &Error{Err: errors.New(what), Hint: hint} }

func tooLarge(err error) error { return &Error{Err: err, Hint: "cut it in pieces", TooLarge: true} }
