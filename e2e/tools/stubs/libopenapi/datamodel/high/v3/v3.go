// Package v3 stands in for the one of github.com/pb33f/libopenapi: the fields that Prometheus sets, for nobody to read.
package v3

import (
	"github.com/pb33f/libopenapi/datamodel/high/base"
	"github.com/pb33f/libopenapi/orderedmap"
)

type (
	Document struct {
		Version    string
		Info       *base.Info
		Servers    []*Server
		Tags       []*base.Tag
		Paths      *Paths
		Components *Components
	}
	Server struct{ URL string }
	Paths  struct {
		PathItems *orderedmap.Map[string, *PathItem]
	}
	Components struct {
		Schemas *orderedmap.Map[string, *base.SchemaProxy]
	}
	PathItem  struct{ Get, Post, Put, Delete *Operation }
	Operation struct {
		Summary, Description, OperationId string
		Tags                              []string
		Parameters                        []*Parameter
		RequestBody                       *RequestBody
		Responses                         *Responses
	}
	Parameter struct {
		Name, In, Description string
		Required, Explode     *bool
		Schema                *base.SchemaProxy
		Examples              *orderedmap.Map[string, *base.Example]
	}
	RequestBody struct {
		Description string
		Required    *bool
		Content     *orderedmap.Map[string, *MediaType]
	}
	Responses struct {
		Codes   *orderedmap.Map[string, *Response]
		Default *Response
	}
	Response struct {
		Description string
		Content     *orderedmap.Map[string, *MediaType]
	}
	MediaType struct {
		Schema, ItemSchema *base.SchemaProxy
		Examples           *orderedmap.Map[string, *base.Example]
	}
)

// Render renders nothing.
func (*Document) Render() ([]byte, error) { return nil, nil }
