package resp

import "strings"

// killed says which connections CLIENT KILL is about.
type killed struct {
	id          int64   // 0: any
	addr, laddr *string // nil: any
	none        bool    // a type that no connection has
	spareMe     bool
}

func (k *killed) means(c, me *conn) bool {
	switch {
	case k.none, k.spareMe && c == me, k.id != 0 && int64(c.id) != k.id:
		return false
	case k.addr != nil && c.nc.RemoteAddr().String() != *k.addr:
		return false
	}
	return k.laddr == nil || c.nc.LocalAddr().String() == *k.laddr
}

// runClientKill: CLIENT KILL host:port, or CLIENT KILL [ID id] [TYPE type] [ADDR host:port] [LADDR host:port] [USER name] [SKIPME yes|no].
func runClientKill(r *request) {
	k, old := killed{spareMe: true}, len(r.args) == 3
	if old {
		addr := string(r.args[2])
		k = killed{addr: &addr}
	} else if !r.killOptions(&k) {
		return
	}
	count := int64(0)
	for _, c := range r.srv.clients() {
		switch {
		case !k.means(c, r.conn):
			continue
		case c == r.conn:
			r.quit = true // once it has its answer
		case !c.kill():
			continue // it had ended, and is only about to leave the list
		}
		count++
	}
	switch {
	case !old:
		r.int(count)
	case count > 0:
		r.ok()
	default:
		r.fail("ERR No such client")
	}
}

// runClientTracking: CLIENT TRACKING ON|OFF. Libraries that keep values in the client ask for it before anything else.
func runClientTracking(r *request) {
	switch strings.ToUpper(string(r.args[2])) {
	case "OFF":
		r.ok()
	case "ON":
		r.fail("ERR Torc does not support CLIENT TRACKING: turn off the client-side cache of your Redis library")
	default:
		r.fail(errSyntax)
	}
}

func (r *request) killOptions(k *killed) bool {
	for i := 2; i < len(r.args); i += 2 {
		if i+1 >= len(r.args) {
			r.fail(errSyntax)
			return false
		}
		value := string(cString(r.args[i+1], len(r.args[i+1])))
		fault := ""
		switch strings.ToUpper(string(r.args[i])) {
		case "ID":
			if k.id, _ = parseInt(r.args[i+1]); k.id <= 0 {
				fault = "ERR client-id should be greater than 0"
			}
		case "TYPE":
			kind, known := clientType(value)
			if k.none = k.none || kind != "normal"; !known {
				fault = "ERR Unknown client type '" + value + "'"
			}
		case "ADDR":
			k.addr = &value
		case "LADDR":
			k.laddr = &value
		case "USER":
			if value != defaultUser {
				fault = "ERR No such user '" + value + "'"
			}
		case "SKIPME":
			k.spareMe = strings.EqualFold(value, "yes")
			if !k.spareMe && !strings.EqualFold(value, "no") {
				fault = errSyntax
			}
		default:
			fault = errSyntax
		}
		if fault != "" {
			r.fail(fault)
			return false
		}
	}
	return true
}

// clientType is a type of clients as CLIENT LIST and KILL name them, and whether there is such a type. All connections are normal ones.
func clientType(name string) (kind string, known bool) {
	switch kind = strings.ToLower(name); kind {
	case "normal", "master", "replica", "slave", "pubsub":
		return kind, true
	}
	return kind, false
}
