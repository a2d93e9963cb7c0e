package swim

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

// rejoinMax is how many missing members are looked for at a time.
const rejoinMax = 3

// rejoin looks for members that are missing, from the start until the feed leaves or closes.
func (f *Feed) rejoin() {
	for {
		f.knock(f.missing())
		pause := time.NewTimer(f.opts.RejoinEvery/2 + rand.N(f.opts.RejoinEvery/2+1))
		select {
		case <-pause.C:
		case <-f.leaving:
			pause.Stop()
			return
		}
	}
}

// missing are the addresses at which somebody should be alive and nobody is known to be.
func (f *Feed) missing() []string {
	alive := map[string]bool{f.opts.Self.PeerAddr: true}
	for _, n := range f.list.Members() {
		if addr, ok := addrOf(n.Name); ok {
			alive[addr] = true
		}
	}
	missing := slices.Clone(f.opts.Peers())
	return slices.DeleteFunc(missing, func(addr string) bool { return addr == "" || alive[addr] })
}

// knock exchanges the whole state with whoever answers at some of these addresses.
func (f *Feed) knock(addrs []string) {
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	for _, addr := range addrs[:min(len(addrs), rejoinMax)] {
		select {
		case <-f.leaving:
			return
		default:
		}
		if _, err := f.list.Join([]string{whoever(addr)}); err != nil {
			f.opts.Logger.Debug("no answer from a peer that should be there", slog.String("peer", addr), slog.Any("error", err))
		}
	}
}
