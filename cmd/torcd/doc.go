// Command torcd runs one Torc node.
//
//	torcd --join 10.0.0.1:7400,10.0.0.2:7400,10.0.0.3:7400 --expect 3 ...
//
// Three of them that know of each other form a cluster; a node that joins a running cluster is
// given its share of the shards. torcd --help lists the settings; flags, TORC_* variables and a
// TOML file say the same things.
//
// Exit codes: 0 stopped as asked, 1 a setting is wrong or a port is taken, 2 the node could not go
// on, 70 a bug in a lane (the panic is in the log; one outside the lanes ends with Go's own 2).
package main
