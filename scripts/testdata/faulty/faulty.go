// Package faulty has a fault that go vet and staticcheck report. scripts/check.sh runs them on it: a tool that reports nothing
// here has checked nothing elsewhere.
package faulty

import "fmt"

func Faulty() {
	fmt.Printf("%d\n", "text")
}
