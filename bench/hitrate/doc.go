// Command hitrate replays traces through other Go caches, for the table that `torc bench hitrate`
// prints. It is a module of its own so that Torc does not depend on them.
//
//	torc bench hitrate --write traces                  # or your own traces
//	(cd bench/hitrate && go run . --traces DIR) | torc bench hitrate --traces DIR --with -
//
// It writes a line for each trace, size and cache: the trace's name, the size in tenths of a percent
// of the different keys, the cache's name and its hits, with tabs between.
package main
