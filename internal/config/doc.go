// Package config finds the values of flags that were not given on the command line: in
// environment variables, in options files of mosquitto and in profiles. It turns text
// into settings, each with its origin. It does not know which flags exist.
//
// Every source yields settings, and Merge chooses one for each flag. The order, strongest
// first: command line, environment, the options file of -o, the profile, the options file
// that mosquitto reads by default, the flag's default. The caller describes its flags
// with Flag values and applies the result of Merge.
//
// A profile is a file of `flag = value` lines below Dirs.Config. A command can supply a
// secret; Setting.Fetch runs it, so that it runs only when the value is needed.
//
// The package opens only files whose path the caller passes. It never reads the
// environment itself and never prints. Errors never contain a value, because the value
// may be a secret. A folder that this user cannot read is a folder without profiles.
package config
