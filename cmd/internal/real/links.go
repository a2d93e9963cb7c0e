package real

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// links are the troubles between ends, which may overlap: a link is cut as long as anything cuts it,
// and loses and delays what all that is on adds up to.
type links struct {
	fabric fabric
	nodes  int
	ends   int
	cuts   map[link]int
	drop   [2]int           // ten-thousandths that all links between nodes lose; and those of clients
	delay  [2]time.Duration // the same for what they take longer
}

func newLinks(f fabric, nodes, clients int) *links {
	return &links{fabric: f, nodes: nodes, ends: nodes + clients, cuts: map[link]int{}}
}

// cutting cuts links and gives the way to mend them.
func (l *links) cutting(ctx context.Context, cut []link) (mend func() error, err error) {
	change := func(by int) error {
		for _, k := range cut {
			if l.cuts[k] += by; l.cuts[k] == 0 {
				delete(l.cuts, k)
			}
		}
		return l.apply(ctx)
	}
	if err := change(1); err != nil {
		return nil, err
	}
	return func() error { return change(-1) }, nil
}

// impeding makes links lose packets and take longer, and gives the way to mend them.
func (l *links) impeding(ctx context.Context, tenThousandths int, delay time.Duration, clients bool) (mend func() error, err error) {
	change := func(by int) error {
		for kind := range l.drop {
			if kind == 0 || clients {
				l.drop[kind] += by * tenThousandths
				l.delay[kind] += time.Duration(by) * delay
			}
		}
		return l.apply(ctx)
	}
	if err := change(1); err != nil {
		return nil, err
	}
	return func() error { return change(-1) }, nil
}

// apply has the fabric do what holds now.
func (l *links) apply(ctx context.Context) error {
	t := trouble{cut: slices.SortedFunc(maps.Keys(l.cuts), func(a, b link) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})}
	for a := range l.ends {
		for b := range l.ends {
			kind := 0
			if a >= l.nodes || b >= l.nodes {
				kind = 1
			}
			if a == b || a >= l.nodes && b >= l.nodes {
				continue
			}
			if l.drop[kind] > 0 {
				t.loss = append(t.loss, loss{link{a, b}, l.drop[kind]})
			}
			if l.delay[kind] > 0 {
				t.slow = append(t.slow, slow{link{a, b}, l.delay[kind]})
			}
		}
	}
	return l.fabric.apply(ctx, t)
}
