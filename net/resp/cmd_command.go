package resp

import (
	"slices"
	"strings"
)

// COMMAND and its subcommands: the command table, told in Redis's form.

func runCommandAll(r *request) {
	list := supported()
	o := r.begin()
	o.array(len(list))
	for _, c := range list {
		c.writeInfo(o, r.proto)
	}
	r.finish()
}

func runCommandCount(r *request) { r.int(int64(len(supported()))) }

// runCommandInfo: COMMAND INFO [name ...].
func runCommandInfo(r *request) {
	if len(r.args) == 2 {
		runCommandAll(r)
		return
	}
	o := r.begin()
	o.array(len(r.args) - 2)
	for _, name := range r.args[2:] {
		if c := find(string(name)); c != nil {
			c.writeInfo(o, r.proto)
		} else {
			o.null(r.proto)
		}
	}
	r.finish()
}

// writeInfo writes the ten fields of a command's description.
func (c *command) writeInfo(o *output, proto int) {
	o.array(10)
	o.text(c.name)
	o.int(int64(c.arity))
	o.statuses(proto, strings.Fields(c.flags))
	o.int(int64(c.first))
	o.int(int64(c.last))
	o.int(int64(c.step))
	o.statuses(proto, c.categories())
	tips := strings.Fields(c.tips)
	o.set(proto, len(tips))
	for _, tip := range tips {
		o.text(tip)
	}
	c.writeKeySpecs(o, proto)
	o.set(proto, len(c.sub))
	for i := range c.sub {
		c.sub[i].writeInfo(o, proto)
	}
}

// categories derives the ACL categories, which Torc shows but does not act upon.
func (c *command) categories() []string {
	var list []string
	add := func(flag, category string) {
		if c.has(flag) {
			list = append(list, category)
		}
	}
	add("write", "@write")
	add("readonly", "@read")
	switch c.group {
	case "string", "connection":
		list = append(list, "@"+c.group)
	case "transactions":
		list = append(list, "@transaction")
	case "generic":
		list = append(list, "@keyspace")
	}
	if c.name == "dbsize" || strings.HasPrefix(c.name, "flush") {
		list = append(list, "@keyspace")
	}
	add("admin", "@admin")
	if c.has("admin") || strings.HasPrefix(c.name, "flush") || c.name == "keys" {
		list = append(list, "@dangerous")
	}
	if c.has("fast") {
		return append(list, "@fast")
	}
	return append(list, "@slow")
}

// writeKeySpecs tells where the keys are: one specification for every command that has any.
func (c *command) writeKeySpecs(o *output, proto int) {
	if c.first == 0 {
		o.set(proto, 0)
		return
	}
	o.set(proto, 1)
	o.dict(proto, 3)
	o.text("flags")
	o.statuses(proto, strings.Fields(c.keyFlags))
	o.text("begin_search")
	o.dict(proto, 2)
	o.text("type")
	o.text("index")
	o.text("spec")
	o.dict(proto, 1)
	o.text("index")
	o.int(int64(c.first))
	o.text("find_keys")
	o.dict(proto, 2)
	o.text("type")
	o.text("range")
	o.text("spec")
	o.dict(proto, 3)
	o.text("lastkey")
	if c.last < 0 {
		o.int(int64(c.last))
	} else {
		o.int(int64(c.last - c.first))
	}
	o.text("keystep")
	o.int(int64(c.step))
	o.text("limit")
	o.int(0)
}

// runCommandDocs: COMMAND DOCS [name ...]. Unknown names are left out.
func runCommandDocs(r *request) {
	list := supported()
	if len(r.args) > 2 {
		list = list[:0]
		for _, name := range r.args[2:] {
			if c := find(string(name)); c != nil {
				list = append(list, c)
			}
		}
	}
	o := r.begin()
	o.dict(r.proto, len(list))
	for _, c := range list {
		c.writeDocs(o, r.proto)
	}
	r.finish()
}

func (c *command) writeDocs(o *output, proto int) {
	pairs := [][2]string{
		{"summary", c.summary}, {"since", c.since}, {"group", c.group}, {"complexity", c.complexity},
	}
	n := len(pairs)
	if len(c.sub) > 0 {
		n++
	}
	o.text(c.name)
	o.dict(proto, n)
	for _, pair := range pairs {
		o.text(pair[0])
		o.text(pair[1])
	}
	if len(c.sub) > 0 {
		o.text("subcommands")
		o.dict(proto, len(c.sub))
		for i := range c.sub {
			c.sub[i].writeDocs(o, proto)
		}
	}
}

// runCommandGetKeys: COMMAND GETKEYS command [arg ...].
func runCommandGetKeys(r *request) {
	args := r.args[2:]
	c := lookup(args[0])
	if c != nil && c.group == "unsupported" {
		c = nil
	}
	if c != nil && len(c.sub) > 0 && len(args) > 1 {
		c = c.subcommand(args[1])
	}
	switch {
	case c == nil:
		r.fail("ERR Invalid command specified")
	case c.has("movablekeys") && c.takes(len(args)):
		r.keysOfScript(args)
	case c.first == 0:
		r.fail("ERR The command has no key arguments")
	case !c.takes(len(args)):
		r.fail("ERR Invalid number of arguments specified for command")
	default:
		first, last := c.keyRange(len(args))
		r.in.keep() // long keys are sent from where they lie
		o := r.begin()
		o.array((last-first)/c.step + 1)
		for i := first; i <= last; i += c.step {
			o.bulk(args[i])
		}
		r.finish()
	}
}

// keysOfScript lists the keys of EVAL and its kin, which are as many as the argument before them says: none if that cannot be.
func (r *request) keysOfScript(args [][]byte) {
	n, ok := parseInt(args[2])
	if !ok || n < 0 || n > int64(len(args)-3) {
		n = 0
	}
	r.in.keep()
	o := r.begin()
	o.array(int(n))
	for _, key := range args[3 : 3+n] {
		o.bulk(key)
	}
	r.finish()
}

// runCommandList: COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern].
func runCommandList(r *request) {
	want := func(*command) bool { return true }
	if len(r.args) > 2 {
		if len(r.args) != 5 || !strings.EqualFold(string(r.args[2]), "FILTERBY") {
			r.fail(errSyntax)
			return
		}
		arg := r.args[4]
		switch strings.ToUpper(string(r.args[3])) {
		case "MODULE":
			want = func(*command) bool { return false }
		case "ACLCAT":
			category := "@" + strings.ToLower(string(arg))
			want = func(c *command) bool { return slices.Contains(c.categories(), category) }
		case "PATTERN":
			pattern := []byte(strings.ToLower(string(arg)))
			want = func(c *command) bool { return glob(pattern, []byte(c.name)) }
		default:
			r.fail(errSyntax)
			return
		}
	}
	var names []string
	for _, c := range supported() {
		if want(c) {
			names = append(names, c.name)
		}
	}
	o := r.begin()
	o.array(len(names))
	for _, name := range names {
		o.text(name)
	}
	r.finish()
}
