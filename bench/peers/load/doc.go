// Package load is the load program: callers that send batches of GETs and SETs to any peer, in a closed loop (each
// sends again when it is answered) or an open one (requests fall due at a fixed rate, whoever is slow).
//
//	keys  -> batch of Op -> Caller.Do -> outcome of each Op -> histogram
//	                        one file per protocol: resp, cluster, memcached, etcd, torc
//
// What must hold:
//
//  1. A caller is used by one goroutine at a time.
//  2. Do sets every Op's Err: nil only for the right answer.
//  3. The loops allocate nothing per request, so that what is measured is the peer and not the collector of this process.
package load
