//go:build linux

// Command faults joins two TUN devices by a bad link: packets are lost, delayed and reordered at random, in the same way for
// the same seed. It is for kernels without tc's netem. scripts/faults.sh uses it. It needs root.
//
//	faults -a NAME -b NAME [-loss 0.05] [-delay 50ms] [-jitter 10ms] [-seed 1]
//
// It makes the devices and reports that on stdout. It ends when its standard input does, and prints counts to stderr.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// link is the connection between two devices.
type link struct {
	loss                 float64
	delay, jitter        time.Duration
	seed                 uint64
	passed, lost, behind atomic.Int64
}

func main() {
	var k link
	a := flag.String("a", "", "one device")
	b := flag.String("b", "", "the other device")
	flag.Float64Var(&k.loss, "loss", 0.05, "share of packets that is lost, each way")
	flag.DurationVar(&k.delay, "delay", 50*time.Millisecond, "of each packet, each way")
	flag.DurationVar(&k.jitter, "jitter", 10*time.Millisecond, "more of it at most, by chance: packets overtake each other")
	flag.Uint64Var(&k.seed, "seed", 1, "of chance")
	flag.Parse()
	if err := k.run(*a, *b); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "link: %d packets passed, %d lost, %d out of order\n", k.passed.Load(), k.lost.Load(), k.behind.Load())
}

// run joins the devices until standard input ends. The goroutines last as long as the process.
func (k *link) run(a, b string) error {
	one, err := open(a)
	if err != nil {
		return err
	}
	other, err := open(b)
	if err != nil {
		return err
	}
	go k.carry(one, other, k.seed)
	go k.carry(other, one, k.seed+1)
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// carry passes packets in one direction.
func (k *link) carry(from, to *os.File, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	var latest atomic.Int64 // number of the latest packet that has arrived
	for n := int64(1); ; n++ {
		b := make([]byte, 2048)
		size, err := from.Read(b)
		if err != nil {
			return
		}
		if r.Float64() < k.loss {
			k.lost.Add(1)
			continue
		}
		late := k.delay
		if k.jitter > 0 {
			late += time.Duration(r.Int64N(int64(k.jitter)))
		}
		time.AfterFunc(late, func() {
			if latest.Load() > n {
				k.behind.Add(1)
			} else {
				latest.Store(n)
			}
			k.passed.Add(1)
			to.Write(b[:size])
		})
	}
}

// open makes a TUN device, which ends with the process. It has no offloads: packets are whole and have checksums.
func open(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, fmt.Errorf("device %q: %w", name, err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return nil, fmt.Errorf("make device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
