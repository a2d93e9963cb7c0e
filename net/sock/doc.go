// Package sock makes TCP connections that are read and written without telling Go's scheduler. The servers
// for clients and peers wrap their connections with it.
//
// Before each system call the scheduler is told that the goroutine may be away for long, so that another thread
// can go on in its place. For a socket that does not block that is never so: it takes a few microseconds,
// nearly all of them the kernel's own work. But on a busy machine the scheduler's monitor often comes by in the
// middle of one, wakes a thread for the others, and goes on looking every 20 microseconds because it has found
// something to do: with many small requests that was a tenth of all processor time.
//
// What must hold:
//
//  1. A Conn does what its net.TCPConn does: order, deadlines, Close from any goroutine, errors as errors.Is sees
//     them, io.EOF at the end.
//  2. TryWrite and TryWriteBuffers never wait: not for the network, not for another Write.
//  3. Where that is not possible (TLS, systems that are no Unix) Wrap returns the connection as it is.
package sock
