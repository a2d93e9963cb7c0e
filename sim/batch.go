package sim

import (
	"encoding/binary"

	"torc/core/wire"
)

// answers is what nodes have told a client's brain about the operations under way, to compare
// with what the brain tells its user. It begins anew whenever nothing is under way.
type answers struct {
	asked    map[uint64]question // by the question's number; only looked up
	answered map[string]uint64   // the newest question, counted from 1, that was answered OK, by what it asked
	count    uint64
}

// question is one request handed to the network.
type question struct {
	number   uint64
	commands []wire.Command
}

// printed is a command in bytes that differ when commands do.
func printed(c *wire.Command) string {
	b := make([]byte, 0, 128)
	for _, text := range [][]byte{c.Key, c.Value} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	for _, number := range []uint64{uint64(c.Op), uint64(c.Flags), uint64(c.TTLKind), uint64(c.TTL), uint64(c.Delta), c.Version} {
		b = binary.AppendUvarint(b, number)
	}
	return string(b)
}

// ask notes a question.
func (a *answers) ask(id uint64, commands []wire.Command) {
	if a.asked == nil {
		a.asked, a.answered = map[uint64]question{}, map[string]uint64{}
	}
	a.count++
	a.asked[id] = question{a.count, commands}
}

// answer notes that a node carried a question out.
func (a *answers) answer(id uint64, r *wire.Response) {
	q, known := a.asked[id]
	if !known || r.Outcome != wire.OutcomeOK || len(r.Results) != len(q.commands) {
		return
	}
	for i := range q.commands {
		p := printed(&q.commands[i])
		a.answered[p] = max(a.answered[p], q.number)
	}
}

// forget begins anew.
func (a *answers) forget() {
	clear(a.asked)
	clear(a.answered)
}

// enter notes that a call begins. What two calls under way ask alike cannot be told apart, not even
// when one of them is over.
func (c *client) enter(k *call, commands []wire.Command) {
	k.began = c.heard.count
	k.asks, k.twin = make([]string, len(commands)), make([]bool, len(commands))
	c.open = append(c.open, k)
	for j := range commands {
		k.asks[j] = printed(&commands[j])
		for _, other := range c.open {
			for i, asks := range other.asks {
				if (other != k || i < j) && asks == k.asks[j] {
					other.twin[i], k.twin[j] = true, true
				}
			}
		}
	}
}

// verify compares what the brain says of a call's j-th operation with what nodes have said since the
// call began.
func (c *client) verify(k *call, j int, outcome wire.Outcome) {
	switch carried := c.heard.answered[k.asks[j]] > k.began; {
	case outcome == wire.OutcomeOK && !carried:
		c.w.violate(OracleBatch, "client %d was told that operation %d is done, but no node has said so", c.index+1, k.ops[j].number)
	case outcome == wire.OutcomeRefused && carried && !k.twin[j]:
		c.w.violate(OracleBatch, "client %d was told that operation %d was not carried out, but a node has said that it was", c.index+1, k.ops[j].number)
	}
}
