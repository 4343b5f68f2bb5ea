// Package decode turns payloads into JSON and back: CBOR, MessagePack, Sparkplug B, Protocol Buffers,
// Avro, and any of them in gzip or zstd.
//
// A Codec appends one line of JSON for a payload. Integers keep their digits, bytes are base64 strings,
// and NaN and the infinities are the strings NaN, Infinity and -Infinity. The order of fields is that of
// the payload. Where a payload has types (CBOR, MessagePack), a float is printed with a point or an
// exponent, so that it stays a float on the way back.
//
// Payloads come from strangers: the depth of nesting, the size of the result and what Sparkplug's names
// may take are bounded, and a declared length reserves no memory.
//
// A Codec belongs to one goroutine. The package reads no files, knows no flags and prints nothing:
// functions of the caller read schemas and take notes.
package decode
