package main

import (
	"errors"
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers lists the packages of the module from the bottom up: a package may import those of lines
// above its own, and none of its own line. Packages of one line therefore do not know each other.
var layers = [][]string{
	{"internal/broker/fair", "internal/proto", "internal/transport", "internal/transport/selfsigned", "internal/config", "internal/scram", "internal/prometheus", "internal/terminal"},
	{"internal/session", "internal/transport/selfsigned", "internal/jsonline", "internal/faults"},
	{"internal/format", "internal/conn", "internal/rules", "internal/broker", "internal/decode", "internal/schema"},
	{"internal/report", "internal/watch"},
	{"internal/watch/screen"},
	{"internal/broker/access", "internal/broker/disk", "internal/broker/metrics", "internal/bench", "internal/proxy", "internal/check"},
	{"internal/cli"},
	{"internal/connect", "internal/serve"},
	{"internal/message"},
	{"internal/cmd/pub", "internal/cmd/sub", "internal/cmd/rr", "internal/cmd/ping", "internal/cmd/bench", "internal/cmd/broker", "internal/cmd/config",
		"internal/cmd/proxy", "internal/cmd/check"},
	{"internal/cmd/root"},
	{"cmd/mqtt"},
}

// forbidden lists imports that the layers would allow and that are wrong all the same.
var forbidden = map[string][]string{
	"internal/conn":    {"internal/broker"},
	"internal/cli":     {"internal/broker", "internal/bench", "internal/broker/access", "internal/broker/disk", "internal/broker/metrics"},
	"internal/bench":   {"internal/broker"},
	"internal/connect": {"internal/broker", "internal/bench"},
	"internal/message": {"internal/broker", "internal/bench"},
	"internal/check":   {"internal/broker", "internal/conn"},
}

// owners lists libraries that only certain packages may import: each entry is a folder, with
// everything below it.
var owners = map[string][]string{
	"github.com/spf13/cobra":         {"internal/cmd", "internal/cli", "cmd/mqtt"},
	"github.com/mattn/go-isatty":     {"cmd/mqtt"},
	"github.com/fatih/color":         {"internal/format"},
	"github.com/muesli/cancelreader": {"internal/terminal"},
	"go.etcd.io/bbolt":               {"internal/broker/disk"},
}

// TestImports reads the imports of all packages, for all supported systems, and checks that they
// point down.
func TestImports(t *testing.T) {
	layer := make(map[string]int)
	for i, line := range layers {
		for _, p := range line {
			layer[p] = i
		}
	}
	folders := packages(t)
	if len(folders) < 15 {
		t.Fatalf("found packages %v only", folders)
	}
	for _, goos := range []string{"linux", "windows", "darwin"} {
		ctx := build.Default
		ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled = goos, "amd64", false
		for _, folder := range folders {
			own, known := layer[folder]
			if !known {
				t.Errorf("%s has no place in the layers of this test and of docs/architecture.md", folder)
				continue
			}
			p, err := ctx.ImportDir(filepath.Join("../..", folder), 0)
			if none := new(build.NoGoError); errors.As(err, &none) {
				continue
			}
			if err != nil {
				t.Errorf("%s for %s: %v", folder, goos, err)
				continue
			}
			for _, path := range p.Imports {
				checkImport(t, goos, folder, own, path, layer)
			}
		}
	}
}

// checkImport reports an import of folder that it must not have.
func checkImport(t *testing.T, goos, folder string, own int, path string, layer map[string]int) {
	t.Helper()
	if homes, ok := owners[path]; ok && !slices.ContainsFunc(homes, func(home string) bool { return folder == home || strings.HasPrefix(folder, home+"/") }) {
		t.Errorf("%s (%s) imports %s, which only %s may import", folder, goos, path, strings.Join(homes, " and "))
	}
	target, ours := strings.CutPrefix(path, "mqtt/")
	if !ours {
		return
	}
	at, known := layer[target]
	if !known || at >= own {
		t.Errorf("%s (%s) imports %s, which is not below it", folder, goos, target)
	}
	if slices.Contains(forbidden[folder], target) {
		t.Errorf("%s (%s) must not import %s", folder, goos, target)
	}
}

// packages returns the folders with Go files that are part of the program, without helpers of
// tests.
func packages(t *testing.T) []string {
	t.Helper()
	var folders []string
	for _, top := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join("../..", top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test") {
				return filepath.SkipDir
			}
			files, err := filepath.Glob(filepath.Join(path, "*.go"))
			if len(files) > 0 {
				folder, _ := filepath.Rel("../..", path)
				folders = append(folders, filepath.ToSlash(folder))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return folders
}
