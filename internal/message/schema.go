package message

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/schema"
)

// SchemaFlag is --schema.
type SchemaFlag struct{ file string }

// Register adds the flag to fs. payload says which payloads are checked.
func (f *SchemaFlag) Register(fs *pflag.FlagSet, payload string) {
	fs.StringVar(&f.file, "schema", "", "check each "+payload+" against the JSON Schema in `FILE`")
}

// Given reports whether payloads are to be checked.
func (f *SchemaFlag) Given() bool { return f.file != "" }

// Schema checks payloads against a JSON Schema. It belongs to one goroutine.
type Schema struct {
	file      string
	compiled  *schema.Schema
	validator *schema.Validator
}

// Compile reads and compiles the schema, with the files that it refers to. It returns nil if there is
// none.
func (f *SchemaFlag) Compile(fs *pflag.FlagSet) (*Schema, error) {
	switch {
	case f.file == "" && fs.Changed("schema"):
		return nil, cli.BadFlag("--schema", " is empty", "name the file with the schema, or leave it out")
	case f.file == "":
		return nil, nil
	}
	text, err := os.ReadFile(f.file)
	if err != nil {
		return nil, unreadable(err)
	}
	folder, err := filepath.Abs(filepath.Dir(f.file))
	if err != nil {
		return nil, unreadable(err)
	}
	s, err := schema.Compile(f.file, text, schema.Options{Folder: filepath.ToSlash(folder), Read: func(name string) ([]byte, error) {
		in, err := os.OpenRoot(folder) // so that no link leads out of it
		if err != nil {
			return nil, reason(err)
		}
		defer in.Close()
		text, err := in.ReadFile(filepath.FromSlash(name))
		return text, reason(err)
	}})
	if err != nil {
		return nil, cli.BadFlag("--schema", " "+err.Error(), "mqtt help payloads says which schemas can be used")
	}
	return (&Schema{file: f.file, compiled: s}).Another(), nil
}

// Another returns s for another goroutine.
func (s *Schema) Another() *Schema {
	return &Schema{file: s.file, compiled: s.compiled, validator: s.compiled.NewValidator()}
}

// unreadable returns the error of a schema that cannot be read.
func unreadable(err error) error {
	return cli.BadFlag("--schema", ": "+err.Error(), "check that the file exists and is readable")
}

// reason returns why a file cannot be read, without its name, which the caller knows.
func reason(err error) error {
	if path, ok := errors.AsType[*iofs.PathError](err); ok {
		return path.Err
	}
	return err
}

// Fault returns why a payload does not fit the schema, nil if it does.
func (s *Schema) Fault(payload []byte) error {
	if err := s.validator.Validate(payload); err != nil {
		return fmt.Errorf("the payload does not fit %s: %w", s.file, err)
	}
	return nil
}
