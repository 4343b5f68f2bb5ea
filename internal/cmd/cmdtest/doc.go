// Package cmdtest runs a command of the program inside a test's process: against a broker of its
// own, or against a server that follows a script. It is for tests only.
package cmdtest
