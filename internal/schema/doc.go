// Package schema checks JSON texts against schemas of JSON Schema 2020-12.
//
// A Schema is compiled once: every keyword, reference and pattern that can be wrong is an *Error then,
// with its file and place. A Validator checks texts, and belongs to one goroutine. It keeps its
// buffers, so a text that fits costs no allocation.
//
// Numbers are compared digit by digit, never as floating point. The keywords format and content... are
// annotations, as the standard has it, and are not checked. Patterns are those of package regexp, with
// the classes \s, \S and . of ECMAScript.
//
// The texts come from strangers: depth, number of values and work are bounded, and patterns take time
// that is linear in the text. The package reads no files and no network: a function of the caller reads
// the files next to the schema.
package schema
