// Package torcv1 is Torc's gRPC API, version 1: cache.proto for clients (served by
// net/grpcapi, spoken by client and by programs in other languages), admin.proto for operators
// (torc drain and its like) and peer.proto for the
// nodes among themselves (net/peer). The .proto files say what each message means; the Go
// files beside them are generated and committed, so that building Torc needs no protoc.
//
// To change the API: edit the .proto, run `go generate ./api/v1` (it needs protoc; the
// plugins are Go tool dependencies of this module) and commit both.
//
// What must hold:
//
//  1. Within version 1 fields and methods are only added, never renumbered or given another
//     meaning. (peer.proto is exempt: nodes of one cluster run versions that know each other.)
//  2. Nothing here is on the way of a request between nodes or in the log: those have a
//     binary form of their own (core/wire). A Packet carries that form as opaque bytes.
package torcv1

//go:generate sh -c "protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --plugin=protoc-gen-go-grpc=$(go tool -n protoc-gen-go-grpc) --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative cache.proto peer.proto admin.proto"
