// Package config finds the values of flags that were not given on the command line: in the environment, in mosquitto
// options files and in profiles. It turns text into settings, each with its origin; it knows no flag set.
//
// Every source yields settings, and Merge picks, for each flag, the one that counts. The order, strongest first:
// command line, environment, the options file named with -o, the profile, the options file that mosquitto reads on its
// own accord, the default. Whoever owns the flags describes them with Flag values and applies what Merge returns.
//
// A profile is one file of `flag = value` lines, below Dirs.Config. Its secrets may come from a command, which runs
// only when its value is really needed (Setting.Fetch). Files are reached only through paths that the caller passes;
// the package never reads the environment itself, prints nothing, and never puts a value into an error, since the
// value may be a secret. A folder that cannot be read is the same as one without profiles.
package config
