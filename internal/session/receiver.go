package session

import "math/bits"

// Receiver is the set of packet identifiers of QoS 2 messages that were received and not released
// by PUBREL. A redelivery of such a message is acknowledged, but not delivered again
// [MQTT-4.3.3-10]. The zero value is empty.
type Receiver struct {
	pages *[64]*[16]uint64 // bitmaps of 1024 identifiers each; nil until needed
	n     int
	made  int // number of bitmaps
}

// Accept adds the packet identifier of a QoS 2 PUBLISH. fresh is false if the message is a
// redelivery.
func (r *Receiver) Accept(id uint16) (fresh bool) {
	if r.pages == nil {
		r.pages = new([64]*[16]uint64)
	}
	page := &r.pages[id>>10]
	if *page == nil {
		*page = new([16]uint64)
		r.made++
	}
	word, bit := &(*page)[id>>6&15], uint64(1)<<(id&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	r.n++
	return true
}

// Release removes the packet identifier of a PUBREL, or of a message that was refused by a PUBREC
// with an error. The identifier may then be used again [MQTT-4.3.3-12]. known is false if it was
// not in the set.
func (r *Receiver) Release(id uint16) (known bool) {
	if r.pages == nil || r.pages[id>>10] == nil {
		return false
	}
	page := r.pages[id>>10]
	word, bit := &page[id>>6&15], uint64(1)<<(id&63)
	if *word&bit == 0 {
		return false
	}
	*word &^= bit
	if r.n--; r.n == 0 && r.made > 1 {
		r.pages, r.made = nil, 0
	}
	return true
}

// Has reports whether the message with that packet identifier awaits its PUBREL.
func (r *Receiver) Has(id uint16) bool {
	return r.pages != nil && r.pages[id>>10] != nil && r.pages[id>>10][id>>6&15]&(1<<(id&63)) != 0
}

// Len returns the number of messages that await their PUBREL.
func (r *Receiver) Len() int { return r.n }

// IDs returns the packet identifiers of the messages that await their PUBREL, in ascending order.
func (r *Receiver) IDs() []uint16 {
	if r.pages == nil {
		return nil
	}
	var ids []uint16
	for i, page := range r.pages {
		if page == nil {
			continue
		}
		for j, word := range page {
			for ; word != 0; word &= word - 1 {
				ids = append(ids, uint16(i<<10|j<<6|bits.TrailingZeros64(word)))
			}
		}
	}
	return ids
}

// Size returns the memory used by the identifiers, in bytes.
func (r *Receiver) Size() int {
	if r.pages == nil {
		return 0
	}
	return 512 + 128*r.made
}

// Forget removes all identifiers.
func (r *Receiver) Forget() { *r = Receiver{} }
