package store

// Caching says for how many milliseconds the shard's leaders promise clients, who keep what they have read, that it does not change
// (OpCaching); 0: no such promise is given. The promises themselves are known to the leader alone, who is gone when a successor
// needs to know of them: this is all that the successor is told. It is part of the replicated state.
func (s *Store) Caching() int64 { return s.caching }

// ExpiryOf is when a key expires by log time, in Unix milliseconds; 0: never, or there is no such key.
func (s *Store) ExpiryOf(key []byte) int64 {
	if e := s.find(key, s.cfg.Seed.order(key)); e != nil {
		return e.expireAt
	}
	return 0
}
