package store

import (
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"

	"torc/core/wire"
)

// model is the store as one would write it without a thought for speed: slices, searched from
// end to end. It knows Redis's rules a second time, in other words.
type model struct {
	cfg      Config
	time     int64
	version  uint64
	keys     []modelKey
	sessions []modelSession // the least recently used first
	leases   []modelLease
}

// modelLease is who may fill a key; token 0: nobody, it is known to be absent.
type modelLease struct {
	key   string
	token uint64
	until int64
}

type modelKey struct {
	key, value string
	version    uint64
	expireAt   int64 // 0 = never
}

type modelSession struct {
	client, floor uint64
	usedAt        int64
	seqs          []uint64
	results       [][]wire.Result
}

func (m *model) apply(b *wire.Batch) (responses []wire.Response) {
	m.time = max(m.time, b.Time)
	commands, expiring := 0, 0
	for _, r := range b.Requests {
		commands += len(r.Commands)
		for _, c := range r.Commands {
			if c.TTLKind != wire.TTLNone {
				expiring++
			}
		}
	}
	most := max(16, commands/2, expiring)
	if commands == 0 {
		most = 64
	}
	m.expire(most)
	for _, r := range b.Requests {
		responses = append(responses, m.request(r))
	}
	return responses
}

// expire removes the first expired keys, so many at most, and the first 16 idle sessions.
func (m *model) expire(most int) {
	var due []modelKey
	for _, k := range m.keys {
		if m.expired(k) {
			due = append(due, k)
		}
	}
	sort.Slice(due, func(i, j int) bool {
		return due[i].expireAt < due[j].expireAt || due[i].expireAt == due[j].expireAt && backwards(due[i].version) < backwards(due[j].version)
	})
	for _, k := range due[:min(len(due), most)] {
		m.remove(k.key)
	}
	m.leases = slices.DeleteFunc(m.leases, func(l modelLease) bool { return l.until <= m.time })
	for range 16 {
		if len(m.sessions) > 0 && m.time >= m.sessions[0].usedAt+m.cfg.SessionTTL {
			m.sessions = m.sessions[1:]
		}
	}
}

// backwards is a version with its hexadecimal digits in reverse order.
func backwards(version uint64) (v uint64) {
	for range 16 {
		v, version = v<<4|version&15, version>>4
	}
	return v
}

func (m *model) revoke(key []byte) {
	m.leases = slices.DeleteFunc(m.leases, func(l modelLease) bool { return l.key == string(key) })
}

// leased returns a lease that is not over, or nil.
func (m *model) leased(key []byte) *modelLease {
	for i := range m.leases {
		if m.leases[i].key == string(key) && m.leases[i].until > m.time {
			return &m.leases[i]
		}
	}
	return nil
}

// grant notes a lease, after making room for it: what ends first goes.
func (m *model) grant(key []byte, token uint64, ttl int64) {
	m.revoke(key)
	sort.Slice(m.leases, func(i, j int) bool {
		a, b := m.leases[i], m.leases[j]
		return a.until < b.until || a.until == b.until && HashOf([]byte(a.key)) < HashOf([]byte(b.key))
	})
	m.leases = append(m.leases[max(0, len(m.leases)+1-m.cfg.LeasesMax):], modelLease{string(key), token, m.time + max(ttl, 1)})
}

func (m *model) expired(k modelKey) bool { return k.expireAt != 0 && k.expireAt <= m.time }

func (m *model) remove(key string) {
	m.keys = slices.DeleteFunc(m.keys, func(k modelKey) bool { return k.key == key })
}

func (m *model) request(r wire.Request) wire.Response {
	expired := wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}
	if r.Session.Client == 0 {
		return wire.Response{Results: m.commands(r.Commands)}
	}
	var mine *modelSession
	for i, s := range m.sessions {
		if s.client == r.Session.Client {
			m.sessions = slices.Delete(m.sessions, i, i+1)
			if s.usedAt+m.cfg.SessionTTL > m.time {
				mine = &s
			}
			break
		}
	}
	if mine == nil {
		if r.Session.Retry {
			return expired
		}
		if len(m.sessions) == m.cfg.SessionsMax {
			m.sessions = m.sessions[1:]
		}
		mine = &modelSession{client: r.Session.Client}
	}
	kept := true
	defer func() {
		if kept {
			m.sessions = append(m.sessions, *mine)
		}
		for m.sessionBytes() > m.cfg.defaults().SessionBytes {
			m.sessions = m.sessions[1:]
		}
	}()
	mine.usedAt = m.time
	mine.floor = max(mine.floor, min(r.Session.Floor, r.Session.Seq))
	for i := 0; i < len(mine.seqs); {
		if mine.seqs[i] < mine.floor {
			mine.seqs, mine.results = slices.Delete(slices.Clone(mine.seqs), i, i+1), slices.Delete(slices.Clone(mine.results), i, i+1)
		} else {
			i++
		}
	}
	if r.Session.Seq < mine.floor {
		return expired
	}
	if i := slices.Index(mine.seqs, r.Session.Seq); i >= 0 {
		return wire.Response{Results: mine.results[i]}
	}
	if len(mine.seqs) >= m.cfg.WindowMax {
		return wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOverloaded}
	}
	results := m.commands(r.Commands)
	mine.seqs, mine.results = append(mine.seqs, r.Session.Seq), append(mine.results, results)
	kept = mine.bytes() <= m.cfg.defaults().SessionBytes
	return wire.Response{Results: results}
}

func (m *model) sessionBytes() (sum int64) {
	for _, s := range m.sessions {
		sum += s.bytes()
	}
	return sum
}

func (s *modelSession) bytes() int64 {
	sum := int64(192)
	for _, results := range s.results {
		sum += 112 + int64(len(appendResults(nil, results)))
	}
	return sum
}

func (m *model) commands(cmds []wire.Command) []wire.Result {
	results := make([]wire.Result, len(cmds))
	for _, c := range cmds {
		if c.Op == wire.OpGuard && c.Version != m.presentVersion(c.Key) {
			for i := range results {
				results[i] = bad(wire.CodeGuard)
			}
			return results
		}
	}
	for i := range cmds {
		if results[i] = m.command(&cmds[i]); cmds[i].Op == wire.OpGuard {
			results[i] = wire.Result{Kind: wire.KindOK} // it was met, whatever the commands before it have done to its key
		}
	}
	return results
}

// lookup returns a key that has not expired, and nil for the others.
func (m *model) lookup(key []byte) *modelKey {
	for i := range m.keys {
		if m.keys[i].key == string(key) && !m.expired(m.keys[i]) {
			return &m.keys[i]
		}
	}
	return nil
}

// write sets a key's value and expiry.
func (m *model) write(key []byte, value string, expireAt int64) {
	m.remove(string(key))
	m.revoke(key)
	m.version++
	m.keys = append(m.keys, modelKey{string(key), value, m.version, expireAt})
}

func (m *model) command(c *wire.Command) (r wire.Result) {
	if !c.Op.IsWrite() {
		return m.read(c)
	}
	switch c.Op {
	case wire.OpFlush:
		m.keys, m.leases = nil, nil
		return wire.Result{Kind: wire.KindOK}
	case wire.OpTick:
		return wire.Result{Kind: wire.KindOK}
	}
	old := m.lookup(c.Key)
	if old == nil {
		m.remove(string(c.Key)) // it may have expired
	} else {
		old = &modelKey{old.key, old.value, old.version, old.expireAt} // to be read after a write
	}
	if present := m.presentVersion(c.Key); c.Flags&wire.FlagVersion != 0 && c.Version != present {
		r = bad(wire.CodeVersion)
	} else {
		r = m.change(c, old)
	}
	r.Version = m.presentVersion(c.Key)
	return r
}

func (m *model) presentVersion(key []byte) uint64 {
	if k := m.lookup(key); k != nil {
		return k.version
	}
	return 0
}

func (m *model) change(c *wire.Command, old *modelKey) wire.Result {
	has := func(f wire.Flags) bool { return c.Flags&f != 0 }
	value, expireAt := "", int64(0)
	if old != nil {
		value, expireAt = old.value, old.expireAt
	}
	asked := c.TTL
	if c.TTLKind == wire.TTLRelative {
		asked += m.time
	}
	timed := c.TTLKind == wire.TTLRelative || c.TTLKind == wire.TTLAbsolute
	switch c.Op {
	case wire.OpLease:
		l := m.leased(c.Key)
		switch {
		case old != nil && old.version != c.Version:
			return str(value)
		case l != nil && l.token == 0:
			return wire.Result{Kind: wire.KindNil, Int: l.until - m.time}
		case l != nil:
			return num(m.time - l.until)
		}
		m.version++
		m.grant(c.Key, m.version, c.TTL)
		return num(int64(m.version))
	case wire.OpFill:
		l := m.leased(c.Key)
		switch {
		case l == nil || l.token == 0 || l.token != c.Version:
			return wire.Result{Kind: wire.KindNil}
		case has(wire.FlagAbsent) && c.TTL > 0:
			m.remove(string(c.Key))
			m.grant(c.Key, 0, c.TTL)
			return wire.Result{Kind: wire.KindOK}
		case has(wire.FlagAbsent):
			m.revoke(c.Key)
			return wire.Result{Kind: wire.KindOK}
		}
		set := *c
		set.Op = wire.OpSet
		return m.change(&set, old)
	case wire.OpSet:
		if timed && c.TTL <= 0 {
			return bad(wire.CodeInvalidExpire)
		}
		met := !(has(wire.FlagNX) && old != nil) && !(has(wire.FlagXX) && old == nil)
		if met {
			m.revoke(c.Key)
			switch {
			case timed:
				expireAt = asked
			case c.TTLKind != wire.TTLKeep:
				expireAt = 0
			}
			if expireAt != 0 && expireAt <= m.time {
				m.remove(string(c.Key))
			} else {
				m.write(c.Key, string(c.Value), expireAt)
			}
		}
		switch {
		case has(wire.FlagGet) && old != nil:
			return str(old.value)
		case has(wire.FlagGet) || !met:
			return wire.Result{Kind: wire.KindNil}
		}
		return wire.Result{Kind: wire.KindOK}
	case wire.OpDelete, wire.OpGetDelete:
		m.remove(string(c.Key))
		m.revoke(c.Key)
		if c.Op == wire.OpDelete {
			return yes(old != nil)
		} else if old == nil {
			return wire.Result{Kind: wire.KindNil}
		}
		return str(value)
	case wire.OpGetExpire:
		switch {
		case old == nil:
			return wire.Result{Kind: wire.KindNil}
		case timed && c.TTL <= 0:
			return bad(wire.CodeInvalidExpire)
		case timed && asked <= m.time:
			m.remove(old.key)
			m.revoke(c.Key)
		case timed:
			m.write(c.Key, value, asked)
		case c.TTLKind == wire.TTLClear && expireAt != 0:
			m.write(c.Key, value, 0)
		}
		return str(value)
	case wire.OpAppend:
		if len(value)+len(c.Value) > m.cfg.MaxValue {
			return bad(wire.CodeTooLong)
		}
		m.write(c.Key, value+string(c.Value), expireAt)
		return num(int64(len(value) + len(c.Value)))
	case wire.OpSetRange:
		switch {
		case c.Start < 0:
			return bad(wire.CodeOffset)
		case len(c.Value) == 0:
			return num(int64(len(value)))
		case int(c.Start)+len(c.Value) > m.cfg.MaxValue:
			return bad(wire.CodeTooLong)
		}
		end := int(c.Start) + len(c.Value)
		padded := value + strings.Repeat("\x00", max(0, end-len(value)))
		m.write(c.Key, padded[:c.Start]+string(c.Value)+padded[end:], expireAt)
		return num(int64(len(padded)))
	case wire.OpIncr:
		n := new(big.Int)
		if old != nil {
			if _, ok := n.SetString(value, 10); !ok || n.String() != value || !n.IsInt64() {
				return bad(wire.CodeNotInteger)
			}
		}
		if n.Add(n, big.NewInt(c.Delta)); !n.IsInt64() {
			return bad(wire.CodeOverflow)
		}
		m.write(c.Key, n.String(), expireAt)
		return num(n.Int64())
	case wire.OpIncrFloat: // the tests draw numbers that binary fractions hold exactly, and words
		x, ok := new(big.Rat), true
		if old != nil {
			_, ok = x.SetString(value)
		}
		y, incrementOK := new(big.Rat).SetString(string(c.Value))
		if !ok || !incrementOK {
			return bad(wire.CodeNotFloat)
		}
		value = strings.TrimSuffix(strings.TrimRight(x.Add(x, y).FloatString(17), "0"), ".")
		if len(value) > m.cfg.MaxValue {
			return bad(wire.CodeTooLong)
		}
		m.write(c.Key, value, expireAt)
		return str(value)
	case wire.OpExpire:
		later := expireAt != 0 && asked > expireAt
		earlier := expireAt == 0 || asked < expireAt
		switch {
		case !timed:
			return bad(wire.CodeInvalidExpire)
		case old == nil, has(wire.FlagNX) && expireAt != 0, has(wire.FlagXX) && expireAt == 0, has(wire.FlagGT) && !later, has(wire.FlagLT) && !earlier:
			return yes(false)
		case asked <= m.time:
			m.remove(old.key)
			m.revoke(c.Key)
		default:
			m.write(c.Key, value, asked)
		}
		return yes(true)
	case wire.OpPersist:
		if expireAt != 0 {
			m.write(c.Key, value, 0)
		}
		return yes(expireAt != 0)
	}
	return bad(wire.CodeUnsupported)
}

func (m *model) read(c *wire.Command) wire.Result {
	k := m.lookup(c.Key)
	switch c.Op {
	case wire.OpCount:
		r := num(int64(len(m.keys)))
		for _, k := range m.keys {
			if k.expireAt != 0 {
				r.Version++
			}
		}
		return r
	case wire.OpCountInSlot:
		n := 0
		for _, k := range m.keys {
			if int64(wire.Slot([]byte(k.key))) == c.Start {
				n++
			}
		}
		return num(int64(n))
	case wire.OpExists:
		r := yes(k != nil)
		r.Version = m.presentVersion(c.Key)
		return r
	case wire.OpTouch:
		return yes(k != nil)
	case wire.OpGuard: // its request's, here of one command
		if c.Version != m.presentVersion(c.Key) {
			return bad(wire.CodeGuard)
		}
		return wire.Result{Kind: wire.KindOK}
	case wire.OpType:
		if k == nil {
			return str("none")
		}
		return str("string")
	case wire.OpGet:
		l, load := m.leased(c.Key), c.Flags&wire.FlagLoad != 0
		switch {
		case k == nil && load && l != nil && l.token == 0:
			return wire.Result{Kind: wire.KindNil, Int: l.until - m.time}
		case k == nil && load && l != nil:
			return wire.Result{Kind: wire.KindNil, Int: m.time - l.until}
		case k == nil:
			return wire.Result{Kind: wire.KindNil}
		}
		r := str(k.value)
		if load {
			if r.Int = -1; l == nil && k.expireAt != 0 {
				r.Int = k.expireAt - m.time
			}
		}
		r.Version = k.version
		return r
	case wire.OpStrLen:
		if k == nil {
			return num(0)
		}
		return num(int64(len(k.value)))
	case wire.OpTTL, wire.OpExpireTime:
		switch {
		case k == nil:
			return num(-2)
		case k.expireAt == 0:
			return num(-1)
		case c.Op == wire.OpTTL:
			return num(k.expireAt - m.time)
		}
		return num(k.expireAt)
	}
	return bad(wire.CodeUnsupported)
}

// alive returns the keys that have not expired, sorted.
func (m *model) alive() (keys []string) {
	for _, k := range m.keys {
		if !m.expired(k) {
			keys = append(keys, k.key)
		}
	}
	sort.Strings(keys)
	return keys
}

func (m *model) nextExpiry() (at int64, ok bool) {
	for _, k := range m.keys {
		if k.expireAt != 0 && (!ok || k.expireAt < at) {
			at, ok = k.expireAt, true
		}
	}
	return at, ok
}

func bad(code wire.ErrorCode) wire.Result { return wire.Result{Kind: wire.KindError, Code: code} }
func num(n int64) wire.Result             { return wire.Result{Kind: wire.KindInt, Int: n} }
func str(s string) wire.Result            { return wire.Result{Kind: wire.KindBytes, Value: []byte(s)} }

func yes(ok bool) wire.Result {
	n, _ := strconv.Atoi(map[bool]string{true: "1", false: "0"}[ok])
	return num(int64(n))
}
