package main

import (
	"go/build"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The floor plan: which package of ours may import which, and who alone may import certain libraries.
func TestHouse(t *testing.T) {
	allowed := map[string][]string{
		"proto":     {},
		"transport": {},
		"config":    {},
		"scram":     {},
		"session":   {"proto"},
		"format":    {"proto", "jsonline"},
		"jsonline":  {"proto"},
		"message":   {"proto", "jsonline"},
		"conn":      {"proto", "session", "transport"},
		"broker":    {"proto", "session", "transport", "scram"},
		"bench":     {"proto", "session", "conn", "format"},
	}
	alone := map[string]string{
		"github.com/spf13/cobra":     "cmd/mqtt",
		"github.com/mattn/go-isatty": "cmd/mqtt",
		"github.com/fatih/color":     "internal/format",
	}
	folders, err := filepath.Glob("../../internal/*")
	if err != nil || len(folders) < len(allowed) {
		t.Fatalf("folders %v, error %v", folders, err)
	}
	for _, folder := range append(folders, ".") {
		place := "cmd/mqtt"
		name := ""
		if folder != "." {
			name = filepath.Base(folder)
			place = "internal/" + name
			if _, ok := allowed[name]; !ok {
				t.Errorf("%s is in no floor plan", place)
			}
		}
		p, err := build.ImportDir(folder, 0)
		if err != nil {
			t.Errorf("%s: %v", place, err)
			continue
		}
		for _, path := range p.Imports {
			if home, ok := alone[path]; ok && home != place {
				t.Errorf("%s imports %s, which belongs to %s alone", place, path, home)
			}
			room, ours := strings.CutPrefix(path, "mqtt/internal/")
			room, _, _ = strings.Cut(room, "/")
			if ours && name != "" && room != name && !slices.Contains(allowed[name], room) {
				t.Errorf("%s imports %s: that arrow points the wrong way", place, path)
			}
		}
	}
}
