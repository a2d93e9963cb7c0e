package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	torcv1 "torc/api/v1"
)

func (s *shardReport) lossesOf(shard *torcv1.Shard) {
	s.WithoutQuorum = shard.WithoutQuorum
	s.lost(shard.Losses, shard.LostAtMillis)
}

// metaLosses takes the word of the node that knows of most.
func (s *shardReport) metaLosses(answers []*torcv1.StatusResponse) {
	for _, a := range answers {
		if n := a.GetMetaLosses(); n > s.Losses {
			s.lost(n, a.GetMetaLostAtMillis())
		}
	}
}

func (s *shardReport) lost(times uint64, atMillis int64) {
	s.Losses = times
	if atMillis != 0 {
		at := time.UnixMilli(atMillis).UTC()
		s.LostAt = &at
	}
}

// printLosses says which shards were lost and begun anew. That is no trouble any more, but whoever
// misses something should find it here.
func (r *report) printLosses(w io.Writer, p painter) {
	var words []string
	for i := range r.Shards {
		s := &r.Shards[i]
		if s.Losses == 0 {
			continue
		}
		word := fmt.Sprintf("shard %d at %s", s.Shard, s.LostAt.Format(time.DateTime))
		if s.Shard == 0 {
			word = "the meta group (not empty: from a map that was left) at " + s.LostAt.Format(time.DateTime)
		}
		if s.Losses > 1 {
			word += fmt.Sprintf(" (%d times)", s.Losses)
		}
		words = append(words, word)
	}
	if len(words) == 0 {
		return
	}
	more := ""
	if n := len(words) - troublesShown; n > 0 {
		words, more = words[:troublesShown], fmt.Sprintf(", and %d more (--json lists all)", n)
	}
	_, _ = fmt.Fprintln(w, p.odd("lost and begun anew, empty (UTC): ")+strings.Join(words, ", ")+more)
}
