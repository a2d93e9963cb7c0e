package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	torcv1 "torc/api/v1"
)

func (s *shardReport) lossesOf(shard *torcv1.Shard) {
	s.Losses, s.WithoutQuorum = shard.Losses, shard.WithoutQuorum
	if shard.LostAtMillis != 0 {
		at := time.UnixMilli(shard.LostAtMillis).UTC()
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
