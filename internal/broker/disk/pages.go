package disk

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The pages of a bbolt file. A page begins with its number, flags, a count and how many
// pages follow that belong to it, in 16 bytes; elements of 16 bytes follow. Numbers are
// in the machine's order. Pages 0 and 1 tell where the root is, each for one of the last
// two transactions.
const (
	pageHead    = 16
	pageElement = 16
	pageBranch  = 1
	pageLeaf    = 2
	pageFree    = 16
	pageMagic   = 0xED0CDAED
	pageVersion = 2
)

// pages is a walk over the pages of a file. bbolt trusts them: with one wrong bit in the
// number of a page it goes in circles, or writes over what is in use.
type pages struct {
	file *os.File
	size int64  // of a page
	end  uint64 // number of the first page beyond
	seen []bool
	next []spot
}

// spot is a page to look at. top is true in the tree whose values are buckets.
type spot struct {
	page uint64
	top  bool
}

// checkPages tells how many pages of a bbolt file are free, of how many of what size.
// It is ErrDamaged if the others are no tree.
func checkPages(path string) (free, all uint64, size int64, err error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second}) // for the lock
	if err != nil {
		return 0, 0, 0, err
	}
	defer db.Close()
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, 0, err
	}
	defer f.Close()
	p := &pages{file: f, size: int64(db.Info().PageSize)}
	root, list, err := p.meta()
	if err != nil {
		return 0, 0, 0, err
	}
	if err := p.tree(root); err != nil {
		return 0, 0, 0, err
	}
	free, err = p.free(list)
	return free, p.end, p.size, err
}

func wrongPage(page uint64, what string) error {
	return fmt.Errorf("%w: page %d %s", ErrDamaged, page, what)
}

// meta returns the pages of the root and of the list of free pages.
func (p *pages) meta() (root, list uint64, err error) {
	last := uint64(0)
	for at := range int64(2) {
		b := make([]byte, 64)
		if _, err := p.file.ReadAt(b, at*p.size+pageHead); err != nil {
			return 0, 0, err
		}
		sum := fnv.New64a()
		sum.Write(b[:56])
		number := func(at int) uint64 { return binary.NativeEndian.Uint64(b[at:]) }
		whole := binary.NativeEndian.Uint32(b) == pageMagic && binary.NativeEndian.Uint32(b[4:]) == pageVersion && number(56) == sum.Sum64()
		if whole && (p.end == 0 || number(48) > last) {
			root, list, p.end, last = number(16), number(32), number(40), number(48)
		}
	}
	info, err := p.file.Stat()
	if err != nil {
		return 0, 0, err
	}
	if p.end < 2 || p.end > uint64(info.Size()/p.size) {
		return 0, 0, fmt.Errorf("%w: it is shorter than it says", ErrDamaged)
	}
	p.seen = make([]bool, p.end)
	p.seen[0], p.seen[1] = true, true
	return root, list, nil
}

// take reads the head of a page, which nobody may have taken yet, and tells how many
// bytes follow.
func (p *pages) take(page uint64) (flags uint16, count int, long int64, err error) {
	if page >= p.end {
		return 0, 0, 0, wrongPage(page, "is beyond the end")
	}
	b := make([]byte, pageHead)
	if _, err := p.file.ReadAt(b, int64(page)*p.size); err != nil {
		return 0, 0, 0, err
	}
	more := uint64(binary.NativeEndian.Uint32(b[12:]))
	if binary.NativeEndian.Uint64(b) != page || more >= p.end-page {
		return 0, 0, 0, wrongPage(page, "is another one")
	}
	for i := page; i <= page+more; i++ {
		if p.seen[i] {
			return 0, 0, 0, wrongPage(i, "is in two places")
		}
		p.seen[i] = true
	}
	return binary.NativeEndian.Uint16(b[8:]), int(binary.NativeEndian.Uint16(b[10:])), int64(more+1)*p.size - pageHead, nil
}

// body reads what follows the head of a page.
func (p *pages) body(page uint64, long int64) ([]byte, error) {
	b := make([]byte, long)
	_, err := p.file.ReadAt(b, int64(page)*p.size+pageHead)
	return b, err
}

// tree takes all pages of the root and of the buckets in it.
func (p *pages) tree(root uint64) error {
	p.next = append(p.next, spot{root, true})
	for len(p.next) > 0 {
		at := p.next[len(p.next)-1]
		p.next = p.next[:len(p.next)-1]
		flags, count, long, err := p.take(at.page)
		if err != nil {
			return err
		}
		switch {
		case flags != pageBranch && flags != pageLeaf:
			return wrongPage(at.page, "has another use")
		case int64(count*pageElement) > long, flags == pageBranch && count == 0:
			return wrongPage(at.page, "has another count")
		}
		b, err := p.body(at.page, long)
		if err != nil {
			return err
		}
		if !elements(b, flags, count) {
			return wrongPage(at.page, "has an element beyond its end")
		}
		if flags == pageLeaf && !at.top {
			continue // its values have checksums
		}
		for i := range count {
			e := b[i*pageElement:]
			if flags == pageBranch {
				p.next = append(p.next, spot{binary.NativeEndian.Uint64(e[8:]), at.top})
			} else if err := p.bucket(at.page, e); err != nil {
				return err
			}
		}
		if uint64(len(p.next)) > p.end {
			return wrongPage(at.page, "has more below it than there is")
		}
	}
	return nil
}

// elements tells whether what the elements at the beginning of b point to lies in b: bbolt
// makes slices of it wherever it is, in our own heap too. An element of a leaf has flags
// in front and the length of a value behind; both have an offset from themselves and the
// length of a key.
func elements(b []byte, flags uint16, count int) bool {
	for i := range count {
		e := b[i*pageElement:]
		word := func(n int) uint64 { return uint64(binary.NativeEndian.Uint32(e[4*n:])) }
		end := word(0) + word(1)
		if flags == pageLeaf {
			end = word(1) + word(2) + word(3)
		}
		if end > uint64(len(e)) {
			return false
		}
	}
	return true
}

// bucket reads an element of a leaf whose values are buckets: 16 bytes that begin with
// its page, which is 0 if all of it follows in a page of its own.
func (p *pages) bucket(page uint64, e []byte) error {
	at := uint64(binary.NativeEndian.Uint32(e[4:])) + uint64(binary.NativeEndian.Uint32(e[8:]))
	n := uint64(binary.NativeEndian.Uint32(e[12:]))
	if at+n > uint64(len(e)) || n < 16 {
		return wrongPage(page, "has a bucket beyond its end")
	}
	value := e[at:][:n]
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		p.next = append(p.next, spot{root, false})
		return nil
	}
	inner := value[16:]
	if len(inner) < pageHead || binary.NativeEndian.Uint16(inner[8:]) != pageLeaf {
		return wrongPage(page, "has a bucket that is none")
	}
	count := int(binary.NativeEndian.Uint16(inner[10:]))
	if count*pageElement > len(inner)-pageHead || !elements(inner[pageHead:], pageLeaf, count) {
		return wrongPage(page, "has a bucket that is none")
	}
	return nil
}

// free reads the list of free pages, none of which may be in use.
func (p *pages) free(list uint64) (n uint64, err error) {
	flags, count, long, err := p.take(list)
	if err != nil {
		return 0, err
	}
	if flags != pageFree {
		return 0, wrongPage(list, "has another use")
	}
	b, err := p.body(list, long)
	if err != nil {
		return 0, err
	}
	n = uint64(count)
	if n == 0xFFFF { // then it stands in front
		n, b = binary.NativeEndian.Uint64(b), b[8:]
	}
	if n > uint64(len(b))/8 {
		return 0, wrongPage(list, "has another count")
	}
	for i := range n {
		page := binary.NativeEndian.Uint64(b[8*i:])
		if page >= p.end || p.seen[page] {
			return 0, wrongPage(page, "is free and is not")
		}
		p.seen[page] = true
	}
	return n, nil
}
