// Package hitrate replays traces of requests through caches and says how many requests each would
// have answered: Torc's policies (core/evict) beside the optimum, textbook policies and Redis's
// sampled ones. It is what `torc bench hitrate` prints and docs/EVICTION.md quotes.
//
//	trace file or generator -> Trace -> Run(cache) -> hits -> share of the optimum
//
// A cache holds a number of objects, or of bytes when sizes count. Every request that misses
// stores its object, as an application does that fills a cache on demand.
package hitrate
