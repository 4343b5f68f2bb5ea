package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Draft is the $schema of the schemas that are known.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// document is a file with a schema.
type document struct {
	name      string // for errors
	dir       string // its folder, below that of the first document; "" is that one
	tree      tree
	resources map[int32]*resource // by the index of their root: the document itself, and each subschema with an $id
	rules     map[int32]*rule     // compiled so far
	schemas   []int32             // where its schemas are
}

// resource is a schema with a URI of its own.
type resource struct {
	doc     *document
	root    int32
	uri     *url.URL
	anchors map[string]int32 // $anchor and $dynamicAnchor
	dynamic map[string]*rule // $dynamicAnchor alone; the rules are compiled last
}

// fail returns the error of a fault at the value i.
func (d *document) fail(i int32, format string, args ...any) error {
	return &Error{File: d.name, Pointer: d.tree.pointer(i), What: fmt.Sprintf(format, args...)}
}

// resource returns the resource that the value i belongs to.
func (d *document) resource(i int32) *resource {
	for ; ; i = d.tree.values[i].parent {
		if r := d.resources[i]; r != nil {
			return r
		}
	}
}

// folder says that URIs with a prefix are the files below dir.
type folder struct{ prefix, dir string }

// The bounds of what one schema may load.
const (
	maxFiles = 1000
	maxBytes = 64 << 20
)

// add parses a document that was found at uri, and indexes it.
func (c *compiler) add(name, dir string, uri *url.URL, text []byte) (*document, error) {
	if c.bytes += len(text); len(c.docs) == maxFiles || c.bytes > maxBytes {
		return nil, &Error{File: name, What: fmt.Sprintf("the schema has more than %d files, or 64 MiB", maxFiles)}
	}
	d := &document{name: name, dir: dir, resources: make(map[int32]*resource), rules: make(map[int32]*rule)}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // which editors put before UTF-8
	if err := d.tree.parse(text); err != nil {
		if syntax, ok := errors.AsType[*SyntaxError](err); ok {
			return nil, &Error{File: name, Line: 1 + bytes.Count(text[:syntax.Offset], []byte("\n")), What: syntax.What}
		}
		if len(text) == 0 {
			err = errors.New("it is empty")
		}
		return nil, &Error{File: name, What: err.Error()}
	}
	c.docs = append(c.docs, d)
	c.locate(d, 0, uri)
	return d, c.index(d, 0)
}

// locate notes that uri is that of the schema i. A document has that of its file and that of its $id.
func (c *compiler) locate(d *document, i int32, uri *url.URL) {
	r := d.resources[i]
	if r == nil {
		r = &resource{doc: d, root: i, anchors: make(map[string]int32), dynamic: make(map[string]*rule)}
		d.resources[i] = r
	}
	r.uri = uri
	c.resources[uri.String()] = r
	if i == 0 && uri.Opaque == "" {
		prefix := *uri
		prefix.Path = "/" + strings.TrimPrefix(prefix.Path[:strings.LastIndexByte(prefix.Path, '/')+1], "/")
		c.folders = append(c.folders, folder{prefix.String(), d.dir})
	}
}

// index notes the identifiers in the schema i and in all schemas inside it.
func (c *compiler) index(d *document, i int32) error {
	d.schemas = append(d.schemas, i)
	if d.tree.values[i].kind != objectKind {
		return nil // a boolean, or a mistake that compiling reports
	}
	if err := c.identify(d, i); err != nil {
		return err
	}
	v := &d.tree.values[i]
	for m, slot := i+1, int32(0); slot < v.slots; m, slot = d.tree.values[m].next, slot+1 {
		value := &d.tree.values[m]
		shape := shapeOf(string(value.key))
		if value.dead || shape == noSchema {
			continue
		}
		if shape == oneSchema {
			if err := c.index(d, m); err != nil {
				return err
			}
			continue
		}
		if want := map[shapes]kind{listOfSchemas: arrayKind, namedSchemas: objectKind}[shape]; value.kind != want {
			return d.fail(m, "expected %s, got %s", withArticle(want), withArticle(value.kind))
		}
		for s, slot := m+1, int32(0); slot < value.slots; s, slot = d.tree.values[s].next, slot+1 {
			if v := &d.tree.values[s]; v.dead || v.kind == arrayKind && string(value.key) == "dependencies" {
				continue
			}
			if err := c.index(d, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// identify notes $id, $anchor and $dynamicAnchor of the schema i.
func (c *compiler) identify(d *document, i int32) error {
	if m, id, err := d.text(i, "$id"); err != nil {
		return err
	} else if m >= 0 {
		u, err := url.Parse(id)
		if err != nil || u.Fragment != "" {
			return d.fail(m, "%s is not a URI without a fragment", strconv.Quote(id))
		}
		u = d.resource(i).uri.ResolveReference(u)
		if other := c.resources[u.String()]; other != nil && (other.doc != d || other.root != i) {
			return d.fail(m, "another schema has this $id, in %s", other.doc.name)
		}
		c.locate(d, i, u)
	}
	if m, draft, err := d.text(i, "$schema"); err != nil {
		return err
	} else if m >= 0 && strings.TrimSuffix(draft, "#") != Draft {
		return d.fail(m, "%s is not known: expected %s", strconv.Quote(draft), Draft)
	}
	r := d.resource(i)
	for _, keyword := range []string{"$anchor", "$dynamicAnchor"} {
		m, anchor, err := d.text(i, keyword)
		if err != nil {
			return err
		}
		if m < 0 {
			continue
		}
		if anchor == "" || strings.Trim(anchor[:1], letters+"_") != "" || strings.Trim(anchor, letters+"_-.0123456789") != "" {
			return d.fail(m, "%s is not an anchor: expected letters, digits, _, - and .", strconv.Quote(anchor))
		}
		if at, twice := r.anchors[anchor]; twice && at != i {
			return d.fail(m, "another schema has the anchor %s", strconv.Quote(anchor))
		}
		r.anchors[anchor] = i
		if keyword == "$dynamicAnchor" {
			r.dynamic[anchor] = nil
		}
	}
	return nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// text returns the member of the object i with that name, which must be a string, and its text. m is -1
// if there is none.
func (d *document) text(i int32, name string) (m int32, text string, err error) {
	if m = d.tree.member(i, []byte(name)); m < 0 {
		return m, "", nil
	}
	v := &d.tree.values[m]
	if v.kind != stringKind {
		return m, "", d.fail(m, "expected a string, got %s", withArticle(v.kind))
	}
	return m, string(v.text), nil
}

// resolve returns the schema that the reference in the value m is for. anchor is the name of the anchor
// in the reference, "" if it has none.
func (c *compiler) resolve(d *document, m int32) (to *document, i int32, anchor string, err error) {
	v := &d.tree.values[m]
	if v.kind != stringKind {
		return nil, 0, "", d.fail(m, "expected a string, got %s", withArticle(v.kind))
	}
	u, err := url.Parse(string(v.text))
	if err != nil {
		return nil, 0, "", d.fail(m, "%s is not a URI", quote(v.text))
	}
	u = d.resource(m).uri.ResolveReference(u)
	fragment := u.Fragment
	u.Fragment, u.RawFragment = "", ""
	r := c.resources[u.String()]
	if r == nil {
		if r, err = c.load(d, m, u); err != nil {
			return nil, 0, "", err
		}
	}
	if fragment == "" || fragment[0] == '/' {
		if i, ok := r.doc.at(r.root, fragment); ok {
			return r.doc, i, "", nil
		}
	} else if i, ok := r.anchors[fragment]; ok {
		return r.doc, i, fragment, nil
	}
	return nil, 0, "", d.fail(m, "%s refers to nothing: %s has no %s", quote(v.text), r.doc.name, strconv.Quote("#"+fragment))
}

// load reads the file that uri is for. m is the reference, for errors.
func (c *compiler) load(d *document, m int32, uri *url.URL) (*resource, error) {
	ref := quote(d.tree.values[m].text)
	text, known := c.o.known[uri.String()]
	if uri.String() == Draft {
		text, known = metaSchema, true
	}
	if known {
		doc, err := c.add(uri.String(), "", uri, []byte(text))
		if err != nil {
			return nil, err
		}
		return doc.resources[0], nil
	}
	for _, f := range c.folders {
		rest, ok := strings.CutPrefix(uri.String(), f.prefix)
		if !ok || uri.RawQuery != "" {
			continue
		}
		rest, err := url.PathUnescape(rest)
		file := path.Join(f.dir, rest)
		if err != nil || !fs.ValidPath(file) || c.o.Read == nil {
			break
		}
		text, err := c.o.Read(file)
		if errors.Is(err, fs.ErrNotExist) && path.Ext(file) == "" { // URIs of schemas often have no suffix
			if more, err2 := c.o.Read(file + ".json"); err2 == nil {
				file, text, err = file+".json", more, nil
			}
		}
		if err != nil {
			return nil, d.fail(m, "%s: %v", ref, err)
		}
		dir := path.Dir(file)
		if dir == "." {
			dir = ""
		}
		doc, err := c.add(path.Join(path.Dir(c.docs[0].name), file), dir, uri, text)
		if err != nil {
			return nil, err
		}
		return doc.resources[0], nil
	}
	return nil, d.fail(m, "%s is elsewhere: references lead to files in the folder of the schema, or below it", ref)
}

// at returns the value that a JSON Pointer leads to from the value i.
func (d *document) at(i int32, pointer string) (int32, bool) {
	if pointer == "" {
		return i, true
	}
	for step := range strings.SplitSeq(pointer[1:], "/") {
		v := &d.tree.values[i]
		switch v.kind {
		case objectKind:
			if i = d.tree.member(i, []byte(strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~"))); i < 0 {
				return 0, false
			}
		case arrayKind:
			n, err := strconv.ParseUint(step, 10, 31)
			if err != nil || n >= uint64(v.slots) || n > 0 && step[0] == '0' || len(step) > len(strconv.Itoa(math.MaxInt32)) {
				return 0, false
			}
			for i++; n > 0; n-- {
				i = d.tree.values[i].next
			}
		default:
			return 0, false
		}
	}
	return i, true
}
