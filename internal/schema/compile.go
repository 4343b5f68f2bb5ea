package schema

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// Schema is a compiled schema. Any number of Validators may share it.
type Schema struct {
	root    *rule
	dynamic bool // some schema has $dynamicRef
}

// Options are what Compile needs of its caller.
type Options struct {
	// Read returns the content of a file that the schema refers to. name is relative to the folder of
	// the schema, with slashes, and leads to no folder above it. nil: there are no other files.
	Read func(name string) ([]byte, error)
	// Folder is the absolute path of that folder, with slashes. It tells references to files in it
	// from others.
	Folder string

	known map[string]string // more documents, by URI; for tests
}

// compiler compiles a schema with all its documents.
type compiler struct {
	o         Options
	docs      []*document
	resources map[string]*resource // by URI
	folders   []folder
	bytes     int
	dynamic   bool
}

// Compile compiles the schema in text. name is the file that it was read from, for errors. An error is
// an *Error.
func Compile(name string, text []byte, o Options) (*Schema, error) {
	c := &compiler{o: o, resources: make(map[string]*resource)}
	file := strings.ReplaceAll(name, `\`, "/")
	uri := &url.URL{Scheme: "file", Path: path.Join("/", o.Folder, path.Base(file))}
	d, err := c.add(name, "", uri, text)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(c.docs); i++ { // compiling may add documents
		doc := c.docs[i]
		for _, at := range doc.schemas {
			if _, err := c.rule(doc, at); err != nil {
				return nil, err
			}
		}
		for _, r := range doc.resources {
			for anchor := range r.dynamic {
				r.dynamic[anchor] = doc.rules[r.anchors[anchor]]
			}
		}
	}
	for _, doc := range c.docs {
		for _, at := range doc.schemas {
			if r := doc.rules[at]; !r.ends() {
				return nil, doc.fail(r.at, "the schema refers to itself, without a value in between")
			}
		}
	}
	return &Schema{root: d.rules[0], dynamic: c.dynamic}, nil
}

// rule is a compiled schema or subschema.
type rule struct {
	resource *resource
	at       int32 // its index in the document
	never    bool  // the schema false

	types    typeSet
	enum     []int32 // values of the document, nil if there is no enum
	constant int32   // a value of the document; 0 if there is no const
	numbers  *numberRule
	strings  *stringRule
	arrays   *arrayRule
	objects  *objectRule
	in       *inPlace

	visit visit
}

// inPlace are the subschemas for the value itself.
type inPlace struct {
	ref           *rule
	dynamic       *rule  // of $dynamicRef, if no other resource has its anchor
	anchor        string // the anchor of $dynamicRef, "" if it is no dynamic one
	all, any, one []*rule
	not           *rule
	cond          *rule // of if
	then, other   *rule
}

// rule compiles the schema at i.
func (c *compiler) rule(d *document, i int32) (*rule, error) {
	if r := d.rules[i]; r != nil {
		return r, nil
	}
	r := &rule{resource: d.resource(i), at: i}
	d.rules[i] = r
	v := d.tree.values[i]
	switch v.kind {
	case boolKind:
		r.never = !v.on
		return r, nil
	case arrayKind:
		if string(v.key) == "items" {
			return nil, d.fail(i, "expected a schema, got an array: since 2020-12 it is called prefixItems")
		}
		fallthrough
	default:
		return nil, d.fail(i, "expected a schema, which is an object or a boolean, got %s", withArticle(v.kind))
	case objectKind:
	}
	for m, slot := i+1, int32(0); slot < v.slots; m, slot = d.tree.values[m].next, slot+1 {
		if d.tree.values[m].dead {
			continue
		}
		if err := c.keyword(r, d, m, string(d.tree.values[m].key)); err != nil {
			return nil, err
		}
	}
	r.complete()
	return r, nil
}

// complete joins keywords that depend on each other.
func (r *rule) complete() {
	if a := r.arrays; a != nil && a.contains == nil {
		a.minContains, a.maxContains = 0, -1
	}
	if in := r.in; in != nil && in.cond == nil {
		in.then, in.other = nil, nil
	}
}

// visit is the state of a rule in a walk over rules that apply to the same value.
type visit uint8

const (
	unseen visit = iota
	active
	done
)

// ends reports whether r does not lead back to itself for one and the same value. $dynamicRef is left
// out: where it leads is known only when a text is checked.
func (r *rule) ends() bool {
	if r.visit != unseen {
		return r.visit == done
	}
	r.visit = active
	for sub := range r.inPlace() {
		if !sub.ends() {
			return false
		}
	}
	r.visit = done
	return true
}

// inPlace yields the subschemas that apply to the same value as r.
func (r *rule) inPlace() func(yield func(*rule) bool) {
	var all []*rule
	if in := r.in; in != nil {
		all = slices.Concat([]*rule{in.ref, in.not, in.cond, in.then, in.other}, in.all, in.any, in.one)
	}
	if o := r.objects; o != nil {
		for _, d := range o.dependent {
			all = append(all, d.rule)
		}
	}
	return func(yield func(*rule) bool) {
		for _, sub := range all {
			if sub != nil && !yield(sub) {
				return
			}
		}
	}
}
