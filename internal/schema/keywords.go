package schema

import "regexp"

// shapes says where a keyword has subschemas.
type shapes uint8

const (
	noSchema shapes = iota
	oneSchema
	listOfSchemas
	namedSchemas
)

// shapeOf returns the shape of a keyword.
func shapeOf(keyword string) shapes {
	switch keyword {
	case "items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
		"not", "if", "then", "else", "contentSchema":
		return oneSchema
	case "allOf", "anyOf", "oneOf", "prefixItems":
		return listOfSchemas
	case "$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies":
		return namedSchemas
	}
	return noSchema
}

// typeSet is a set of types. Those of kinds are at 1<<kind.
type typeSet uint8

const integerType typeSet = 1 << 7

// numberRule are the keywords for numbers.
type numberRule struct {
	min, max           *decimal
	minOpen, maxOpen   *decimal // exclusiveMinimum, exclusiveMaximum
	multiple           *divisor
	minText, maxText   string // of the schema, for reasons
	minOpenText        string
	maxOpenText, mText string
}

// stringRule are the keywords for strings.
type stringRule struct {
	min, max int // characters; max is -1 for no limit
	pattern  *regexp.Regexp
	text     string // of the pattern, as it is in the schema
}

// arrayRule are the keywords for arrays.
type arrayRule struct {
	min, max                 int // max is -1 for no limit
	unique                   bool
	prefix                   []*rule
	items                    *rule
	contains                 *rule
	minContains, maxContains int // maxContains is -1 for no limit
	unevaluated              *rule
}

// objectRule are the keywords for objects.
type objectRule struct {
	min, max    int // max is -1 for no limit
	required    [][]byte
	properties  map[string]*rule
	patterns    []patternRule
	additional  *rule
	names       *rule
	requires    []dependency
	dependent   []dependency
	unevaluated *rule
}

// patternRule is a member of patternProperties.
type patternRule struct {
	pattern *regexp.Regexp
	rule    *rule
}

// dependency is a member of dependentRequired or dependentSchemas.
type dependency struct {
	name     []byte
	required [][]byte
	rule     *rule
}

func (r *rule) number() *numberRule {
	if r.numbers == nil {
		r.numbers = new(numberRule)
	}
	return r.numbers
}

func (r *rule) string() *stringRule {
	if r.strings == nil {
		r.strings = &stringRule{max: -1}
	}
	return r.strings
}

func (r *rule) array() *arrayRule {
	if r.arrays == nil {
		r.arrays = &arrayRule{max: -1, minContains: 1, maxContains: -1}
	}
	return r.arrays
}

func (r *rule) object() *objectRule {
	if r.objects == nil {
		r.objects = &objectRule{max: -1}
	}
	return r.objects
}

func (r *rule) place() *inPlace {
	if r.in == nil {
		r.in = new(inPlace)
	}
	return r.in
}

// keyword compiles the member m of the schema r. Keywords that are not known are annotations.
func (c *compiler) keyword(r *rule, d *document, m int32, keyword string) (err error) {
	switch keyword {
	case "type":
		r.types, err = d.types(m)
	case "enum":
		err = d.want(m, arrayKind)
		r.enum = append([]int32{}, d.items(m)...)
	case "const":
		r.constant = m

	case "minimum":
		r.number().min, r.number().minText, err = d.number(m)
	case "maximum":
		r.number().max, r.number().maxText, err = d.number(m)
	case "exclusiveMinimum":
		r.number().minOpen, r.number().minOpenText, err = d.number(m)
	case "exclusiveMaximum":
		r.number().maxOpen, r.number().maxOpenText, err = d.number(m)
	case "multipleOf":
		r.number().multiple, r.number().mText, err = d.divisor(m)

	case "minLength":
		r.string().min, err = d.count(m)
	case "maxLength":
		r.string().max, err = d.count(m)
	case "pattern":
		if err = d.want(m, stringKind); err == nil {
			r.string().text = string(d.tree.values[m].text)
			r.string().pattern, err = d.pattern(m, r.string().text)
		}

	case "minItems":
		r.array().min, err = d.count(m)
	case "maxItems":
		r.array().max, err = d.count(m)
	case "uniqueItems":
		err = d.want(m, boolKind)
		r.array().unique = d.tree.values[m].on
	case "minContains":
		r.array().minContains, err = d.count(m)
	case "maxContains":
		r.array().maxContains, err = d.count(m)
	case "prefixItems":
		r.array().prefix, err = c.list(d, m)
	case "items":
		r.array().items, err = c.rule(d, m)
	case "contains":
		r.array().contains, err = c.rule(d, m)
	case "unevaluatedItems":
		r.array().unevaluated, err = c.rule(d, m)

	case "minProperties":
		r.object().min, err = d.count(m)
	case "maxProperties":
		r.object().max, err = d.count(m)
	case "required":
		r.object().required, err = d.names(m)
	case "properties":
		r.object().properties = make(map[string]*rule)
		err = d.each(m, func(s int32, name string) (err error) {
			r.object().properties[name], err = c.rule(d, s)
			return err
		})
	case "patternProperties":
		err = d.each(m, func(s int32, name string) error {
			p, err := d.pattern(s, name)
			if err != nil {
				return err
			}
			sub, err := c.rule(d, s)
			r.object().patterns = append(r.object().patterns, patternRule{p, sub})
			return err
		})
	case "additionalProperties":
		r.object().additional, err = c.rule(d, m)
	case "propertyNames":
		r.object().names, err = c.rule(d, m)
	case "unevaluatedProperties":
		r.object().unevaluated, err = c.rule(d, m)
	case "dependentRequired":
		err = d.each(m, func(s int32, name string) error { return d.required(r, s, name) })
	case "dependentSchemas":
		err = d.each(m, func(s int32, name string) error { return c.dependent(r, d, s, name) })
	case "dependencies": // what both were before 2019
		err = d.each(m, func(s int32, name string) error {
			if d.tree.values[s].kind == arrayKind {
				return d.required(r, s, name)
			}
			return c.dependent(r, d, s, name)
		})
	default:
		return c.combine(r, d, m, keyword)
	}
	return err
}

// required compiles the member name of dependentRequired, which is at s.
func (d *document) required(r *rule, s int32, name string) error {
	names, err := d.names(s)
	r.object().requires = append(r.object().requires, dependency{name: []byte(name), required: names})
	return err
}

// dependent compiles the member name of dependentSchemas, which is at s.
func (c *compiler) dependent(r *rule, d *document, s int32, name string) error {
	sub, err := c.rule(d, s)
	r.object().dependent = append(r.object().dependent, dependency{name: []byte(name), rule: sub})
	return err
}

// combine compiles the keywords with subschemas for the value itself.
func (c *compiler) combine(r *rule, d *document, m int32, keyword string) (err error) {
	switch keyword {
	case "$ref":
		r.place().ref, _, err = c.reference(d, m)
	case "$dynamicRef":
		c.dynamic = true
		var anchor string
		r.place().dynamic, anchor, err = c.reference(d, m)
		if err == nil {
			if _, ok := r.in.dynamic.resource.dynamic[anchor]; ok {
				r.in.anchor = anchor
			}
		}
	case "allOf":
		r.place().all, err = c.list(d, m)
	case "anyOf":
		r.place().any, err = c.list(d, m)
	case "oneOf":
		r.place().one, err = c.list(d, m)
	case "not":
		r.place().not, err = c.rule(d, m)
	case "if":
		r.place().cond, err = c.rule(d, m)
	case "then":
		r.place().then, err = c.rule(d, m)
	case "else":
		r.place().other, err = c.rule(d, m)
	}
	return err
}

// reference returns the schema that the reference m leads to, and the anchor in it.
func (c *compiler) reference(d *document, m int32) (*rule, string, error) {
	to, i, anchor, err := c.resolve(d, m)
	if err != nil {
		return nil, "", err
	}
	r, err := c.rule(to, i)
	return r, anchor, err
}

// list compiles a list of schemas, which must not be empty.
func (c *compiler) list(d *document, m int32) ([]*rule, error) {
	if err := d.want(m, arrayKind); err != nil {
		return nil, err
	}
	var all []*rule
	for _, s := range d.items(m) {
		r, err := c.rule(d, s)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, d.fail(m, "expected at least one schema")
	}
	return all, nil
}
