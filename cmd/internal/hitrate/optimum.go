package hitrate

import (
	"container/heap"
	"slices"
)

// nexts says for each request when its key is asked for again; len(keys) is never.
func nexts(t *Trace) []int32 {
	next, last := make([]int32, len(t.Keys)), make([]int32, t.Count)
	for i := range last {
		last[i] = int32(len(t.Keys))
	}
	for i := len(t.Keys) - 1; i >= 0; i-- {
		next[i] = last[t.Keys[i]]
		last[t.Keys[i]] = int32(i)
	}
	return next
}

// Belady is how many requests hit when the object that is needed last goes first. With objects
// of one size no policy does better (that stores what it missed).
func Belady(t *Trace, capacity int) (hits int) {
	next := nexts(t)
	due := make([]int32, t.Count) // when each resident is needed next; -1: absent
	for i := range due {
		due[i] = -1
	}
	var far farthest
	held := 0
	for i, key := range t.Keys {
		if due[key] >= 0 {
			hits++
		} else {
			for held >= capacity {
				f := heap.Pop(&far).(need)
				if due[f.key] == f.at {
					due[f.key] = -1
					held--
				}
			}
			held++
		}
		due[key] = next[i]
		heap.Push(&far, need{next[i], key})
		if len(far) > 4*capacity+1024 {
			far.prune(due)
		}
	}
	return hits
}

type need struct {
	at  int32
	key uint32
}

type farthest []need

func (f farthest) Len() int           { return len(f) }
func (f farthest) Less(i, j int) bool { return f[i].at > f[j].at }
func (f farthest) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *farthest) Push(x any)        { *f = append(*f, x.(need)) }
func (f *farthest) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}

// prune drops what is out of date.
func (f *farthest) prune(due []int32) {
	*f = slices.DeleteFunc(*f, func(n need) bool { return due[n.key] != n.at })
	heap.Init(f)
}

// Bound is more than any policy can hit with objects of different sizes: to hit, an object must be
// held from one request to the next, which takes size x time; the cheapest such stays are
// taken until they fill capacity x the whole time. (PFOO-U of Berger et al., SIGMETRICS 2018.)
func Bound(t *Trace, capacity int64) (hits int) {
	var stays []int64
	for i, n := range nexts(t) {
		if int(n) < len(t.Keys) && t.size(i) <= capacity {
			stays = append(stays, t.size(i)*int64(int(n)-i))
		}
	}
	slices.Sort(stays)
	room := capacity * int64(len(t.Keys))
	for _, s := range stays {
		if room -= s; room < 0 {
			break
		}
		hits++
	}
	return hits
}
