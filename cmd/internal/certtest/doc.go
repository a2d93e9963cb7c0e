// Package certtest makes certificates for nodes in tests: an authority, and what it signs, in files as torcd reads them. Tests of
// cmd/... may use it.
//
// What must hold: an authority's files lie in a folder of the test's, and go with it.
package certtest
