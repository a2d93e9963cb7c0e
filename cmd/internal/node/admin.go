package node

import (
	"context"
	"errors"

	"torc/core/wire"
)

// Admin passes an operator's request on to the lane that deals with those.
func (b backend) Admin(ctx context.Context, ask *wire.Ask) (*wire.Told, error) {
	told := make(chan *wire.Told, 1)
	if err := b.n.host.Do(ctx, 0, func() { b.n.lanes[0].Admin(ask, func(t *wire.Told) { told <- t }) }); err != nil {
		return nil, err
	}
	select {
	case t := <-told:
		return t, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.n.ended:
		return nil, errors.New("this node is stopping: ask another one")
	}
}
