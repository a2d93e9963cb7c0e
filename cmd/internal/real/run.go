package real

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"torc/cmd/internal/crashlog"
	"torc/cmd/internal/netns"
	"torc/linearizability"
	"torc/scenarios/script"
	"torc/sim"
)

// Network says where the nodes are to be.
type Network string

// The networks.
const (
	Auto       Network = "auto"       // namespaces where they are permitted
	Loopback   Network = "loopback"   // nothing can be cut
	Namespaces Network = "namespaces" // or there is no run
)

// Options say which run to make.
type Options struct {
	File     *script.File
	Seed     uint64
	Binary   string // torcd
	Network  Network
	Duration time.Duration // of the torture; 0 = the file's, or 60 s
	Keep     bool          // the nodes' logs and the history stay
	Soak     *Soak         // faults drawn from the seed as it goes, in place of the file's script
	// Before, when set, is told what reality will have otherwise, before anything is started.
	Before func([]Unreal)
	// Progress, when set, is called a few times a second, and whenever something was done.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Elapsed time.Duration // of the run
	Phase   string
	Said    string // what was just done; "" most times
	Ops     int
}

// run is a run under way.
type run struct {
	o        Options
	settings sim.Settings
	started  time.Time
	tortured time.Duration // from started until the torture
	fabric   fabric
	dir      string
	nodes    []*process
	users    []*user
	prober   *user
	watch    *watcher
	agenda   *agenda
	links    *links
	workload *workload
	record   *linearizability.Recorder
	versions versions
	doubts   *doubts // of soaks only, like the rest here
	tallies  []*tally
	patrols  *patrol
	chaos    *chaos

	// Of the agenda's goroutine alone.
	parts  map[string]int
	rand   sim.Stream
	active []func() error

	background sync.WaitGroup // ends with the run's context
	working    sync.WaitGroup // clients' operations
	ending     atomic.Bool
	mu         sync.Mutex
	phase      string
	result     Result
}

const formLimit = 30 * time.Second

// Run makes a run. An error says why there was none; what a run found is in its result.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.File.Swarm {
		return nil, errors.New("a swarm draws its faults as it goes: run it in the simulator, and the repro.json of that run with real processes")
	}
	if o.File.Mutant != "" {
		return nil, fmt.Errorf("the file is about the planted bug %s: torcd has none", o.File.Mutant)
	}
	scenario := o.File.Scenario()
	r := &run{o: o, settings: scenario.Draw(o.Seed), started: time.Now(), parts: map[string]int{},
		rand:   sim.NewStream(o.Seed, "real:faults"),
		record: linearizability.NewRecorder(1 << 16), versions: versions{last: map[string]uint64{}}}
	r.result = Result{Seed: o.Seed, File: o.File, Settings: r.settings, Unreal: unrealSettings(&r.settings), Reasons: map[string]int{},
		Struck: make([]bool, len(o.File.Script)), StruckAt: make([]time.Duration, len(o.File.Script))}
	redis.SetLogger(silence{}) // it tells on standard error of every connection that is refused
	if o.Before != nil {
		o.Before(r.result.Unreal)
	}
	r.watch = newWatcher(r.settings.Nodes, r.settings.Shards, r.now)
	if o.Soak != nil {
		r.result.Soak = &SoakResult{Bound: silenceMost}
		r.doubts = newDoubts(r.settings.Nodes, r.now)
		r.watch.told = r.doubts.take
	}
	r.agenda = newAgenda(r.now)
	r.agenda.patient = o.Soak == nil // a soak draws what comes next from what is
	r.workload = newWorkload(o.Seed, &r.settings)
	ctx, cancel := context.WithCancel(ctx)
	err := r.live(ctx)
	r.ending.Store(true)
	cancel()
	r.background.Wait()
	r.working.Wait()
	if err = errors.Join(err, r.end()); err != nil {
		return nil, err
	}
	r.fromTorture()
	r.result.Seconds = time.Since(r.started).Seconds()
	return &r.result, nil
}

// now is the time from the first moment of the run.
func (r *run) now() time.Duration { return time.Since(r.started) }

// live is a run's life from its first process to its judgement.
func (r *run) live(ctx context.Context) (err error) {
	if err := r.build(ctx); err != nil {
		return err
	}
	if r.o.Progress != nil {
		r.background.Go(func() {
			for pause(ctx, 200*time.Millisecond) {
				r.report("")
			}
		})
	}
	if err := r.form(ctx); err != nil {
		return err
	}
	drawing, rest := context.WithCancel(ctx)
	defer rest()
	if err := r.torture(ctx, drawing); err != nil {
		return err
	}
	if r.result.Bite, err = r.fabric.bite(ctx); err != nil {
		return err
	}
	if err := r.heal(ctx); err != nil {
		return err
	}
	if err := r.calm(ctx, rest); err != nil {
		return err
	}
	r.enter("final reads")
	finalFrom := r.now()
	r.readAll(ctx)
	if r.o.Soak != nil {
		r.soaked(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.enter("judging")
	r.judge(finalFrom)
	return nil
}

// build makes the network and the processes, and starts nothing.
func (r *run) build(ctx context.Context) error {
	r.enter("building")
	var err error
	if r.fabric, err = r.chooseFabric(ctx); err != nil {
		return err
	}
	r.result.Network = r.fabric.String()
	r.links = newLinks(r.fabric, r.settings.Nodes, r.settings.Clients+r.settings.Plain)
	if r.dir, err = makeDir(r.o.Keep); err != nil {
		return err
	}
	asker := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}} // no proxy
	var join []string
	for i := range r.settings.Nodes - r.settings.Absent {
		join = append(join, r.fabric.addresses(i).peer)
	}
	for i := range r.settings.Nodes {
		at := r.fabric.addresses(i)
		log, err := os.OpenFile(filepath.Join(r.dir, fmt.Sprintf("n%d.log", i+1)), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
		if err != nil {
			return fmt.Errorf("opening a node's log: %w", err)
		}
		args := append([]string{"--peer", at.peer, "--grpc", at.grpc, "--admin", at.admin, "--resp", at.resp, "--join", strings.Join(join, ",")},
			append(flagsOf(&r.settings, i), r.fabric.flags()...)...)
		r.nodes = append(r.nodes, &process{number: i + 1, at: at, log: log, http: asker, died: r.onDeath,
			command: func() *exec.Cmd { return r.fabric.command(i, r.o.Binary, args...) }})
	}
	return nil
}

func (r *run) chooseFabric(ctx context.Context) (fabric, error) {
	if r.o.Network == Loopback {
		return newLoopback(r.settings.Nodes)
	}
	if err := netns.Permitted(); err != nil {
		if r.o.Network == Namespaces {
			return nil, err
		}
		r.leaveOut("network namespaces", err.Error())
		return newLoopback(r.settings.Nodes)
	}
	if _, err := netns.Sweep(ctx); err != nil {
		return nil, fmt.Errorf("removing what a killed run left: %w", err)
	}
	return newNamespaces(ctx, r.settings.Nodes, r.settings.Clients+r.settings.Plain, r.o.Soak != nil || delays(r.o.File))
}

// onDeath is told when a process ends by itself.
func (r *run) onDeath(p *process, how string) {
	if !r.ending.Load() {
		r.violate(sim.OracleSanity, "%v ended by itself: %s", p, how)
	}
}

// form starts the nodes and waits until they are a cluster.
func (r *run) form(ctx context.Context) error {
	r.enter("forming")
	for i, p := range r.nodes {
		if i < r.settings.Nodes-r.settings.Absent {
			if err := p.start(); err != nil {
				return err
			}
		}
		r.background.Go(func() { r.watch.follow(ctx, p) })
	}
	lacks, err := r.agenda.await(ctx, formLimit, func() error { return r.watch.whole(r.settings.Replicas) })
	if err != nil {
		return err
	}
	if lacks != nil {
		return fmt.Errorf("the cluster was not formed within %v: %w\n%s", formLimit, lacks, r.lastWords())
	}
	for i := range r.settings.Clients + r.settings.Plain {
		u, err := r.connect(ctx, i, i < r.settings.Clients)
		if err != nil {
			return err
		}
		r.users = append(r.users, u)
	}
	r.prober, err = r.connect(ctx, len(r.users), true)
	return err
}

// lastWords are the ends of the nodes' logs.
func (r *run) lastWords() string {
	var b strings.Builder
	for _, p := range r.nodes {
		text, _ := os.ReadFile(p.log.Name())
		fmt.Fprintf(&b, "%v:\n%s\n", p, text[max(0, len(text)-2000):])
	}
	return b.String()
}

// torture lets the clients and the faults loose on the cluster.
func (r *run) torture(ctx, drawing context.Context) error {
	r.tortured = r.now()
	r.result.Began = r.tortured
	from := r.agenda.time()
	r.enter("torture")
	if !r.o.File.Quiet {
		for _, u := range r.users {
			for thread := range r.settings.Threads {
				r.working.Go(func() { r.work(drawing, u, thread) })
			}
		}
	}
	for i := range r.o.File.Calls {
		r.agenda.add(from+r.o.File.Calls[i].At, func() error { r.call(drawing, i); return nil })
	}
	for i, step := range r.o.File.Script {
		r.agenda.add(from+step.At, func() error { return r.strike(ctx, i, step.Fault) })
	}
	if r.o.Soak != nil {
		r.soak(ctx, drawing)
	}
	return r.agenda.until(ctx, from+r.lasts())
}

// lasts is how long the torture is.
func (r *run) lasts() time.Duration {
	for _, d := range []time.Duration{r.o.Duration, r.o.File.Duration} {
		if d != 0 {
			return d
		}
	}
	return time.Minute
}

// call lets a script's client act.
func (r *run) call(ctx context.Context, number int) {
	c := &r.o.File.Calls[number]
	if c.Client >= len(r.users) {
		return // as in the simulator
	}
	u, node := r.users[c.Client], r.find(c.Via)
	if c.Atomic {
		for _, op := range c.Ops {
			r.leaveOut(fmt.Sprintf("%v atomic %s", u, script.SpellOp(op)), "no client asks for a batch that is one to everybody")
		}
		return
	}
	for i := range c.Ops {
		op := c.Ops[i]
		if u.torc == nil && i > 0 {
			return // a plain client's batch is its first operation in the simulator, too
		}
		if why := u.cannot(&op); why != "" {
			r.leaveOut(fmt.Sprintf("%v %s", u, script.SpellOp(op)), why)
			continue
		}
		answer := r.open(number, i)
		r.working.Go(func() {
			a := u.do(context.WithoutCancel(ctx), op, node)
			r.count(a)
			r.answered(answer, &op, a)
		})
	}
}

// heal ends all faults and demands that every shard serves soon.
func (r *run) heal(ctx context.Context) error {
	r.enter("healing")
	r.tell("heal everything")
	if err := r.settle(); err != nil {
		return err
	}
	r.allServe(ctx)
	return ctx.Err()
}

// calm ends the workloads and waits until every shard is whole again.
func (r *run) calm(ctx context.Context, rest context.CancelFunc) error {
	r.enter("settling")
	if err := r.agenda.until(ctx, r.agenda.time()+2*time.Second); err != nil {
		return err
	}
	rest()
	if r.o.File.Loss {
		return r.idle(ctx) // see allServe
	}
	lacks, err := r.agenda.await(ctx, repairLimit, func() error { return r.watch.whole(r.settings.Replicas) })
	if err != nil {
		return err
	}
	if lacks != nil {
		r.violate(sim.OracleLiveness, "some shard has not all its voters %v after everything was healed: %v", repairLimit, lacks)
	}
	return r.idle(ctx)
}

// idle waits until no operation is under way.
func (r *run) idle(ctx context.Context) error {
	done := make(chan struct{})
	r.background.Go(func() {
		r.working.Wait()
		close(done)
	})
	lacks, err := r.agenda.await(ctx, r.settings.Timeout+10*time.Second, func() error {
		select {
		case <-done:
			return nil
		default:
			return errors.New("an operation of a client never came to an end, not even an unknown one")
		}
	})
	if lacks != nil && err == nil {
		r.violate(sim.OracleSanity, "%v", lacks)
	}
	return err
}

// end stops and removes all that was made.
func (r *run) end() error {
	var wrong []error
	for _, u := range r.users {
		u.close()
	}
	if r.prober != nil {
		r.prober.close()
	}
	for _, p := range r.nodes {
		wrong = append(wrong, p.kill())
		r.checkLog(p)
		wrong = append(wrong, p.log.Close())
	}
	if r.fabric != nil {
		wrong = append(wrong, r.fabric.close())
	}
	if r.dir == "" {
		return errors.Join(wrong...)
	}
	if r.o.Keep {
		r.result.Dir = r.dir
		return errors.Join(append(wrong, r.keepHistory())...)
	}
	return errors.Join(append(wrong, os.RemoveAll(r.dir))...)
}

// checkLog looks for signs that a process broke.
func (r *run) checkLog(p *process) {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		r.violate(sim.OracleSanity, "%v: its log cannot be read: %v", p, err)
		return
	}
	if mark := crashlog.Mark(string(text)); mark != "" {
		at := strings.Index(string(text), mark)
		r.violate(sim.OracleSanity, "%v: %s in its log", p, mark)
		r.result.Violations[len(r.result.Violations)-1].Stack = string(text[at:min(len(text), at+1500)])
	}
}

// keepHistory writes the history beside the logs.
func (r *run) keepHistory() error {
	f, err := os.Create(filepath.Join(r.dir, "history.txt"))
	if err != nil {
		return fmt.Errorf("keeping the history: %w", err)
	}
	_, err = r.record.History().WriteTo(f)
	return errors.Join(err, f.Close())
}
