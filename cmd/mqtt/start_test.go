package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// built is the program as it is released, in a folder that removeBuilt removes. It is built once: the test
// binary takes longer to start, above all with the race detector, and some tests start hundreds of
// processes.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mqtt-release")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "mqtt")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	c := exec.Command("go", "build", "-trimpath", "-o", name, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	builtDir = dir
	return name, nil
})

var builtDir string

func removeBuilt() {
	if builtDir != "" {
		os.RemoveAll(builtDir)
	}
}

// Bounds of the start. The first start after a boot reads the whole program, which takes about as long as everything
// else that mqtt pub -m does.
const (
	maxProgram  = 16_000_000 // bytes that are loaded, for linux/amd64
	maxInit     = 390_000    // bytes that all packages allocate before main
	maxOwnInit  = 1_000      // bytes that one package of this module allocates before main
	maxOwnInits = 10         // how many times it allocates
)

// TestProgramIsSmall checks the size of the program.
func TestProgramIsSmall(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the bound is for linux/amd64")
	}
	t.Parallel()
	name, err := built()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := uint64(0)
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			size += p.Filesz
		}
	}
	if size > maxProgram {
		t.Errorf("the program has %d bytes, more than %d: the first start takes 0.8 ms longer for each MB. Look at what has grown with "+
			"go tool nm -size -sort size; a byte of code brings another of tables.", size, maxProgram)
	}
	t.Logf("%d bytes", size)
}

// TestInitIsShort checks what packages do before main, by the bytes that they allocate: times depend on the
// machine.
func TestInitIsShort(t *testing.T) {
	t.Parallel()
	name, err := built()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(name, "--version")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := regexp.MustCompile(`(?m)^init (\S+) .* (\d+) bytes, (\d+) allocs$`).FindAllStringSubmatch(string(out), -1)
	all, number := 0, 0
	for _, l := range lines {
		size, _ := strconv.Atoi(l[2])
		count, _ := strconv.Atoi(l[3])
		all += size
		if !strings.HasPrefix(l[1], "mqtt/") && l[1] != "main" {
			continue
		}
		number++
		if size > maxOwnInit || count > maxOwnInits {
			t.Errorf("package %s allocates %d bytes in %d pieces before main: do it when it is needed, as with sync.OnceValue", l[1], size, count)
		}
	}
	if number < 3 {
		t.Errorf("only %d of %d packages are of this module:\n%s", number, len(lines), out)
	}
	if all > maxInit {
		t.Errorf("all packages allocate %d bytes before main, more than %d: a new library? GODEBUG=inittrace=1 lists them", all, maxInit)
	}
	t.Logf("%d bytes", all)
}
