package ui

// The page's data: lists of records turned into columns of small numbers, which gzip packs well and
// a browser unpacks fast. recording.js reads this.

// packed is what goes into the page.
type packed struct {
	Title    string    `json:"title"`
	Story    string    `json:"story"`
	Good     bool      `json:"good"`
	Verdict  string    `json:"verdict"`
	Replay   string    `json:"replay"`
	Facts    []Fact    `json:"facts"`
	Notes    []string  `json:"notes"`
	Links    []Link    `json:"links"`
	Shards   int       `json:"shards"`
	Hosts    []Host    `json:"hosts"`
	Spans    []Span    `json:"spans"`
	Findings []Finding `json:"findings"`
	Boring   []string  `json:"boring"`

	Strings    []string         `json:"strings"`
	Events     eventColumns     `json:"events"`
	States     stateColumns     `json:"states"`
	Messages   messageColumns   `json:"messages"`
	Parts      partColumns      `json:"parts"`
	Operations operationColumns `json:"operations"`
}

// eventColumns is every event: when, in microseconds since the one before, what, and which. Send
// events need no reference, they take messages in turn; Arrive and Lost count back from the newest
// message; all other kinds but operations' take the rows of states in turn.
type eventColumns struct {
	Step []int64 `json:"step"`
	Kind []int   `json:"kind"`
	Ref  []int   `json:"ref"`
}

type stateColumns struct {
	Host  []int    `json:"host"`
	Shard []int    `json:"shard"`
	Term  []uint64 `json:"term"`
	Index []uint64 `json:"index"`
	A     []int64  `json:"a"`
	B     []int64  `json:"b"`
	Text  []int    `json:"text"`
}

type messageColumns struct {
	From  []int `json:"from"`
	To    []int `json:"to"`
	Class []int `json:"class"`
	Mark  []int `json:"mark"` // 1 a copy, 2 late, 3 both
	Parts []int `json:"parts"`
}

type partColumns struct {
	Shard   []int    `json:"shard"`
	Term    []uint64 `json:"term"`
	Text    []int    `json:"text"`
	Numbers []uint64 `json:"numbers"`
}

type operationColumns struct {
	Name    []string `json:"name"`
	Host    []int    `json:"host"`
	Shard   []int    `json:"shard"`
	Key     []int    `json:"key"`
	Read    []int    `json:"read"`
	Asked   []int    `json:"asked"`
	Got     []int    `json:"got"`
	Outcome []int    `json:"outcome"`
}

// strings gives equal strings one number.
type table struct {
	list  []string
	index map[string]int
}

func (t *table) number(s string) int {
	n, known := t.index[s]
	if !known {
		n = len(t.list)
		t.list = append(t.list, s)
		t.index[s] = n
	}
	return n
}

// pack turns a recording into columns, without the messages of the classes that are left out.
func pack(r *Recording, without map[string]bool) (p packed, left int) {
	words := &table{index: map[string]int{}}
	p = packed{Title: r.Title, Story: r.Story, Good: r.Good, Verdict: r.Verdict, Replay: r.Replay, Facts: r.Facts, Notes: r.Notes, Links: r.Links,
		Shards: r.Shards, Hosts: r.Hosts, Spans: r.Spans, Findings: r.Findings, Boring: r.Boring}
	number := make([]int, len(r.Messages)) // of each message among those that stay
	for i := range r.Messages {
		number[i] = -1
		if m := &r.Messages[i]; !without[m.Class] {
			number[i] = len(p.Messages.From)
			p.message(m, words)
		} else {
			left++
		}
	}
	p.events(r.Events, number, words)
	for i := range r.Operations {
		p.operation(&r.Operations[i], words)
	}
	p.Strings = words.list
	return p, left
}

func (p *packed) message(m *Message, words *table) {
	c, mark := &p.Messages, 0
	if m.Copy {
		mark |= 1
	}
	if m.Late {
		mark |= 2
	}
	c.From, c.To, c.Class = append(c.From, m.From), append(c.To, m.To), append(c.Class, words.number(m.Class))
	c.Mark, c.Parts = append(c.Mark, mark), append(c.Parts, len(m.Parts))
	for _, part := range m.Parts {
		q := &p.Parts
		q.Shard, q.Term, q.Text = append(q.Shard, part.Shard), append(q.Term, part.Term), append(q.Text, words.number(part.Text))
		q.Numbers = append(q.Numbers, part.Numbers...)
	}
}

func (p *packed) events(events []Event, number []int, words *table) {
	last, sent := int64(0), 0
	for i := range events {
		e := &events[i]
		ref := 0
		switch e.Kind {
		case Send, Arrive, Lost:
			n := number[e.Ref]
			if n < 0 {
				continue
			}
			if e.Kind == Send {
				sent = n + 1
			} else if ref = sent - n; e.Kind == Lost && e.Host == p.Messages.From[n] {
				ref = -ref // lost on leaving: the sign tells it from lost on arriving
			}
		case Invoke, Return, Accused:
			ref = e.Ref
		default:
			p.state(e, words)
		}
		c := &p.Events
		c.Step, c.Kind, c.Ref = append(c.Step, e.At/1000-last), append(c.Kind, int(e.Kind)), append(c.Ref, ref)
		last = e.At / 1000
	}
}

func (p *packed) state(e *Event, words *table) {
	c := &p.States
	c.Host, c.Shard, c.Term, c.Index = append(c.Host, e.Host), append(c.Shard, e.Shard), append(c.Term, e.Term), append(c.Index, e.Index)
	c.A, c.B, c.Text = append(c.A, e.A), append(c.B, e.B), append(c.Text, words.number(e.Text))
}

func (p *packed) operation(o *Operation, words *table) {
	c, read := &p.Operations, 0
	if o.Read {
		read = 1
	}
	c.Name, c.Host, c.Shard = append(c.Name, o.Name), append(c.Host, o.Host), append(c.Shard, o.Shard)
	c.Key, c.Read, c.Outcome = append(c.Key, words.number(o.Key)), append(c.Read, read), append(c.Outcome, int(o.Outcome))
	c.Asked, c.Got = append(c.Asked, words.number(o.Asked)), append(c.Got, words.number(o.Got))
}
