package early

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"
)

// What is asked for is what it is taken for.
func TestAddresses(t *testing.T) {
	if got := rights(t, anyCode()); got != "r-xp" {
		t.Errorf("code at %#x: rights %q, want r-xp", anyCode(), got)
	}
	const arena = 64 << 20
	other := uintptr(unsafe.Pointer(unsafe.SliceData(make([]byte, os.Getpid()))))
	if at := anyHeap(); at/arena != other/arena {
		t.Errorf("heap at %#x, and an object of it at %#x", at, other)
	}
}

// rights are those of the mapping of this process that has the address.
func rights(t *testing.T, at uintptr) string {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var from, to uintptr
		var rights string
		if n, _ := fmt.Fscanf(strings.NewReader(s.Text()), "%x-%x %s", &from, &to, &rights); n == 3 && from <= at && at < to {
			return rights
		}
	}
	return ""
}
