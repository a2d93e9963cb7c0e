package store

import (
	"errors"
	"fmt"

	"torc/core/slab"
)

// verify checks what nodes and buckets say of each other and of their entries, and counts their cells.
func (d *due) verify() (cells int, err error) {
	if d.root == 0 {
		if d.count != 0 {
			return 0, errors.New("what expires is lost")
		}
		return 0, nil
	}
	entries, cells, err := d.check(d.root, dueHead{})
	if err == nil && entries != d.count {
		err = fmt.Errorf("%d entries expire, want %d", entries, d.count)
	}
	return cells, err
}

func (d *due) check(at slab.Ref, want dueHead) (entries, cells int, err error) {
	h := d.head(at)
	if h.first() != want.first() || h.level != want.level || h.parent != want.parent || h.kind == flagNode && h.wide() != 0 {
		return 0, 0, fmt.Errorf("a part of the wheel is %v, want %v", *h, want)
	}
	if h.kind == flagBucket {
		return int(h.count), 1, d.checkBucket(at)
	}
	cells = 1
	for digit := uint8(0); digit < digits; {
		node, r, n := d.node(at), runOf(digit, 0), 0
		if kid := node.kids[digit]; kid != 0 {
			var below int
			if n, below, err = d.check(kid, dueHead{run: r, level: h.level + 1, parent: at}); err != nil {
				return 0, 0, err
			}
			r = d.head(kid).run
			for i := range r.long() {
				if node.kids[digit+i] != kid {
					return 0, 0, errors.New("a bucket is not the child of all its digits")
				}
			}
			cells += below
		}
		entries += n
		digit += r.long()
	}
	if entries != int(h.count) {
		return 0, 0, fmt.Errorf("a node counts %d entries, has %d", h.count, entries)
	}
	if entries <= bucketJoin {
		return 0, 0, fmt.Errorf("a node has %d entries only", entries)
	}
	return entries, cells, nil
}

func (d *due) checkBucket(at slab.Ref) error {
	h, refs := d.bucket(at)
	if h.count == 0 {
		return errors.New("a bucket is empty")
	}
	for i, r := range refs[:h.count] {
		if d.bucketOf(d.momentOf(r)) != at {
			return fmt.Errorf("entry %x is in another bucket than it belongs to", uint32(r))
		}
		if h.sorted && i > 0 && d.compare(refs[i-1], r) <= 0 {
			return errors.New("what expires is out of order")
		}
	}
	return nil
}
