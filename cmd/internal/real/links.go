package real

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// links are the troubles between ends, which may overlap: a link is cut as long as anything cuts it.
type links struct {
	fabric fabric
	nodes  int
	ends   int
	cuts   map[link]int
	drop   [2]int // ten-thousandths that all links between nodes lose; and those of clients
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

// losing makes links lose packets and gives the way to mend them.
func (l *links) losing(ctx context.Context, tenThousandths int, clients bool) (mend func() error, err error) {
	change := func(by int) error {
		l.drop[0] += by
		if clients {
			l.drop[1] += by
		}
		return l.apply(ctx)
	}
	if err := change(tenThousandths); err != nil {
		return nil, err
	}
	return func() error { return change(-tenThousandths) }, nil
}

// apply has the fabric do what holds now.
func (l *links) apply(ctx context.Context) error {
	cut := slices.SortedFunc(maps.Keys(l.cuts), func(a, b link) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	var losses []loss
	for a := range l.ends {
		for b := range l.ends {
			rate := l.drop[0]
			if a >= l.nodes || b >= l.nodes {
				rate = l.drop[1]
			}
			if a != b && (a < l.nodes || b < l.nodes) && rate > 0 {
				losses = append(losses, loss{link{a, b}, rate})
			}
		}
	}
	return l.fabric.apply(ctx, cut, losses)
}
