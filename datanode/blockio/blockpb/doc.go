// Package blockpb holds the protobuf headers of the block service, generated
// from block.proto. Only package blockio uses it; everybody else sees the Go
// types of blockio (Target, PutRequest, GetRequest …).
//
// Regenerate with
//
//	protoc --go_out=. --go_opt=module=kendfs datanode/blockio/blockpb/*.proto
//
// from the top of the source tree. Field numbers are never reused, and every
// request carries a format number: a server that does not know it answers
// unsupported instead of guessing.
package blockpb
