//go:build amd64 || arm64

package early

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// What is asked for is what it is taken for.
func TestAddresses(t *testing.T) {
	from, to := text()
	for _, code := range []any{populate, strings.Cut, TestAddresses} {
		if at := reflect.ValueOf(code).Pointer(); at < from || at >= to {
			t.Errorf("code at %#x, which should be between %#x and %#x", at, from, to)
		}
	}
	for _, at := range []uintptr{from, to - 1} {
		if got := rights(t, at); got != "r-xp" {
			t.Errorf("code at %#x: rights %q, want r-xp", at, got)
		}
	}
	const arena = 64 << 20
	other := uintptr(unsafe.Pointer(unsafe.SliceData(make([]byte, os.Getpid()))))
	if at := anyHeap(); at/arena != other/arena {
		t.Errorf("heap at %#x, and an object of it at %#x", at, other)
	}
}

// The advice reaches the kernel, which does with it what it does with the same advice of package syscall.
func TestPopulate(t *testing.T) {
	want := pages(t, func(from, length, advice uintptr) { syscall.Syscall(syscall.SYS_MADVISE, from, length, advice) })
	if got := pages(t, populate); got != want {
		t.Errorf("%d pages are there, want %d", got, want)
	}
}

// pages tells how many pages of fresh memory are there after populate.
func pages(t *testing.T, populate func(from, length, advice uintptr)) (n int) {
	fresh, err := syscall.Mmap(-1, 0, 1<<20+window, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(fresh)
	const length = 1 << 20
	from := (uintptr(unsafe.Pointer(unsafe.SliceData(fresh))) + window - 1) &^ (window - 1)
	populate(from, length, populateWrite)
	there := make([]byte, length/os.Getpagesize())
	if _, _, errno := syscall.Syscall(syscall.SYS_MINCORE, from, length, uintptr(unsafe.Pointer(unsafe.SliceData(there)))); errno != 0 {
		t.Skip(errno)
	}
	for _, b := range there {
		n += int(b & 1)
	}
	return n
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
