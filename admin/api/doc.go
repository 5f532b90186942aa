// Package api is the admin's API as its document says: types, routes and the
// strict server interface, generated from admin/openapi.yaml (`make generate`),
// and the rules that stand in the same document.
//
// The document comes first. Who may call an operation (x-role), which ones want
// the password again (x-sudo), how long a text may be and which values a field
// takes are read from it, by Load, and enforced for every operation in one
// place: what is not in the document is not allowed, and an operation without
// x-role is an error of Load.
//
// The generated code knows Echo (v4); what implements StrictServerInterface
// does not. Nothing here does I/O, keeps state or starts a goroutine.
package api

//go:generate go tool oapi-codegen -config config.yaml ../openapi.yaml
