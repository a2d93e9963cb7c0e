package store

import (
	"fmt"
	"strconv"
	"strings"

	"torc/core/wire"
)

// spell turns a command as Redis spells it into the command that the store takes, as the RESP
// server does. It panics at what it does not know: it reads tests, not users. Beyond Redis,
// VERSION n (on any write) is FlagVersion.
func spell(args ...string) wire.Command {
	c := wire.Command{}
	name, args := strings.ToUpper(args[0]), args[1:]
	key := func() {
		c.Key = []byte(args[0])
		args = args[1:]
	}
	value := func() {
		c.Value = []byte(args[0])
		args = args[1:]
	}
	number := func() int64 {
		n, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			panic(err)
		}
		args = args[1:]
		return n
	}
	switch name {
	case "FLUSHALL":
		c.Op = wire.OpFlush
	case "TICK":
		c.Op = wire.OpTick
	case "DBSIZE":
		c.Op = wire.OpCount
	case "COUNTKEYSINSLOT":
		c.Op, c.Start = wire.OpCountInSlot, number()
	case "GETKEYSINSLOT":
		c.Op, c.Start, c.End = wire.OpSlotKeys, number(), number()
	case "SCAN":
		c.Op, c.Start = wire.OpScan, number()
	case "LEASE": // LEASE key PX ms [OF version]
		c.Op = wire.OpLease
		key()
	case "FILL": // FILL key value UNDER lease [PX ms]
		c.Op = wire.OpFill
		key()
		value()
	case "FILLABSENT": // FILLABSENT key UNDER lease PX ms
		c.Op, c.Flags = wire.OpFill, wire.FlagAbsent
		key()
	case "SET":
		c.Op = wire.OpSet
		key()
		value()
	case "APPEND":
		c.Op = wire.OpAppend
		key()
		value()
	case "SETRANGE":
		c.Op = wire.OpSetRange
		key()
		c.Start = number()
		value()
	case "GETRANGE":
		c.Op = wire.OpGetRange
		key()
		c.Start, c.End = number(), number()
	case "INCRBY":
		c.Op = wire.OpIncr
		key()
		c.Delta = number()
	case "INCRBYFLOAT":
		c.Op = wire.OpIncrFloat
		key()
		value()
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT":
		c.Op, c.TTLKind = wire.OpExpire, wire.TTLRelative
		key()
		c.TTL = number()
		if !strings.HasPrefix(name, "P") {
			c.TTL *= 1000
		}
		if strings.HasSuffix(name, "AT") {
			c.TTLKind = wire.TTLAbsolute
		}
	default:
		op, ok := keyOps[name]
		if !ok {
			panic("no such command: " + name)
		}
		c.Op = op
		key()
		if op == wire.OpGetExpire {
			c.TTLKind = wire.TTLKeep
		}
	}
	for len(args) > 0 {
		option := strings.ToUpper(args[0])
		args = args[1:]
		switch option {
		case "NX":
			c.Flags |= wire.FlagNX
		case "XX":
			c.Flags |= wire.FlagXX
		case "GT":
			c.Flags |= wire.FlagGT
		case "LT":
			c.Flags |= wire.FlagLT
		case "GET":
			c.Flags |= wire.FlagGet
		case "VERSION":
			c.Flags |= wire.FlagVersion
			c.Version = uint64(number())
		case "OF", "UNDER":
			c.Version = uint64(number())
		case "LOAD":
			c.Flags |= wire.FlagLoad
		case "KEEPTTL":
			c.TTLKind = wire.TTLKeep
		case "PERSIST":
			c.TTLKind = wire.TTLClear
		case "EX", "PX":
			c.TTLKind, c.TTL = wire.TTLRelative, number()
		case "EXAT", "PXAT":
			c.TTLKind, c.TTL = wire.TTLAbsolute, number()
		case "MATCH":
			value()
		case "COUNT":
			c.End = number()
		default:
			panic("no such option: " + option)
		}
		if option == "EX" || option == "EXAT" {
			c.TTL *= 1000
		}
	}
	return c
}

var keyOps = map[string]wire.Op{
	"GET": wire.OpGet, "STRLEN": wire.OpStrLen, "EXISTS": wire.OpExists, "TYPE": wire.OpType, "PTTL": wire.OpTTL,
	"PEXPIRETIME": wire.OpExpireTime, "DEL": wire.OpDelete, "GETDEL": wire.OpGetDelete, "GETEX": wire.OpGetExpire,
	"PERSIST": wire.OpPersist, "TOUCH": wire.OpTouch,
}

// show prints a result as redis-cli does.
func show(r wire.Result) string {
	switch r.Kind {
	case wire.KindNil:
		if r.Int != 0 {
			return fmt.Sprintf("(nil) %d ms", r.Int)
		}
		return "(nil)"
	case wire.KindOK:
		return "OK"
	case wire.KindInt:
		return fmt.Sprintf("(integer) %d", r.Int)
	case wire.KindBytes:
		return strconv.Quote(string(r.Value))
	case wire.KindError:
		return "(error) " + r.Code.Text()
	case wire.KindList:
		lines := []string{fmt.Sprintf("cursor %d", r.Int)}
		for i, v := range r.List {
			lines = append(lines, fmt.Sprintf("%d) %q", i+1, v))
		}
		return strings.Join(lines, "\n")
	}
	return fmt.Sprintf("(kind %d)", r.Kind)
}

// showResponse prints what a request came to: its results, or why there are none.
func showResponse(r wire.Response) string {
	switch r.Outcome {
	case wire.OutcomeRefused:
		return "refused: " + r.Reason.String()
	case wire.OutcomeUnknown:
		return "unknown: " + r.Reason.String()
	}
	lines := make([]string, len(r.Results))
	for i := range r.Results {
		lines[i] = show(r.Results[i])
	}
	return strings.Join(lines, "\n")
}

// words splits a line at spaces; a word in double quotes is as Go spells strings.
func words(line string) (list []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if quoted, err := strconv.QuotedPrefix(line); err == nil {
			word, _ := strconv.Unquote(quoted)
			list, line = append(list, word), line[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		list, line = append(list, word), rest
	}
	return list
}

func request(cmds ...wire.Command) wire.Request { return wire.Request{Commands: cmds} }

// copyOf sends a store through a snapshot.
func copyOf(cfg Config, s *Store, max int) (*Store, error) {
	r := NewRestorer(cfg)
	for sn, done := s.Snapshot(), false; !done; {
		var chunk []byte
		chunk, done = sn.Next(max)
		if err := r.Add(chunk); err != nil {
			return nil, err
		}
	}
	return r.Finish()
}
