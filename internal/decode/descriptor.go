package decode

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// protoMessage is a message type of a descriptor set.
type protoMessage struct {
	name     string
	fields   []*protoField
	byNumber map[int]*protoField
	mapEntry bool
}

// protoField is a field of a message type.
type protoField struct {
	name, json string
	number     int
	kind       byte // of FieldDescriptorProto.Type
	repeated   bool
	packed     bool
	typeName   string
	message    *protoMessage
	enum       *protoEnum
}

// protoEnum is an enum of a descriptor set.
type protoEnum struct {
	names   map[int32]string
	numbers map[string]int32
}

// The types of fields, as FieldDescriptorProto numbers them.
const (
	protoDouble   = 1
	protoFloat    = 2
	protoInt64    = 3
	protoUint64   = 4
	protoInt32    = 5
	protoFixed64  = 6
	protoFixed32  = 7
	protoBool     = 8
	protoString   = 9
	protoGroup    = 10
	protoMessages = 11
	protoBytes    = 12
	protoUint32   = 13
	protoEnums    = 14
	protoSfixed32 = 15
	protoSfixed64 = 16
	protoSint32   = 17
	protoSint64   = 18
)

// descriptorSet is what a FileDescriptorSet declares.
type descriptorSet struct {
	messages map[string]*protoMessage
	enums    map[string]*protoEnum
}

// parseDescriptors reads a FileDescriptorSet, as protoc --descriptor_set_out and buf build write it.
func parseDescriptors(set []byte) (*descriptorSet, error) {
	d := &descriptorSet{messages: make(map[string]*protoMessage), enums: make(map[string]*protoEnum)}
	if err := eachField(set, func(f *wireField) error {
		if f.number == 1 && f.wire == wireBytes {
			return d.file(f.bytes)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if len(d.messages) == 0 {
		return nil, errors.New("it declares no message")
	}
	for _, m := range d.messages {
		m.byNumber = make(map[int]*protoField, len(m.fields))
		for _, f := range m.fields {
			name := strings.TrimPrefix(f.typeName, ".")
			switch f.kind {
			case protoMessages, protoGroup:
				f.message = d.messages[name]
			case protoEnums:
				f.enum = d.enums[name]
			}
			if f.typeName != "" && f.message == nil && f.enum == nil {
				return nil, fmt.Errorf("%s, which %s uses, is not in it: write the set with protoc --include_imports", name, m.name)
			}
			m.byNumber[f.number] = f
		}
	}
	return d, nil
}

// eachField calls f with each field of a message. The field is overwritten by the next one.
func eachField(b []byte, f func(*wireField) error) error {
	r := wireReader{in: b}
	var field wireField
	for r.more() {
		if err := r.next(&field); err != nil {
			return err
		}
		if err := f(&field); err != nil {
			return err
		}
	}
	return nil
}

// file reads a FileDescriptorProto.
func (d *descriptorSet) file(b []byte) error {
	prefix, packed := "", false
	if err := eachField(b, func(f *wireField) error {
		switch {
		case f.number == 2 && f.wire == wireBytes && len(f.bytes) > 0:
			prefix = string(f.bytes) + "."
		case f.number == 12 && f.wire == wireBytes:
			packed = packed || string(f.bytes) == "proto3"
		case f.number == 14:
			packed = true // editions
		}
		return nil
	}); err != nil {
		return err
	}
	return eachField(b, func(f *wireField) error {
		switch {
		case f.number == 4 && f.wire == wireBytes:
			return d.message(f.bytes, prefix, packed, 0)
		case f.number == 5 && f.wire == wireBytes:
			return d.enum(f.bytes, prefix)
		}
		return nil
	})
}

// message reads a DescriptorProto. packed says how repeated numbers are written unless a field says
// otherwise.
func (d *descriptorSet) message(b []byte, prefix string, packed bool, depth int) error {
	if depth >= maxDepth {
		return errors.New(tooDeep)
	}
	m := &protoMessage{}
	if err := eachField(b, func(f *wireField) error {
		if f.number == 1 {
			m.name = prefix + string(f.bytes)
		}
		return nil
	}); err != nil {
		return err
	}
	d.messages[m.name] = m
	return eachField(b, func(f *wireField) error {
		if f.wire != wireBytes {
			return nil
		}
		switch f.number {
		case 2:
			field, err := parseField(f.bytes, packed)
			if err == nil {
				m.fields = append(m.fields, field)
			}
			return err
		case 3:
			return d.message(f.bytes, m.name+".", packed, depth+1)
		case 4:
			return d.enum(f.bytes, m.name+".")
		case 7:
			return eachField(f.bytes, func(o *wireField) error {
				m.mapEntry = m.mapEntry || o.number == 7 && o.num != 0
				return nil
			})
		}
		return nil
	})
}

// parseField reads a FieldDescriptorProto.
func parseField(b []byte, packed bool) (*protoField, error) {
	p := &protoField{packed: packed}
	err := eachField(b, func(f *wireField) error {
		switch f.number {
		case 1:
			p.name = string(f.bytes)
		case 3:
			p.number = int(int32(f.num))
		case 4:
			p.repeated = f.num == 3
		case 5:
			p.kind = byte(f.num)
		case 6:
			p.typeName = string(f.bytes)
		case 8:
			return eachField(f.bytes, func(o *wireField) error {
				if o.number == 2 && o.wire == wireVarint {
					p.packed = o.num != 0
				}
				return nil
			})
		case 10:
			p.json = string(f.bytes)
		}
		return nil
	})
	if err == nil && (p.name == "" || p.number <= 0 || p.kind < protoDouble || p.kind > protoSint64) {
		err = errors.New("it is not a descriptor set")
	}
	if p.json == "" {
		p.json = p.name
	}
	return p, err
}

// enum reads an EnumDescriptorProto.
func (d *descriptorSet) enum(b []byte, prefix string) error {
	e := &protoEnum{names: make(map[int32]string), numbers: make(map[string]int32)}
	name := ""
	err := eachField(b, func(f *wireField) error {
		switch f.number {
		case 1:
			name = prefix + string(f.bytes)
		case 2:
			value, number := "", int32(0)
			err := eachField(f.bytes, func(v *wireField) error {
				switch v.number {
				case 1:
					value = string(v.bytes)
				case 2:
					number = int32(v.num)
				}
				return nil
			})
			if _, ok := e.names[number]; !ok { // of two names, the first
				e.names[number] = value
			}
			e.numbers[value] = number
			return err
		}
		return nil
	})
	d.enums[name] = e
	return err
}

// find returns the message type name, which may lack its package if that leaves no doubt.
func (d *descriptorSet) find(name string) (*protoMessage, error) {
	name = strings.TrimPrefix(name, ".")
	if m := d.messages[name]; m != nil {
		return m, nil
	}
	var found, all []string
	for full, m := range d.messages {
		if strings.HasSuffix(full, "."+name) {
			found = append(found, full)
		}
		if !m.mapEntry {
			all = append(all, full)
		}
	}
	if len(found) == 1 {
		return d.messages[found[0]], nil
	}
	if len(found) == 0 {
		found = all
	}
	slices.Sort(found)
	if len(found) > 10 {
		found = append(found[:10:10], "…")
	}
	return nil, fmt.Errorf("no message %s: it has %s", name, strings.Join(found, ", "))
}
