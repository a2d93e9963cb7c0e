// Package slab gives out memory in cells that hold no pointers, so that a store of millions of keys
// neither weighs on Go's collector nor keeps what it once needed. It knows nothing of keys: core/store
// puts its entries and its index into cells.
//
//	Source ----pages----> Heap: class 32 B   [page][page]
//	(net/pages: mmap;           class 40 B   [page]
//	 Plain: Go's heap)           ...
//	                            class 32 KiB [page]
//	                            extents      [cells over 32 KiB, each with memory of its own]
//
// A cell is named by a Ref of 32 bits, not by a pointer: page number and number in the page. A page
// has cells of one size and a bitmap of those in use. Pages grow with their class, from 4 to 256 KiB, so that a
// small heap wastes little and a big one has few pages.
//
// Cells come and go, and pages become sparse. Compact takes the sparsest, moves its cells into the
// others' gaps, a few at a time, and tells the owner of each move; then the page goes back to its source.
//
// What must hold:
//
//  1. A Ref names the same cell until Free or until Compact says that it moved; the bytes of
//     a cell are valid until then.
//  2. Which Refs are given out depends on the history of this heap alone. It may differ between
//     replicas, so nothing that leaves the store may depend on a Ref.
//  3. Compact does work in proportion to its budget, however much there is to do.
//  4. When every cell is free, Compact ends with every page given back.
//
// A Heap belongs to one logical thread. A Source may be shared by heaps of several threads.
package slab
