package session

import "math/bits"

// Receiver holds the identifiers of QoS 2 messages that came and were not released
// by a PUBREL: a repeat of one is acknowledged but not taken again
// [MQTT-4.3.3-10]. The zero value is empty.
type Receiver struct {
	pages *[64]*[16]uint64 // 1024 identifiers each, made when needed
	n     int
	made  int // pages
}

// Accept takes in the identifier of a QoS 2 PUBLISH. fresh is false if it is a
// repeat.
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

// Release takes in the identifier of a PUBREL, or of a message that was refused
// with PUBREC of 0x80 or more; it is free afterwards [MQTT-4.3.3-12]. known is
// false if there was no such message.
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

// Has tells whether the message of an identifier awaits its PUBREL.
func (r *Receiver) Has(id uint16) bool {
	return r.pages != nil && r.pages[id>>10] != nil && r.pages[id>>10][id>>6&15]&(1<<(id&63)) != 0
}

// Len tells how many messages await their PUBREL.
func (r *Receiver) Len() int { return r.n }

// IDs returns the identifiers of the messages that await their PUBREL, in
// ascending order.
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

// Size returns how many bytes the identifiers take.
func (r *Receiver) Size() int {
	if r.pages == nil {
		return 0
	}
	return 512 + 128*r.made
}

// Forget drops them all.
func (r *Receiver) Forget() { *r = Receiver{} }
