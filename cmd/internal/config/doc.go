// Package config is the node's configuration: one typed struct that flags, TORC_* variables and a
// TOML file fill in the same way.
//
//	default < file (--config) < environment < flag
//
// torcd and torc dev load it. One table (settings.go) lists every setting once; the three sources,
// the checks of single values and the usage text are made from it.
//
//	args -----> flags.go ---+
//	environ --> environ.go -+--> the winner of each setting --> Config --> check.go
//	file -----> file.go ----+    (load.go)
//
// What must hold:
//
//  1. A key that no setting has is an error, wherever it stands, and names the nearest setting.
//  2. A value that cannot work is an error that says where it stands and what to do, before any
//     port is taken. A value that another source overrides is not looked at.
//  3. A secret is never printed: not in errors, not in logs, not by fmt, JSON or slog.
//  4. A secret and the file that holds it are never both given, wherever they stand.
//  5. A node that others than this machine can reach is protected, or --insecure says that it need
//     not be.
//  6. Load is a function of its arguments, the files they name and the number of processors, and
//     never panics.
//
// It leaves to others: reading the TLS files and taking the ports (cmd/internal/node), and printing
// (cmd/torcd).
package config
