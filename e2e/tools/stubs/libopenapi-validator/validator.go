// Package validator stands in for github.com/pb33f/libopenapi-validator: see ../libopenapi/libopenapi.go.
//
// Only Prometheus's own tests validate with it; it gets into the server because web/api/v1/test_helpers.go is no
// _test.go file.
package validator

import (
	"net/http"

	"github.com/pb33f/libopenapi-validator/errors"
)

// Validator has the methods that Prometheus's test helpers call.
type Validator interface {
	ValidateHttpRequest(*http.Request) (bool, []*errors.ValidationError)
	ValidateHttpResponse(*http.Request, *http.Response) (bool, []*errors.ValidationError)
}

// NewValidator makes none.
func NewValidator(any) (Validator, []error) { return nil, nil }
