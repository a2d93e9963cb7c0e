// Package real runs a scenario file with real torcd processes, then the same file in the simulator,
// and says where the two differ.
//
//	file --> nodes (processes) <-- faults: signals, rules between namespaces
//	  |         ^   ^
//	  |         |   '-- watcher: who leads, by the nodes' own status, some forty times a second
//	  |         '------ clients: Torc's own and Redis's, recorded --> linearizability.Check
//	  '----> sim.Run, the same seed --> Compare
//
// torc sim real uses it. The phases are those of the simulator: the cluster forms; the torture lasts
// as long as the file says; everything is healed, and every shard must take a write within the same
// bound; the clients end; every key is read once more; the history is judged.
//
// What must hold:
//
//  1. What cannot be done with real processes (Result.Unreal, Result.LeftOut) is said, never passed
//     over; and when a fault was left out, no operation is blamed for coming to something else.
//  2. Only this machine is contacted: loopback, or namespaces made for the run.
//  3. No process, namespace or file outlives the run, unless Options.Keep asks for the files; what a
//     killed run left, the next one removes.
//  4. An operation counts as refused only when the node said so, or when nothing was sent.
//  5. What a file puts after something comes as long after it as the file says: while a fault is done, and while it is late, the
//     file's time stands. A busy machine makes the run longer, not another one.
//
// A real run cannot be made again exactly: what it found is evidence, its seed only shapes it.
package real
