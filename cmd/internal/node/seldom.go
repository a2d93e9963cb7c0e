package node

import "time"

// seldomEvery is how often a line about what goes on and on is logged, at most.
const seldomEvery = time.Minute

// seldom is such a line: what it was told of when it was written last.
type seldom struct {
	count uint64
	at    time.Time
}

// more is how many have come since the line was written, if it is to be written again; else 0.
func (s *seldom) more(count uint64, now time.Time) uint64 {
	added := count - s.count
	if added == 0 || !s.at.IsZero() && now.Sub(s.at) < seldomEvery {
		return 0
	}
	*s = seldom{count, now}
	return added
}
