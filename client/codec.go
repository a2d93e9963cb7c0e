package client

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
)

// Codec turns values of a type into bytes and back. It must be safe for use by many goroutines. JSON, Gob, String and
// Bytes return some.
type Codec[T any] interface {
	Encode(value T) ([]byte, error)
	// Decode must not keep data, unless the value that it returns is the caller's to keep as well.
	Decode(data []byte) (T, error)
}

// JSON is the codec of encoding/json.
func JSON[T any]() Codec[T] { return jsonCodec[T]{} }

type jsonCodec[T any] struct{}

func (jsonCodec[T]) Encode(value T) ([]byte, error) { return json.Marshal(value) }

func (jsonCodec[T]) Decode(data []byte) (value T, err error) {
	err = json.Unmarshal(data, &value)
	return value, err
}

// Gob is the codec of encoding/gob. Each value carries its type's description, so small values are better off
// with another codec.
func Gob[T any]() Codec[T] { return gobCodec[T]{} }

type gobCodec[T any] struct{}

func (gobCodec[T]) Encode(value T) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(&value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (gobCodec[T]) Decode(data []byte) (value T, err error) {
	err = gob.NewDecoder(bytes.NewReader(data)).Decode(&value)
	return value, err
}

// String is the codec of strings: their bytes.
func String() Codec[string] { return stringCodec{} }

type stringCodec struct{}

func (stringCodec) Encode(value string) ([]byte, error) { return []byte(value), nil }
func (stringCodec) Decode(data []byte) (string, error)  { return string(data), nil }

// Bytes is the codec of byte slices: themselves, without a copy. Who sets one must not change it any more (see NoCopy).
func Bytes() Codec[[]byte] { return bytesCodec{} }

type bytesCodec struct{}

func (bytesCodec) Encode(value []byte) ([]byte, error) { return value, nil }
func (bytesCodec) Decode(data []byte) ([]byte, error)  { return data, nil }
