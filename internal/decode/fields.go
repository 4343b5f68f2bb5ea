package decode

// fieldLists groups the fields of messages by number, in the order in which numbers first occur. It
// is a stack: the fields of an inner message are above those of the outer one, so that a payload needs
// one slice however deep it is.
type fieldLists struct {
	fields []groupedField
}

// groupedField is a field and the place of the next one with its number.
type groupedField struct {
	wireField
	next  int // 0 for the last one
	last  int // of the first one: the place of the last one
	first bool
}

// firstScan is how many fields of a message are looked at one by one for one with the same number.
// Messages with more use a map.
const firstScan = 16

// push reads all fields of a message. It returns where they begin; pop removes them.
func (l *fieldLists) push(r wireReader) (from int, err error) {
	from = len(l.fields)
	if from == 0 { // place 0 stands for none
		l.fields = append(l.fields, groupedField{})
		from = 1
	}
	var byNumber map[int]int
	var heads [firstScan]int
	count := 0
	for r.more() {
		at := len(l.fields)
		l.fields = append(l.fields, groupedField{})
		f := &l.fields[at]
		if err := r.next(&f.wireField); err != nil {
			l.pop(from)
			return from, err
		}
		head := 0
		for _, h := range heads[:min(count, firstScan)] {
			if l.fields[h].number == f.number {
				head = h
				break
			}
		}
		if head == 0 && byNumber != nil {
			head = byNumber[f.number]
		}
		if head == 0 {
			f.first, f.last = true, at
			if count < firstScan {
				heads[count] = at
			} else {
				if byNumber == nil {
					byNumber = make(map[int]int)
				}
				byNumber[f.number] = at
			}
			count++
			continue
		}
		l.fields[l.fields[head].last].next = at
		l.fields[head].last = at
	}
	return from, nil
}

// pop removes the fields from that place on.
func (l *fieldLists) pop(from int) {
	clear(l.fields[from:])
	l.fields = l.fields[:from]
	if cap(l.fields) > keptBuffer/64 && from <= 1 {
		l.fields = nil
	}
}
