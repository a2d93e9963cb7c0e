// The recording: inflated, and its columns unpacked (ui/columns.go packs them). Times are microseconds.

const Kind = { send: 0, arrive: 1, lost: 2, invoke: 3, return: 4, role: 5, apply: 6, conf: 7, lease: 8, snapshot: 9, map: 10, member: 11, crash: 12,
  restart: 13, pause: 14, resume: 15, cut: 16, mend: 17, moment: 18, accused: 19 };
const Fate = { flying: 0, arrived: 1, lost: 2, lostLeaving: 3 };
const outcomes = ['ok', 'refused', 'unknown'];

async function readRecording() {
  const text = document.getElementById('recording').textContent.trim();
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return unpack(JSON.parse(await new Response(inflated).text()));
}

const list = x => x || [];

function unpack(p) {
  const R = { title: p.title, story: p.story, good: p.good, verdict: p.verdict, replay: p.replay, shards: p.shards,
    facts: list(p.facts), notes: list(p.notes), links: list(p.links), hosts: list(p.hosts), strings: list(p.strings),
    spans: list(p.spans).map(s => ({ from: s.From / 1000, to: s.To / 1000, text: s.Text })),
    findings: list(p.findings).map(f => ({ at: f.At / 1000, letter: f.Letter, meaning: f.Meaning, headline: f.Headline, sentence: f.Sentence, ops: list(f.Operations), shard: f.Shard })),
    faint: new Set(list(p.boring)) };
  R.nodes = R.hosts.filter(h => !h.Client).length;
  unpackMessages(R, p);
  unpackOperations(R, p.operations);
  unpackEvents(R, p);
  return R;
}

function unpackMessages(R, p) {
  const m = p.messages, n = list(m.from).length;
  R.m = { n, from: Int16Array.from(list(m.from)), to: Int16Array.from(list(m.to)), cls: Int32Array.from(list(m.class)), mark: Uint8Array.from(list(m.mark)),
    part: new Int32Array(n + 1), sent: new Int32Array(n).fill(-1), end: new Int32Array(n).fill(-1), fate: new Uint8Array(n) };
  for (let i = 0; i < n; i++) R.m.part[i + 1] = R.m.part[i] + m.parts[i];
  const q = p.parts, parts = list(q.shard).length, blanks = R.strings.map(s => s.split('#').length - 1);
  R.p = { shard: Int16Array.from(list(q.shard)), term: list(q.term), text: list(q.text), numbers: list(q.numbers), at: new Int32Array(parts + 1) };
  for (let i = 0; i < parts; i++) R.p.at[i + 1] = R.p.at[i] + blanks[q.text[i]];
}

function unpackOperations(R, o) {
  const n = list(o.name).length, word = column => list(column).map(i => R.strings[i]);
  R.o = { n, name: list(o.name), host: list(o.host), shard: list(o.shard), key: word(o.key), read: list(o.read), asked: word(o.asked), got: word(o.got),
    outcome: list(o.outcome), from: new Int32Array(n).fill(-1), to: new Int32Array(n).fill(-1) };
}

function unpackEvents(R, p) {
  const e = p.events, n = list(e.step).length, s = p.states;
  R.n = n; R.time = new Float64Array(n); R.kind = Uint8Array.from(list(e.kind)); R.host = new Int16Array(n); R.ref = new Int32Array(n);
  R.s = { host: list(s.host), shard: list(s.shard), term: list(s.term), index: list(s.index), a: list(s.a), b: list(s.b), text: list(s.text) };
  R.states = [];
  let t = 0, sent = 0, row = 0;
  for (let i = 0; i < n; i++) {
    t += e.step[i]; R.time[i] = t;
    const kind = R.kind[i];
    let ref = e.ref[i], host = -1;
    if (kind === Kind.send) {
      ref = sent++; host = R.m.from[ref]; R.m.sent[ref] = i;
    } else if (kind === Kind.arrive || kind === Kind.lost) {
      const leaving = ref < 0;
      ref = sent - Math.abs(ref);
      host = leaving ? R.m.from[ref] : R.m.to[ref];
      R.m.end[ref] = i; R.m.fate[ref] = kind === Kind.arrive ? Fate.arrived : leaving ? Fate.lostLeaving : Fate.lost;
    } else if (kind === Kind.invoke || kind === Kind.return) {
      host = R.o.host[ref];
      (kind === Kind.invoke ? R.o.from : R.o.to)[ref] = i;
    } else if (kind !== Kind.accused) {
      ref = row++; host = R.s.host[ref];
      if (host >= 0) R.states.push(i);
    }
    R.host[i] = host; R.ref[i] = ref;
  }
  R.end = n ? Math.max(R.time[n - 1], 1) : 1;
}

// firstAfter is the first event later than t.
function firstAfter(R, t) {
  let low = 0, high = R.n;
  while (low < high) { const mid = (low + high) >> 1; if (R.time[mid] <= t) low = mid + 1; else high = mid; }
  return low;
}

// isOfShard says whether an event is about a shard (-1: any).
function isOfShard(R, i, shard) {
  if (shard < 0) return true;
  const ref = R.ref[i];
  switch (R.kind[i]) {
    case Kind.send: case Kind.arrive: case Kind.lost: return messageIsOf(R, ref, shard);
    case Kind.invoke: case Kind.return: return R.o.shard[ref] === shard;
    case Kind.role: case Kind.apply: case Kind.conf: case Kind.lease: case Kind.snapshot: return R.s.shard[ref] === shard;
  }
  return true;
}

function messageIsOf(R, m, shard) {
  if (shard < 0) return true;
  for (let p = R.m.part[m]; p < R.m.part[m + 1]; p++) if (R.p.shard[p] === shard) return true;
  return false;
}

// termOf is the newest term that a message speaks of, for a shard or any: its colour.
function termOf(R, m, shard) {
  let term = 0;
  for (let p = R.m.part[m]; p < R.m.part[m + 1]; p++) if (shard < 0 || R.p.shard[p] === shard) term = Math.max(term, R.p.term[p]);
  return term;
}
