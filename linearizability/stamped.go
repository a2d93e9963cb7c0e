package linearizability

// stamps is what versions tell of an expiring key's setters. Every change gives a key a new version, so who read it with
// one version read what one setter left, and no other one has prolonged its life.
type stamps struct {
	setters map[uint64]*Operation // acknowledged, by the version that they told
	all     bool                  // every acknowledged setter told one: another version is of a setter of unknown outcome
	seen    map[uint64]int64      // the earliest return of a read that told each version
}

func stampsOf(l *lives) stamps {
	s := stamps{map[uint64]*Operation{}, true, map[uint64]int64{}}
	for _, op := range l.acked {
		switch version := op.version(); {
		case version != 0:
			s.setters[version] = op
		case op.Outcome == OK:
			s.all = false
		}
	}
	for _, op := range l.k.Ops {
		if version := op.version(); op.Kind == Read && version != 0 {
			first, again := s.seen[version]
			if !again || op.Return < first {
				s.seen[version] = op.Return
			}
		}
	}
	return s
}

// stampedUntil is the last instant at which the version that a read told could be alive, and the setter that says so;
// nil if versions do not tell.
func (l *lives) stampedUntil(read *Operation) (until int64, setter *Operation) {
	version := read.version()
	if version == 0 {
		return beginning, nil
	}
	first := l.stamps.seen[version] // it had taken effect by then
	if setter = l.stamps.setters[version]; setter != nil {
		return after(min(setter.Return, first), setter, l.eps), setter
	}
	if !l.stamps.all {
		return beginning, nil
	}
	until = beginning
	open := func(op *Operation) {
		if end := after(first, op, l.eps); op.Outcome == Unknown && op.Call <= first && end > until {
			until, setter = end, op
		}
	}
	for _, op := range l.writes[read.Out.Value.Text] {
		open(op)
	}
	for _, op := range l.openTouches {
		open(op)
	}
	return until, setter
}
