// What every node is at any moment: a fold of events, with checkpoints, so that scrubbing is quick.

const checkpointEvery = 1000;

class States {
  constructor(R) {
    this.R = R;
    this.checkpoints = [];
    const s = emptyState(R);
    R.states.forEach((i, n) => {
      if (n % checkpointEvery === 0) this.checkpoints.push(copyState(s));
      takeEvent(R, s, i);
    });
    if (!this.checkpoints.length) this.checkpoints.push(s);
  }

  // at is the state after event i.
  at(i) {
    const all = this.R.states;
    let low = 0, high = all.length;
    while (low < high) { const mid = (low + high) >> 1; if (all[mid] <= i) low = mid + 1; else high = mid; }
    const c = Math.min(Math.floor(Math.max(low - 1, 0) / checkpointEvery), this.checkpoints.length - 1), s = copyState(this.checkpoints[c]);
    for (let n = c * checkpointEvery; n < low; n++) takeEvent(this.R, s, all[n]);
    return s;
  }
}

const emptyNode = () => ({ status: 'not started', life: '', map: 0, cut: [], believes: [], shards: [] });
const emptyState = R => Array.from({ length: R.nodes }, emptyNode);
const copyState = s => s.map(n => ({ ...n, cut: n.cut.slice(), believes: n.believes.slice(), shards: n.shards.map(g => g && { ...g }) }));

function takeEvent(R, state, i) {
  const row = R.ref[i], s = R.s, n = state[s.host[row]];
  if (!n) return cutClient(R, state, i);
  const shard = s.shard[row], g = n.shards[shard] || { role: 0, term: 0, leader: -1, applied: 0, digest: '', lease: false, conf: '' };
  switch (R.kind[i]) {
    case Kind.role: g.role = s.a[row]; g.term = s.term[row]; g.leader = s.b[row] - 1; if (g.role !== 2) g.lease = false; n.shards[shard] = g; break;
    case Kind.apply: g.applied = s.index[row]; g.digest = R.strings[s.text[row]]; n.shards[shard] = g; break;
    case Kind.conf: g.conf = R.strings[s.text[row]]; n.shards[shard] = g; break;
    case Kind.lease: g.lease = s.a[row] === 1; n.shards[shard] = g; break;
    case Kind.map: n.map = s.a[row]; break;
    case Kind.member: n.believes[s.a[row] - 1] = R.strings[s.text[row]]; break;
    case Kind.crash: Object.assign(n, { status: 'down', map: 0, believes: [], shards: [] }); break;
    case Kind.restart: Object.assign(n, { status: 'running', life: R.strings[s.text[row]], map: 0, believes: [], shards: [] }); break;
    case Kind.pause: n.status = 'frozen'; break;
    case Kind.resume: n.status = 'running'; break;
    case Kind.cut: n.cut[s.a[row] - 1] = true; break;
    case Kind.mend: n.cut[s.a[row] - 1] = false; break;
  }
}

// cutClient: clients have no state but their links, and those are not shown in the table.
function cutClient() {}

const roles = ['follows', 'stands', 'leads', 'asks around']; // for votes: 'asks around' is PreVote

// rowsOf says a state as the table shows it: for one shard line by line, for all in a line each.
function rowsOf(R, state, shard) {
  const names = R.hosts, rows = [];
  const row = (label, cell, long) => rows.push({ label, cells: state.map(cell), long });
  row('process', n => n.status);
  row('life', n => n.life.replace('life ', '').replace(', incarnation ', ' · #'));
  row('map epoch', n => n.map ? String(n.map) : '–');
  row('reaches', (n, i) => names.slice(0, R.nodes).filter((_, j) => j !== i && !n.cut[j]).map(h => h.Name).join(' ') || 'nobody');
  row('suspects', n => n.believes.map((b, j) => b && b !== 'alive' ? names[j].Name + ' ' + b : '').filter(Boolean).join(', ') || '–', true);
  const groups = shard >= 0 ? [shard] : Array.from({ length: R.shards + 1 }, (_, i) => (i + 1) % (R.shards + 1));
  for (const id of groups) {
    const of = f => n => n.shards[id] ? f(n.shards[id]) : '–';
    if (shard < 0) {
      row(shardName(id), n => { const g = n.shards[id]; return g ? { text: (g.role === 0 ? '' : roles[g.role] + ' ') + g.applied, term: g.term, leads: g.role === 2 } : '–'; });
      continue;
    }
    row('role', n => { const g = n.shards[id]; return g ? { text: roles[g.role], leads: g.role === 2, term: g.term } : '–'; });
    row('term', of(g => String(g.term)));
    row('leader', of(g => g.leader >= 0 ? names[g.leader].Name : 'unknown'));
    row('lease', of(g => g.role !== 2 ? '–' : g.lease ? 'held' : 'none'));
    row('applied', of(g => String(g.applied)));
    row('digest', of(g => g.digest || '–'));
    row('members', of(g => g.conf || 'as it began'), true);
  }
  return rows;
}

const shardName = id => id === 0 ? 'meta' : 'shard ' + id;
