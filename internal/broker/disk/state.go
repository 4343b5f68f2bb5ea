package disk

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"
)

// The buckets of the bbolt file. A value ends with a checksum over its key and
// itself, and there is a tally of each bucket: bbolt has no checksum for its pages, and
// a page that is taken for another may be one that was good once. Keys begin with the number of the session, and
// go on with the seq, the packet identifier or the filter; messages and their uses have
// the number of the message, retained messages the topic.
const (
	inMeta = iota
	inSessions
	inSubscriptions
	inEntries
	inAccepted
	inMessages
	inUses
	inRetained
	bucketCount
)

func bucketName(i int) []byte {
	return []byte([...]string{"meta", "sessions", "subscriptions", "entries", "accepted", "messages", "uses", "retained"}[i])
}

const (
	stateFormat = 3 // 2 is read, too, and is 3 from then on: it had no flag for a user without a name, and no begun
	oldFormat   = 2
	longKey     = 1024 // from which a text is hashed: bbolt has a limit
	turnBytes   = 8 << 20
)

// The keys of meta: the format, the last piece of the log that is in, the last one that has
// begun, as far as is known here, and the tallies.
func keyFormat() []byte  { return []byte("format") }
func keyPiece() []byte   { return []byte("piece") }
func keyBegun() []byte   { return []byte("begun") }
func keyTallies() []byte { return []byte("tallies") }

// tally is how many keys a bucket has, and the sum of the checksums of its values.
type tally struct{ keys, sum uint64 }

// add takes in a value with its checksum, and take takes one out.
func (t *tally) add(value []byte) {
	t.keys++
	t.sum += uint64(binary.LittleEndian.Uint32(value[len(value)-4:]))
}

func (t *tally) take(value []byte) {
	t.keys--
	t.sum -= uint64(binary.LittleEndian.Uint32(value[len(value)-4:]))
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func pairKey(n, m uint64) []byte { return binary.BigEndian.AppendUint64(numberKey(n), m) }

func packetKey(n uint64, packet uint16) []byte {
	return binary.BigEndian.AppendUint16(numberKey(n), packet)
}

// textKey appends a filter or topic, or what stands for a long one: NUL, which neither
// may have, and its hash.
func textKey(prefix []byte, text string) []byte {
	if len(text) <= longKey {
		return append(prefix, text...)
	}
	sum := sha256.Sum256([]byte(text))
	return append(append(prefix, 0), sum[:]...)
}

func valueSum(bucket int, key, value []byte) uint32 {
	sum := crc32.Checksum(bucketName(bucket), crcTable())
	return crc32.Update(crc32.Update(sum, crcTable(), key), crcTable(), value)
}

// openValue takes the checksum off a value.
func openValue(bucket int, key, value []byte) ([]byte, error) {
	n := len(value) - 4
	if n < 0 || valueSum(bucket, key, value[:n]) != binary.LittleEndian.Uint32(value[n:]) {
		return nil, fmt.Errorf("%w: a value in %q has another checksum", ErrDamaged, bucketName(bucket))
	}
	return value[:n:n], nil
}

// state writes the bbolt file, in transactions of bounded size.
type state struct {
	db      *bolt.DB
	tx      *bolt.Tx
	buckets [bucketCount]*bolt.Bucket
	tallies [bucketCount]tally
	bytes   int
	err     error
}

// update begins. finish or abort must follow.
func update(db *bolt.DB) (*state, error) {
	w := &state{db: db}
	w.begin()
	if w.err == nil {
		w.tallies, w.err = readTallies(w.buckets[inMeta])
	}
	if format := w.get(inMeta, keyFormat()); len(format) != 1 || format[0] != stateFormat {
		w.put(inMeta, keyFormat(), []byte{stateFormat})
		if format == nil {
			w.put(inMeta, keyPiece(), numberKey(0))
		}
	}
	if w.err != nil {
		w.abort()
	}
	return w, w.err
}

func (w *state) begin() {
	if w.tx, w.err = w.db.Begin(true); w.err != nil {
		return
	}
	for i := range w.buckets {
		if w.buckets[i], w.err = w.tx.CreateBucketIfNotExists(bucketName(i)); w.err != nil {
			return
		}
	}
}

func readTallies(meta *bolt.Bucket) (all [bucketCount]tally, err error) {
	v := meta.Get(keyTallies())
	if v == nil {
		return all, nil
	}
	if v, err = openValue(inMeta, keyTallies(), v); err != nil {
		return all, err
	}
	for i := range all {
		all[i] = tally{binary.BigEndian.Uint64(v[16*i:]), binary.BigEndian.Uint64(v[16*i+8:])}
	}
	return all, nil
}

// get returns a value, nil if there is none.
func (w *state) get(bucket int, key []byte) []byte {
	if w.err != nil {
		return nil
	}
	v := w.buckets[bucket].Get(key)
	if v == nil {
		return nil
	}
	v, w.err = openValue(bucket, key, v)
	return v
}

// put keeps a value, whose memory it takes over.
func (w *state) put(bucket int, key, value []byte) {
	if w.err != nil {
		return
	}
	if old := w.buckets[bucket].Get(key); old != nil {
		w.tallies[bucket].take(old)
	}
	value = binary.LittleEndian.AppendUint32(value, valueSum(bucket, key, value))
	w.tallies[bucket].add(value)
	w.err = w.buckets[bucket].Put(key, value)
	w.bytes += len(key) + len(value) + 64
}

func (w *state) delete(bucket int, key []byte) {
	if w.err != nil {
		return
	}
	old := w.buckets[bucket].Get(key)
	if old == nil {
		return
	}
	w.tallies[bucket].take(old)
	w.err = w.buckets[bucket].Delete(key)
	w.bytes += len(key) + 64
}

// rest ends a transaction that has become large, and begins another. It is called
// where all that must change together has changed.
func (w *state) rest() {
	if w.bytes >= turnBytes && w.err == nil {
		w.turn()
		if w.err == nil {
			w.begin()
		}
	}
}

func (w *state) turn() {
	w.bytes = 0
	v := make([]byte, 0, 16*bucketCount+4)
	for _, t := range w.tallies {
		v = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(v, t.keys), t.sum)
	}
	v = binary.LittleEndian.AppendUint32(v, valueSum(inMeta, keyTallies(), v))
	if w.err = w.buckets[inMeta].Put(keyTallies(), v); w.err == nil {
		w.err = w.tx.Commit()
		w.tx = nil
	}
}

// begun notes that a piece is there.
func begun(db *bolt.DB, piece uint64) error {
	w, err := update(db)
	if err != nil {
		return err
	}
	w.put(inMeta, keyBegun(), numberKey(piece))
	return w.close()
}

// finish ends with the note that a piece is in.
func (w *state) finish(piece uint64) error {
	w.put(inMeta, keyPiece(), numberKey(piece))
	return w.close()
}

func (w *state) close() error {
	if w.err == nil {
		w.turn()
	}
	if w.err != nil {
		w.abort()
		return fmt.Errorf("write %s: %w", w.db.Path(), w.err)
	}
	return nil
}

func (w *state) abort() {
	if w.tx != nil {
		w.tx.Rollback()
		w.tx = nil
	}
}
