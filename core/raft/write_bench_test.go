package raft

import (
	"testing"
	"time"

	"torc/core/wire"
)

// A group of three in one place, without a network: what raft alone costs for each write, on all three.

type inPlace struct {
	members map[wire.ReplicaID]*Member
	mail    []*wire.Raft
	spare   []*wire.Raft
	now     time.Duration
}

func (g *inPlace) Send(_ wire.ReplicaID, m wire.Message) { g.mail = append(g.mail, m.(*wire.Raft)) }
func (g *inPlace) RoleChanged()                          {}
func (g *inPlace) Now() time.Duration                    { return g.now }
func (g *inPlace) Wall() int64                           { return 0 }
func (g *inPlace) After(time.Duration, func())           {}

// deliver carries messages until there are none.
func (g *inPlace) deliver() {
	for len(g.mail) > 0 {
		mail := g.mail
		g.mail = g.spare[:0]
		for _, m := range mail {
			to := g.members[m.To]
			to.Step(&m.RaftMessage)
			to.Flush()
		}
		clear(mail)
		g.spare = mail
	}
}

type blank struct{}

func (blank) Apply(uint64, []byte) {}
func (blank) Digest() uint64       { return 0 }
func (blank) Snapshot() Source     { panic("no snapshots here") }
func (blank) Restore() Restorer    { panic("no snapshots here") }

func newInPlace(b *testing.B) (g *inPlace, leader *Member) {
	g = &inPlace{members: map[wire.ReplicaID]*Member{}, now: time.Hour}
	ids := []wire.ReplicaID{1, 2, 3}
	for _, id := range ids {
		m, err := New(Config{Shard: 1, Replica: id, Node: wire.NodeID(id), Voters: ids, Tick: tick, ElectionTicks: electionTicks,
			HeartbeatTicks: 2, ClockDrift: drift, LogBytes: 1 << 20, Clock: g, Machine: blank{}, Output: g})
		if err != nil {
			b.Fatal(err)
		}
		g.members[id] = m
	}
	for number := 1; ; number++ {
		for _, id := range ids {
			g.members[id].Tick(number)
			g.members[id].Flush()
			g.deliver()
			if g.members[id].Leads() {
				return g, g.members[id]
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	g, leader := newInPlace(b)
	data := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		if err := leader.Propose(data); err != nil {
			b.Fatal(err)
		}
		leader.Flush()
		g.deliver()
	}
}
