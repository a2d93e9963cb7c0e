// Package script runs the scripts of Redis clients: Lua 5.1 in a box. It knows nothing of shards or connections: what redis.call does is the
// caller's (Host), and so is when what was done takes effect.
//
//	source -> Compile -> Program -> Run(Host, keys, arguments) -> Value
//	                                    \-> Host.Call for each redis.call
//
// A script is strangers' code in the node's own process, so what must hold is:
//
//  1. It reaches nothing but its arguments and its Host: no files, no clock, no other script's variables. So it may be run again when its keys were
//     changed meanwhile.
//  2. It ends: each instruction of the machine is counted, and so are steps of matching patterns; a deadline is looked at beside (meter.go).
//  3. It takes no more memory than its Limits say: whatever makes a string, a table, a table's places or a function pays for it first. Lua's
//     machine has no such account, so a program's syntax tree is changed before it is compiled: a..b, t[k] = v, {...} become calls of functions that pay
//     (pay.go). The words of an error are paid for by who catches it (catch.go). What the compiler takes is bounded, too (scope.go).
//  4. Nothing of that can be caught by the script: pcall gives control back for one instruction.
//
// The machine is gopher-lua. Ours are the functions that could take long or much in one step (strings with patterns: pattern.go, string.rep, string.format,
// table.concat), and those that must answer as in Redis: numbers are written as C writes them, JavaScript's objects (cjson) and bits (bit) are there.
// There are no coroutines, no load and loadstring, no setfenv; cmsgpack and struct are not there either.
//
// Sources: https://redis.io/docs/latest/develop/interact/programmability/eval-intro/ and lua-api/, the Lua 5.1 Reference Manual.
package script
