// Package env is the door between Torc's logic and the world it runs in: a clock, a network
// and a source of randomness. Production (net/host) and the simulator (sim) each have one
// implementation; envtest is the contract suite that both pass.
//
// Each lane of a node has an Env of its own. All of a lane's code runs on one logical
// thread: the world never calls into a lane twice at the same time, and an Env is used only
// from its lane's thread.
//
// What must hold:
//
//  1. Clock.Now never goes back, and runs at a rate within the configured drift of true time.
//  2. A callback given to After runs on the lane's thread, never inside the call to After, and
//     never early by the node's own clock. One that is late by a pause is run once, not
//     made up for.
//  3. Send never blocks and never calls back into the lane. A frame may be lost, late,
//     doubled or overtaken; it is never altered.
//  4. Rand is never a source of identity shared with another node's.
package env
