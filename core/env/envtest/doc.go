// Package envtest is the contract of env.Env as a test suite: what a lane may expect of the
// world it runs in, in production (net/host on net/peer) and in the simulator (sim) alike.
//
// A world's package calls Run from a test of its own:
//
//	func TestEnvContract(t *testing.T) {
//		envtest.Run(t, func(t *testing.T) envtest.World { return newContractWorld(t) })
//	}
//
// Each test of the suite is named after the numbered rule of package env that it checks. Not
// every rule can be checked from inside: that a clock's drift stays within its bound, and that
// a wall clock may jump, are left to the worlds' own tests.
//
// How the suite talks to a world:
//
//	test's goroutine                     node's thread (one lane)
//	  w.Start(name, receive) ---------->   receive(frame)   each frame that arrives
//	  n.Do(f) -------------------------->  f()              and only here n.Env() is used
//	  w.Until(cond): cond() calls n.Do
//	  w.Stall(n, d)                        nothing runs for d, the clock goes on
//
// What must hold:
//
//  1. The suite touches what it knows about a node only on that node's thread, without any
//     lock: run it under -race and a world that calls in twice at once is found out.
//  2. It reads no clock but the nodes' own, and never sleeps: how long things take is the
//     world's affair, the suite only says "until".
//  3. It asks for nothing that package env does not promise: a frame may be lost, doubled or
//     overtaken, so it is sent again until it arrives.
package envtest
