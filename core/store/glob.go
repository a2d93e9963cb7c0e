package store

// match reports whether a whole string matches a pattern, as Redis's stringmatchlen decides it:
//
//   - any bytes, or none
//     ?       one byte
//     [ab]    one of these; [a-c] a range (of signed bytes, as on x86-64); [^ab] none of these
//     \x      x itself, inside brackets too
//
// A bracket that is never closed ends with the pattern. One more habit is Redis's own: "*"
// matches the empty string, but "**" does not.
//
// When a part after a star fails, only the last star needs to be tried with more bytes: what
// stood before it has matched as early as it can, so a later start could not help. Hence the time is at most
// len(pattern) * len(s), where the plain recursion is exponential.
//
// See https://redis.io/docs/latest/commands/keys/
func match(pattern, s []byte) bool {
	if len(pattern) == 1 && pattern[0] == '*' {
		return true
	}
	p, at := 0, 0        // what is to be matched next, of the pattern and of s
	star, from := -1, -1 // what follows the last star, and where in s that was tried last
	for at < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			for p < len(pattern) && pattern[p] == '*' {
				p++
			}
			if p == len(pattern) {
				return true
			}
			star, from = p, at
			continue
		}
		if p < len(pattern) {
			if next, ok := matchOne(pattern, p, s[at]); ok {
				p, at = next, at+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, at = star, from
	}
	if len(s) > 0 {
		for p < len(pattern) && pattern[p] == '*' {
			p++
		}
	}
	return p == len(pattern)
}

// matchOne matches one byte with the part of the pattern that begins at p, which is no star, and
// returns where the next part begins.
func matchOne(pattern []byte, p int, c byte) (next int, ok bool) {
	switch {
	case pattern[p] == '?':
		return p + 1, true
	case pattern[p] == '[':
		return matchClass(pattern, p+1, c)
	case pattern[p] == '\\' && p+1 < len(pattern):
		p++
	}
	return p + 1, pattern[p] == c
}

// matchClass matches one byte with a class of which p is the first byte after the bracket.
func matchClass(pattern []byte, p int, c byte) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	for ; p < len(pattern); p++ {
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			ok = ok || pattern[p] == c
		case pattern[p] == ']':
			return p + 1, ok != not
		case p+2 < len(pattern) && pattern[p+1] == '-':
			low, high := int8(pattern[p]), int8(pattern[p+2])
			if low > high {
				low, high = high, low
			}
			p += 2
			ok = ok || low <= int8(c) && int8(c) <= high
		default:
			ok = ok || pattern[p] == c
		}
	}
	return p, ok != not
}
