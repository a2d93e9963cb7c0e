// Package release says which version a binary is.
//
// torcd and torc call it for --version. What must hold: both say the same of the same build, and a build without a stamp says so. How a
// build is stamped it leaves to the go command.
package release
