// Package pages gives core/slab its memory outside Go's heap: anonymous mappings that the collector never sees
// and that go back to the system as soon as they are empty. cmd/torcd makes one Source for all lanes.
//
//	region, 64 MiB of addresses: [in use][free, resident][free, given back] ..  in blocks of 4 KiB
//
// Alloc takes the first run of free blocks that is long enough, so that what is in use keeps to the lower
// addresses. What is freed stays resident while there is little of it, for the next Alloc; the
// rest goes back to the system (madvise), which costs addresses and no memory. More than a region gets a mapping of its own.
//
// Where there is no mmap (WebAssembly, Windows) regions are slices of Go's heap, and nothing goes back before a
// whole region is empty.
//
// What must hold:
//
//  1. No block is given out twice.
//  2. What is free and resident is a 128th of what is in use, or 4 MiB, at most.
//  3. Any goroutine may call.
package pages
