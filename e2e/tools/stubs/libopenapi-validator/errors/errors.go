// Package errors stands in for the one of github.com/pb33f/libopenapi-validator.
package errors

// ValidationError is never made.
type ValidationError struct{}

// Error is never called.
func (*ValidationError) Error() string { return "" }
