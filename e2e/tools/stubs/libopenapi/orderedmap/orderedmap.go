// Package orderedmap stands in for the one of github.com/pb33f/libopenapi: a map that forgets.
package orderedmap

// Map holds nothing.
type Map[K comparable, V any] struct{}

// Pair is never made.
type Pair[K comparable, V any] struct{}

// New makes an empty map.
func New[K comparable, V any]() *Map[K, V] { return nil }

// Set forgets the entry.
func (*Map[K, V]) Set(K, V) {}

// First says that there is none.
func (*Map[K, V]) First() *Pair[K, V] { return nil }

// Next says that there is none.
func (*Pair[K, V]) Next() *Pair[K, V] { return nil }

// Key is never called.
func (*Pair[K, V]) Key() (key K) { return key }

// Value is never called.
func (*Pair[K, V]) Value() (value V) { return value }
