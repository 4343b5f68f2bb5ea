// Package root builds the command tree, runs the command that the arguments name, and holds what
// concerns all commands: help topics, shell completion, and mosquitto's several-word -D.
package root
