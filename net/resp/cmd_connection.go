package resp

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math"
	"strings"
	"time"
)

const defaultUser = "default"

func runPing(r *request) {
	switch len(r.args) {
	case 1:
		r.simple("PONG")
	case 2:
		r.bulk(r.args[1])
	default:
		r.fail(errArity(r.spec.name))
	}
}

func runEcho(r *request) { r.bulk(r.args[1]) }

func (r *request) bulk(v []byte) {
	if len(v) >= bigValue {
		r.in.keep() // it is sent from where it lies
	}
	r.begin().bulk(v)
	r.finish()
}

// runSelect: there is one database.
func runSelect(r *request) {
	n, ok := r.number(1)
	switch {
	case !ok:
	case n < math.MinInt32 || n > math.MaxInt32:
		r.fail("ERR value is out of range, value must between -2147483648 and 2147483647")
	case n != 0 && r.srv.opts.Redirect:
		r.fail("ERR SELECT is not allowed in cluster mode")
	case n != 0:
		r.fail("ERR DB index is out of range")
	default:
		r.ok()
	}
}

func runQuit(r *request) {
	r.ok()
	r.quit = true
}

// runReset puts the connection back into its first state.
func runReset(r *request) {
	r.mode, r.readOnly = replyOn, false
	r.endMulti()
	r.setProto(resp2)
	r.setAuthed(r.srv.opts.Password == "")
	r.setName("")
	r.simple("RESET")
}

func (c *conn) setProto(proto int) {
	c.mu.Lock()
	c.proto, c.protoShown = proto, proto
	c.mu.Unlock()
}

func (c *conn) setAuthed(ok bool) {
	c.authed = ok
	c.in.locked = !ok
}

func (c *conn) setName(name string) {
	c.mu.Lock()
	c.name = name
	c.mu.Unlock()
}

// passwordFits compares in a time that does not depend on the password: digests have one
// length, whatever is sent.
func (s *Server) passwordFits(user, password []byte) bool {
	got, fits := sha256.Sum256(password), 0
	for _, one := range []string{s.opts.Password, s.opts.OldPassword} {
		want := sha256.Sum256([]byte(one))
		if same := subtle.ConstantTimeCompare(want[:], got[:]); one != "" {
			fits |= same
		}
	}
	return (fits == 1 || s.opts.Password == "") && string(user) == defaultUser
}

// authenticate replies with the error unless the password fits.
func (r *request) authenticate(user, password []byte) bool {
	if !r.srv.passwordFits(user, password) {
		r.srv.stats.authBad.Add(1)
		r.fail(errWrongPass)
		return false
	}
	r.setAuthed(true)
	return true
}

// runAuth: AUTH [username] password. There is one user, "default".
func runAuth(r *request) {
	user, password := []byte(defaultUser), r.args[1]
	switch {
	case len(r.args) > 3:
		r.fail(errSyntax)
		return
	case len(r.args) == 3:
		user, password = r.args[1], r.args[2]
	case r.srv.opts.Password == "":
		r.fail(errNoPassword)
		return
	}
	if r.authenticate(user, password) {
		r.ok()
	}
}

// runHello: HELLO [protover [AUTH username password] [SETNAME name]].
func runHello(r *request) {
	proto := r.proto
	if len(r.args) > 1 {
		n, ok := parseInt(r.args[1])
		if !ok {
			r.fail("ERR Protocol version is not an integer or out of range")
			return
		}
		if n < resp2 || n > resp3 {
			r.fail("NOPROTO unsupported protocol version")
			return
		}
		proto = int(n)
	}
	if !r.helloOptions() {
		return
	}
	r.setProto(proto)
	r.helloReply()
}

// helloOptions does what the options say, one after the other, as Redis does, until one of them fails.
func (r *request) helloOptions() bool {
	for i := 2; i < len(r.args); i++ {
		more := len(r.args) - i - 1
		switch option := strings.ToUpper(string(r.args[i])); {
		case option == "AUTH" && more >= 2:
			if !r.authenticate(r.args[i+1], r.args[i+2]) {
				return false
			}
			i += 2
		case option == "SETNAME" && more >= 1:
			if !printable(r.args[i+1]) {
				r.fail(errClientName)
				return false
			}
			r.setName(string(r.args[i+1]))
			i++
		default:
			r.fail("ERR Syntax error in HELLO option '" + string(cString(r.args[i], len(r.args[i]))) + "'")
			return false
		}
	}
	if !r.authed {
		r.fail(errHelloAuth)
		return false
	}
	return true
}

func (r *request) helloReply() {
	mode := "standalone"
	if r.srv.opts.Redirect {
		mode = "cluster"
	}
	o := r.begin()
	o.dict(r.proto, 7)
	o.text("server")
	o.text("redis")
	o.text("version")
	o.text(redisVersion)
	o.text("proto")
	o.int(int64(r.proto))
	o.text("id")
	o.int(int64(r.id))
	o.text("mode")
	o.text(mode)
	o.text("role")
	o.text("master")
	o.text("modules")
	o.array(0)
	r.finish()
}

// printable says whether a name may stand in CLIENT LIST.
func printable(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

func runClientID(r *request) { r.int(int64(r.id)) }

func runClientGetName(r *request) {
	name := r.name // only this goroutine writes it
	o := r.begin()
	if name == "" {
		o.null(r.proto)
	} else {
		o.text(name)
	}
	r.finish()
}

func runClientSetName(r *request) {
	if !printable(r.args[2]) {
		r.fail(errClientName)
		return
	}
	r.setName(string(r.args[2]))
	r.ok()
}

// runClientSetInfo: CLIENT SETINFO LIB-NAME|LIB-VER value.
func runClientSetInfo(r *request) {
	option, value := strings.ToLower(string(r.args[2])), string(r.args[3])
	if option != "lib-name" && option != "lib-ver" {
		r.fail("ERR Unrecognized option '" + string(cString(r.args[2], 128)) + "'")
		return
	}
	if !printable(r.args[3]) {
		r.fail("ERR " + option + " cannot contain spaces, newlines or special characters.")
		return
	}
	r.mu.Lock()
	if option == "lib-name" {
		r.libName = value
	} else {
		r.libVersion = value
	}
	r.mu.Unlock()
	r.ok()
}

// runClientSwitch: CLIENT NO-EVICT and NO-TOUCH ON|OFF, which change nothing here.
func runClientSwitch(r *request) {
	if !strings.EqualFold(string(r.args[2]), "ON") && !strings.EqualFold(string(r.args[2]), "OFF") {
		r.fail(errSyntax)
		return
	}
	r.ok()
}

// runClientReply: CLIENT REPLY ON|OFF|SKIP.
func runClientReply(r *request) {
	switch strings.ToUpper(string(r.args[2])) {
	case "ON":
		r.mode = replyOn
		r.ok()
	case "OFF":
		r.mode = replyOff
	case "SKIP":
		if r.mode != replyOff {
			r.mode = replySkipNext
		}
	default:
		r.fail(errSyntax)
	}
}

func runClientInfo(r *request) { r.verbatim(r.describe() + "\n") }

// runClientList: CLIENT LIST [TYPE type | ID id ...].
func runClientList(r *request) {
	want := func(*conn) bool { return true }
	if len(r.args) > 2 {
		switch option := strings.ToUpper(string(r.args[2])); {
		case option == "TYPE" && len(r.args) == 4:
			name := string(cString(r.args[3], len(r.args[3])))
			kind, known := clientType(name)
			if !known {
				r.fail("ERR Unknown client type '" + name + "'")
				return
			}
			want = func(*conn) bool { return kind == "normal" }
		case option == "ID" && len(r.args) > 3:
			ids := make(map[int64]bool)
			for _, arg := range r.args[3:] {
				id, ok := parseInt(arg)
				if !ok {
					r.fail("ERR Invalid client ID")
					return
				}
				ids[id] = true
			}
			want = func(c *conn) bool { return ids[int64(c.id)] }
		default:
			r.fail(errSyntax)
			return
		}
	}
	var list strings.Builder
	for _, c := range r.srv.clients() {
		if want(c) {
			list.WriteString(c.describe())
			list.WriteByte('\n')
		}
	}
	r.verbatim(list.String())
}

// describe is the connection's line in CLIENT LIST, with Redis's fields.
func (c *conn) describe() string {
	last := "NULL"
	if spec := c.last.Load(); spec != nil {
		last = spec.name
	}
	idle := (c.srv.now() - c.active.Load()) / int64(time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	flags := "N"
	if c.multiCount >= 0 {
		flags = "x"
	}
	kept := c.multiBytes + c.watches.bytes
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=0 sub=0 psub=0 ssub=0 multi=%d watch=%d "+
		"qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=%d rbs=0 rbp=0 obl=%d oll=%d omem=%d tot-mem=%d events=r cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s",
		c.id, c.nc.RemoteAddr(), c.nc.LocalAddr(), c.name, int(time.Since(c.est).Seconds()), idle,
		flags, c.multiCount, c.watches.len(), c.asked, kept, c.out.len(), c.window.len(), c.window.early+c.writing, kept+c.asked+c.window.early+c.out.len()+c.writing,
		last, c.protoShown, c.libName, c.libVersion)
}
