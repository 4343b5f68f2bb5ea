package schema

// metaSchema describes schemas, for schemas that refer to Draft.
const metaSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "https://json-schema.org/draft/2020-12/schema",
  "$dynamicAnchor": "meta",
  "type": ["object", "boolean"],
  "properties": {
    "$id": {"type": "string", "pattern": "^[^#]*#?$"},
    "$schema": {"type": "string"},
    "$ref": {"type": "string"},
    "$dynamicRef": {"type": "string"},
    "$anchor": {"$ref": "#/$defs/anchor"},
    "$dynamicAnchor": {"$ref": "#/$defs/anchor"},
    "$vocabulary": {"type": "object", "additionalProperties": {"type": "boolean"}},
    "$comment": {"type": "string"},
    "$defs": {"$ref": "#/$defs/named"},
    "definitions": {"$ref": "#/$defs/named"},

    "type": {
      "anyOf": [
        {"$ref": "#/$defs/type"},
        {"type": "array", "items": {"$ref": "#/$defs/type"}, "minItems": 1, "uniqueItems": true}
      ]
    },
    "enum": {"type": "array"},
    "const": true,

    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    "minimum": {"type": "number"},
    "maximum": {"type": "number"},
    "exclusiveMinimum": {"type": "number"},
    "exclusiveMaximum": {"type": "number"},

    "minLength": {"$ref": "#/$defs/count"},
    "maxLength": {"$ref": "#/$defs/count"},
    "pattern": {"type": "string", "format": "regex"},
    "format": {"type": "string"},
    "contentEncoding": {"type": "string"},
    "contentMediaType": {"type": "string"},
    "contentSchema": {"$dynamicRef": "#meta"},

    "minItems": {"$ref": "#/$defs/count"},
    "maxItems": {"$ref": "#/$defs/count"},
    "minContains": {"$ref": "#/$defs/count"},
    "maxContains": {"$ref": "#/$defs/count"},
    "uniqueItems": {"type": "boolean"},
    "prefixItems": {"$ref": "#/$defs/list"},
    "items": {"$dynamicRef": "#meta"},
    "contains": {"$dynamicRef": "#meta"},
    "unevaluatedItems": {"$dynamicRef": "#meta"},

    "minProperties": {"$ref": "#/$defs/count"},
    "maxProperties": {"$ref": "#/$defs/count"},
    "required": {"$ref": "#/$defs/names"},
    "dependentRequired": {"type": "object", "additionalProperties": {"$ref": "#/$defs/names"}},
    "dependentSchemas": {"$ref": "#/$defs/named"},
    "dependencies": {"type": "object", "additionalProperties": {"anyOf": [{"$dynamicRef": "#meta"}, {"$ref": "#/$defs/names"}]}},
    "properties": {"$ref": "#/$defs/named"},
    "patternProperties": {"$ref": "#/$defs/named", "propertyNames": {"format": "regex"}},
    "additionalProperties": {"$dynamicRef": "#meta"},
    "propertyNames": {"$dynamicRef": "#meta"},
    "unevaluatedProperties": {"$dynamicRef": "#meta"},

    "allOf": {"$ref": "#/$defs/list"},
    "anyOf": {"$ref": "#/$defs/list"},
    "oneOf": {"$ref": "#/$defs/list"},
    "not": {"$dynamicRef": "#meta"},
    "if": {"$dynamicRef": "#meta"},
    "then": {"$dynamicRef": "#meta"},
    "else": {"$dynamicRef": "#meta"},

    "title": {"type": "string"},
    "description": {"type": "string"},
    "deprecated": {"type": "boolean"},
    "readOnly": {"type": "boolean"},
    "writeOnly": {"type": "boolean"},
    "examples": {"type": "array"}
  },
  "$defs": {
    "anchor": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9._-]*$"},
    "count": {"type": "integer", "minimum": 0},
    "list": {"type": "array", "items": {"$dynamicRef": "#meta"}, "minItems": 1},
    "named": {"type": "object", "additionalProperties": {"$dynamicRef": "#meta"}},
    "names": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
    "type": {"enum": ["null", "boolean", "integer", "number", "string", "array", "object"]}
  }
}`
