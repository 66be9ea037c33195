// Package base stands in for the one of github.com/pb33f/libopenapi: the fields that Prometheus sets, for nobody to read.
package base

import (
	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v4"
)

type (
	Contact struct{ Name, URL string }
	Info    struct {
		Title, Description, Version string
		Contact                     *Contact
	}
	Tag     struct{ Name, Summary, Description string }
	Example struct {
		Summary, Description string
		Value                *yaml.Node
	}
	DynamicValue[A, B any] struct {
		N int
		A A
		B B
	}
	SchemaProxy struct{}
	Schema      struct {
		Title, Description, Format, ContentMediaType string
		Type, Required                               []string
		Properties                                   *orderedmap.Map[string, *SchemaProxy]
		AdditionalProperties, Items                  *DynamicValue[*SchemaProxy, bool]
		Enum                                         []*yaml.Node
		Example, Default                             *yaml.Node
		OneOf, AnyOf                                 []*SchemaProxy
		ContentSchema                                *SchemaProxy
		MinItems, MaxItems                           *int64
	}
)

func CreateSchemaProxy(*Schema) *SchemaProxy   { return nil }
func CreateSchemaProxyRef(string) *SchemaProxy { return nil }
