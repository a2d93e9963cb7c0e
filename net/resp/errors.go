package resp

import "torc/core/wire"

// Errors in Redis's own words, without the leading '-'.
const (
	errSyntax        = "ERR syntax error"
	errNotInteger    = "ERR value is not an integer or out of range"
	errOffset        = "ERR offset is out of range"
	errTooLong       = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errCrossSlot     = "CROSSSLOT Keys in request don't hash to the same slot"
	errNoAuth        = "NOAUTH Authentication required."
	errWrongPass     = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPassword    = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	errHelloAuth     = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	errMaxClients    = "ERR max number of clients reached"
	errClientName    = "ERR Client names cannot contain spaces, newlines or special characters."
	errInvalidCursor = "ERR invalid cursor"
)

// The first word of an error is what client libraries act upon. CLUSTERDOWN, TRYAGAIN and
// LOADING make many of them send again by themselves: they stand only before errors that
// surely had no effect. BUSY (after the connection has asked again for a while: overload.go) and OOM are left to the application. UNKNOWN and TIMEOUT are
// Torc's own words: no library repeats on them, as none may.
//
//	outcome  reason            write                                       read
//	refused  (see below)       surely not applied, now or later            not answered
//	unknown  any               UNKNOWN: may or may not have been applied   TIMEOUT: a read has no effect

// refusals are the errors for wire.OutcomeRefused: nothing was applied, nor will be.
var refusals = map[wire.Reason]string{
	wire.ReasonNone:           "ERR refused: not applied",
	wire.ReasonNotLeader:      "CLUSTERDOWN The shard's leader has changed: not applied, retry later",
	wire.ReasonNotOwner:       "CLUSTERDOWN The shard has moved to other nodes: not applied, retry later",
	wire.ReasonStaleEpoch:     "TRYAGAIN The cluster map has changed: not applied, retry later",
	wire.ReasonNoQuorum:       "CLUSTERDOWN The shard has no quorum on this side: not applied, retry later",
	wire.ReasonOverloaded:     "BUSY The shard has too many requests waiting: not applied, retry later",
	wire.ReasonDeadline:       "TRYAGAIN The request waited too long for its turn: not applied, retry later",
	wire.ReasonOutOfMemory:    "OOM command not allowed when used memory > 'maxmemory'. Not applied",
	wire.ReasonTooLarge:       "ERR key, value, batch or answer is larger than the node allows: not applied",
	wire.ReasonSessionExpired: "ERR the session has expired: not applied",
	wire.ReasonLeadershipLost: "CLUSTERDOWN The shard's leader was deposed: not applied, retry later",
	wire.ReasonStopping:       "CLUSTERDOWN The node is stopping: not applied, retry on another node",
	wire.ReasonNotReady:       "LOADING Torc has not joined a cluster yet: not applied, retry later",
	wire.ReasonOtherCluster:   "CLUSTERDOWN The node is of another cluster: not applied, retry on another node",
}

// failure is why a shard gave no results.
type failure struct {
	outcome wire.Outcome
	reason  wire.Reason
	leader  wire.NodeID // who to ask instead, or zero
}

// text words the failure for a command that writes or one that only reads.
func (f failure) text(write bool) string {
	if f.outcome == wire.OutcomeRefused {
		if s, ok := refusals[f.reason]; ok {
			return s
		}
		return refusals[wire.ReasonNone]
	}
	if write {
		return "UNKNOWN outcome: the write may or may not have been applied (" + f.reason.String() + ")"
	}
	return "TIMEOUT the read was not answered (" + f.reason.String() + "): it had no effect, retry"
}

// codeText words an error that the state machine decided, naming the command where Redis does.
func codeText(code wire.ErrorCode, command string) string {
	if code == wire.CodeInvalidExpire {
		return "ERR invalid expire time in '" + command + "' command"
	}
	return code.Text()
}

func errUnsupported(command string) string {
	return "ERR Torc does not support the command '" + command + "'"
}

func errArity(command string) string {
	return "ERR wrong number of arguments for '" + command + "' command"
}

// errUnknownCommand quotes the name and the arguments, at most 128 bytes of each.
func errUnknownCommand(args [][]byte) string {
	const most = 128
	var list []byte
	for _, a := range args[1:] {
		if len(list) >= most {
			break
		}
		list = append(list, '\'')
		list = append(list, cString(a, most-len(list)+1)...)
		list = append(list, "' "...)
	}
	return "ERR unknown command '" + string(cString(args[0], most)) + "', with args beginning with: " + string(list)
}

func errUnknownSubcommand(command string, sub []byte) string {
	return "ERR unknown subcommand '" + string(cString(sub, 128)) + "'. Try " + upper(command) + " HELP."
}

// cString cuts b where C's "%.*s" would: at a NUL, or after limit bytes.
func cString(b []byte, limit int) []byte {
	for i, c := range b {
		if c == 0 || i == limit {
			return b[:i]
		}
	}
	return b
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
