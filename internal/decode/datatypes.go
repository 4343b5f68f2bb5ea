package decode

import "strconv"

// The datatypes of Sparkplug that are read in a way of their own.
const (
	typeInt8         = 1
	typeInt16        = 2
	typeInt32        = 3
	typeInt64        = 4
	typeUInt8        = 5
	typeUInt16       = 6
	typeUInt32       = 7
	typeUInt64       = 8
	typeFloat        = 9
	typeDouble       = 10
	typeBoolean      = 11
	typeDateTime     = 13
	typeDataSet      = 16
	typeBytes        = 17
	typeFile         = 18
	typeTemplate     = 19
	typePropertySet  = 20
	typePropertySets = 21
	typeInt8Array    = 22
	typeBooleanArray = 32
	typeStringArray  = 33
	typeLast         = 34
)

// datatypeNames are the names of the datatypes by number, as in sparkplug_b.proto.
var datatypeNames = [...]string{"Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double",
	"Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList",
	"Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array",
	"FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray"}

// elementSizes are the sizes of the elements of arrays, in bytes, by datatype.
var elementSizes = [...]int{22: 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 34: 8}

// appendDatatype appends the name of a datatype, or its number if it has none.
func appendDatatype(dst []byte, t uint32) []byte {
	if int(t) < len(datatypeNames) {
		return append(append(append(dst, '"'), datatypeNames[t]...), '"')
	}
	return strconv.AppendUint(dst, uint64(t), 10)
}

// datatype returns the datatype that a name or number stands for.
func (n *node) datatype() (uint32, error) {
	if n.kind == numberNode {
		t, err := n.uint(32)
		return uint32(t), err
	}
	for t, name := range datatypeNames {
		if n.kind == stringNode && n.text == name {
			return uint32(t), nil
		}
	}
	return 0, misfit("%q is not a datatype of Sparkplug", n.text)
}
