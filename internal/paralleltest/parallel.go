// Package paralleltest lets tests that mostly wait run beside each other. It is for tests only.
package paralleltest

import (
	"flag"
	"strconv"
)

// Allow lets n parallel tests run at once, unless -parallel says otherwise. The default is the
// number of processors, which is too low for tests that wait for a timeout or a process. TestMain
// calls it before it runs the tests. Fuzzing keeps the default, since -parallel is the number of
// its workers.
func Allow(n int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) {
		chosen = chosen || f.Name == "test.parallel" || f.Name == "test.fuzz"
	})
	if !chosen {
		flag.Set("test.parallel", strconv.Itoa(n))
	}
}
