package raft

// Pace bounds what a node's snapshots take of its links. All members of a lane share one.
type Pace interface {
	// Begin asks for a place among the snapshots under way. Without one the group asks again soon.
	Begin() bool
	// End gives the place back.
	End()
	// May reports whether anything may be sent now.
	May() bool
	// Spend tells how many bytes were sent.
	Spend(bytes int)
}

// unpaced bounds nothing.
type unpaced struct{}

func (unpaced) Begin() bool { return true }
func (unpaced) End()        {}
func (unpaced) May() bool   { return true }
func (unpaced) Spend(int)   {}
