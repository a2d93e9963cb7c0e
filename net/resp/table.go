package resp

import (
	"slices"
	"strings"
)

// command is one line of the command table: how the command is called and answered, and what
// COMMAND tells of it. Groups, flags and summaries are Redis 7's where the meaning is.
type command struct {
	name  string // lower case; a subcommand as "client|id"
	arity int    // arguments with the name; negative: at least that many
	flags string // separated by spaces, as COMMAND INFO lists them

	first, last, step int    // where the keys are; last may count from the end (-1)
	keyFlags          string // how it uses them, as COMMAND INFO's key specifications say it

	tips       string
	group      string
	since      string
	complexity string
	summary    string

	sub []command
	run func(r *request)

	noAuth bool // derived from flags
}

// takes says whether a number of arguments (with the name) is right.
func (c *command) takes(n int) bool {
	return n == c.arity || c.arity < 0 && n >= -c.arity
}

// keyRange returns the index of the first and the last key among n arguments.
func (c *command) keyRange(n int) (first, last int) {
	last = c.last
	if last < 0 {
		last += n
	}
	return c.first, last
}

// has says whether a flag is set.
func (c *command) has(flag string) bool { return slices.Contains(strings.Fields(c.flags), flag) }

// subcommand finds a subcommand by its own name, in any case of letters.
func (c *command) subcommand(name []byte) *command {
	for i := range c.sub {
		s := &c.sub[i]
		if strings.EqualFold(s.name[len(c.name)+1:], string(name)) {
			return s
		}
	}
	return nil
}

// table holds every command in the order of its groups; byName finds them.
var (
	table  []command
	byName map[string]*command
)

// The table is filled here because its handlers refer to it (COMMAND).
func init() {
	table = slices.Concat(stringCommands, keyCommands, connectionCommands, serverCommands, clusterCommands, transactionCommands, scriptCommands)
	for _, name := range strings.Fields(unsupported) {
		table = append(table, refused(name))
	}
	byName = make(map[string]*command, len(table))
	for i := range table {
		c := &table[i]
		c.noAuth = c.has("no_auth")
		byName[c.name] = c
	}
}

const nameMax = 32

// lookup finds a command by name in any case of letters, without allocating.
func lookup(name []byte) *command {
	if len(name) > nameMax {
		return nil
	}
	var low [nameMax]byte
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	return byName[string(low[:len(name)])]
}

// unsupported are Redis 7's commands that Torc has deliberately not: their error says so, which helps more than "unknown command", and
// shows none of the arguments to whoever reads the client's log.
const unsupported = `subscribe unsubscribe psubscribe punsubscribe publish ssubscribe sunsubscribe spublish pubsub
	function fcall fcall_ro
	rename renamenx copy move swapdb dump restore migrate sort sort_ro restore-asking
	save bgsave bgrewriteaof lastsave replicaof slaveof failover sync psync replconf monitor acl module slowlog latency lolwut
	bitcount bitfield bitfield_ro bitop bitpos getbit lcs setbit
	blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim rpop rpoplpush rpush rpushx
	hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals
	sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop srandmember srem sscan sunion sunionstore
	bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember
	zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore
	zrevrank zscan zscore zunion zunionstore
	geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore
	pfadd pfcount pfdebug pfmerge pfselftest
	xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim`

func refused(name string) command {
	return command{
		name: name, arity: -1, flags: "unsupported", group: "unsupported",
		summary: "Not supported by Torc.",
		run: func(r *request) {
			r.fail(errUnsupported(name))
		},
	}
}

// supported lists the commands that COMMAND tells of.
func supported() []*command {
	list := make([]*command, 0, len(table))
	for i := range table {
		if table[i].group != "unsupported" {
			list = append(list, &table[i])
		}
	}
	return list
}

// find returns a command or, for "client|id", a subcommand.
func find(name string) *command {
	parent, sub, isSub := strings.Cut(name, "|")
	c := lookup([]byte(parent))
	if c == nil || c.group == "unsupported" {
		return nil
	}
	if isSub {
		return c.subcommand([]byte(sub))
	}
	return c
}
