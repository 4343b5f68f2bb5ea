package decode

import (
	"fmt"
	"strconv"
	"strings"
)

// avroKind is a type of Avro.
type avroKind byte

const (
	avroNull avroKind = iota
	avroBoolean
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroRecord
	avroEnum
	avroArray
	avroMap
	avroUnion
	avroFixed
)

// avroPrimitives are the names of the types without parts.
var avroPrimitives = [...]string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}

// avroType is a schema. Named types may refer to themselves.
type avroType struct {
	kind    avroKind
	fields  []avroField // of a record
	symbols []string    // of an enum
	items   *avroType   // of an array or map
	types   []*avroType // of a union
	size    int         // of a fixed
}

// avroField is a field of a record.
type avroField struct {
	name string
	of   *avroType
}

// avroParser parses one schema.
type avroParser struct{ named map[string]*avroType }

// newAvro returns the codec of a schema in JSON.
func newAvro(schema []byte) (Codec, error) {
	n, err := parseNode(schema)
	if err != nil {
		return nil, fmt.Errorf("schema of Avro: %w", err)
	}
	p := avroParser{named: make(map[string]*avroType)}
	t, err := p.parse(n, "")
	if err != nil {
		return nil, fmt.Errorf("schema of Avro: %w", err)
	}
	return &avroCodec{schema: t}, nil
}

// parse parses a schema inside namespace.
func (p *avroParser) parse(n *node, namespace string) (*avroType, error) {
	switch n.kind {
	case stringNode:
		return p.reference(n.text, namespace)
	case arrayNode:
		u := &avroType{kind: avroUnion}
		for i := range n.items {
			t, err := p.parse(&n.items[i], namespace)
			if err != nil {
				return nil, within(err, strconv.Itoa(i))
			}
			u.types = append(u.types, t)
		}
		return u, nil
	case objectNode:
		return p.object(n, namespace)
	}
	return nil, misfit("expected a type, got %s", n.kind)
}

// reference returns a primitive type, or a named one that was declared before.
func (p *avroParser) reference(name, namespace string) (*avroType, error) {
	for i, primitive := range avroPrimitives {
		if name == primitive {
			return &avroType{kind: avroKind(i)}, nil
		}
	}
	if t := p.named[fullName(name, namespace)]; t != nil {
		return t, nil
	}
	if t := p.named[name]; t != nil {
		return t, nil
	}
	return nil, misfit("unknown type %q", name)
}

// fullName returns a name with its namespace.
func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

// object parses a schema that is an object.
func (p *avroParser) object(n *node, namespace string) (*avroType, error) {
	kind := n.get("type")
	if kind == nil {
		return nil, misfit("a schema without type")
	}
	if kind.kind != stringNode {
		t, err := p.parse(kind, namespace)
		return t, within(err, "type")
	}
	t := &avroType{}
	switch kind.text {
	case "record", "error":
		t.kind = avroRecord
	case "enum":
		t.kind = avroEnum
	case "fixed":
		t.kind = avroFixed
	case "array", "map":
		key := "items"
		t.kind = avroArray
		if kind.text == "map" {
			key, t.kind = "values", avroMap
		}
		items := n.get(key)
		if items == nil {
			return nil, misfit("a schema of type %s without %s", kind.text, key)
		}
		var err error
		t.items, err = p.parse(items, namespace)
		return t, within(err, key)
	default:
		return p.reference(kind.text, namespace)
	}
	name := n.get("name")
	if name == nil || name.kind != stringNode {
		return nil, misfit("a schema of type %s without name", kind.text)
	}
	if space := n.get("namespace"); space != nil && space.kind == stringNode {
		namespace = space.text
	}
	full := fullName(name.text, namespace)
	if at := strings.LastIndexByte(full, '.'); at >= 0 {
		namespace = full[:at]
	}
	p.named[full] = t
	return t, p.parts(t, n, namespace)
}

// parts parses the parts of a named type.
func (p *avroParser) parts(t *avroType, n *node, namespace string) error {
	key := [...]string{avroRecord: "fields", avroEnum: "symbols", avroFixed: "size"}[t.kind]
	parts := n.get(key)
	if parts == nil {
		return misfit("a named type without %s", key)
	}
	if t.kind == avroFixed {
		size, err := parts.uint(28)
		t.size = int(size)
		return within(err, key)
	}
	if err := parts.want(arrayNode); err != nil {
		return within(err, key)
	}
	for i := range parts.items {
		part := &parts.items[i]
		step := key + "/" + strconv.Itoa(i)
		if t.kind == avroEnum {
			if err := part.want(stringNode); err != nil {
				return within(err, step)
			}
			t.symbols = append(t.symbols, part.text)
			continue
		}
		name, of := part.get("name"), part.get("type")
		if name == nil || of == nil || name.kind != stringNode {
			return within(misfit("a field needs name and type"), step)
		}
		f, err := p.parse(of, namespace)
		if err != nil {
			return within(err, step+"/type")
		}
		t.fields = append(t.fields, avroField{name: name.text, of: f})
	}
	return nil
}
