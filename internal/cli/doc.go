// Package cli holds what every command needs: the environment it runs in (Env), exit statuses,
// usage errors, the parsing of flag values, and the sources that a flag's value may come from.
//
// A command returns an error; Env.Finish turns it into one line on stderr and an exit status.
// The value of a flag comes from the command line, an options file, an environment variable, a
// profile or its default; Env.LoadSettings applies that order and remembers each value's origin,
// so that an error about a flag can name it.
//
// The package opens no connection and knows no single command.
package cli
