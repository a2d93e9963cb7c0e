// Package config is the node's configuration: one typed struct that flags, TORC_* variables and a
// TOML file fill in the same way.
//
//	default < file (--config) < environment < flag
//
// torcd and torc dev load it. One table (settings.go) lists every setting once; the three sources and
// the usage text are made from it. What must hold:
//
//  1. A key that no setting has is an error, wherever it stands, and names the nearest setting.
//  2. A value that cannot work is an error that says what to do, before any port is taken.
//  3. A secret is never printed: not in errors, not in logs, not by %v.
//  4. A node that others than this machine can reach is protected, or --insecure says that it need not be.
package config
