// Package config is the command mqtt config: it lists, shows and changes profiles.
package config
