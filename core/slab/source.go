package slab

// Block is what lengths of pages are multiples of.
const Block = 4 << 10

// Source is where pages come from.
type Source interface {
	// Alloc returns n bytes, a multiple of Block, of any content, beginning at a multiple of 8. It
	// does not return when there is no memory left.
	Alloc(n int) []byte
	// Free takes back what Alloc returned, whole.
	Free(page []byte)
}

// Plain takes pages from Go's heap, for worlds without virtual memory: the simulator, WebAssembly.
type Plain struct{}

// Alloc returns n zero bytes.
func (Plain) Alloc(n int) []byte { return make([]byte, n) }

// Free leaves the page to the collector.
func (Plain) Free([]byte) {}
