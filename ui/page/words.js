// Words for what is drawn.

// clock says a time of the run in seconds.
const clock = t => (t / 1e6).toFixed(6).replace(/(\d{3})$/, ' $1') + ' s';

// stretch says a length of time as people do.
function stretch(t) {
  if (t >= 1e6) return (t / 1e6).toFixed(1) + ' s';
  if (t >= 1e4) return Math.round(t / 1e3) + ' ms';
  if (t >= 1e3) return (t / 1e3).toFixed(1) + ' ms';
  return Math.round(t) + ' µs';
}

// partText fills the blanks of what a message says.
function partText(R, p) {
  let at = R.p.at[p];
  return R.strings[R.p.text[p]].replace(/#/g, () => R.p.numbers[at++]).replaceAll('\\x23', '#');
}

const partsOf = (R, m) => Array.from({ length: R.m.part[m + 1] - R.m.part[m] }, (_, k) => R.m.part[m] + k);
const classOf = (R, m) => R.strings[R.m.cls[m]];
const hostName = (R, h) => h < 0 ? 'the world' : R.hosts[h].Name;

// messageText is what a message says, to one shard or to all, cut after a few parts.
function messageText(R, m, most = 3, shard = -1) {
  const parts = partsOf(R, m).filter(p => shard < 0 || R.p.shard[p] === shard), said = parts.slice(0, most).map(p => partText(R, p));
  return said.join('; ') + (parts.length > most ? `; and ${parts.length - most} more` : '') || 'nothing';
}

// fateText is what became of a message.
function fateText(R, m) {
  const took = R.m.end[m] >= 0 ? stretch(R.time[R.m.end[m]] - R.time[R.m.sent[m]]) : '', mark = R.m.mark[m];
  const copy = mark & 1 ? 'a copy that the network made, ' : '';
  switch (R.m.fate[m]) {
    case Fate.arrived: return copy + (mark & 2 ? 'late: ' : '') + took + ' on the way';
    case Fate.lost: return copy + 'lost on arriving, after ' + took;
    case Fate.lostLeaving: return copy + 'lost on leaving';
  }
  return copy + 'still on the way';
}

const remarkable = (R, m) => R.m.mark[m] !== 0 || R.m.fate[m] >= Fate.lost;

// eventWords says an event: who, what, and the rest.
function eventWords(R, i) {
  const ref = R.ref[i], who = hostName(R, R.host[i]), s = R.s;
  const text = () => R.strings[s.text[ref]], group = () => shardName(s.shard[ref]), a = () => s.a[ref], b = () => s.b[ref];
  switch (R.kind[i]) {
    case Kind.send: return [who, `sends to ${hostName(R, R.m.to[ref])}`, messageText(R, ref)];
    case Kind.arrive: return [who, `hears from ${hostName(R, R.m.from[ref])}`, messageText(R, ref)];
    case Kind.lost: return [who, R.m.fate[ref] === Fate.lostLeaving ? `loses a message to ${hostName(R, R.m.to[ref])}` : `loses a message from ${hostName(R, R.m.from[ref])}`, messageText(R, ref)];
    case Kind.invoke: return [who, `calls ${R.o.name[ref]}`, `${R.o.asked[ref]} on ${R.o.key[ref]}`];
    case Kind.return: return [who, `ends ${R.o.name[ref]}`, `${R.o.asked[ref]} on ${R.o.key[ref]} ${R.o.got[ref]}`];
    case Kind.role: return [who, `${roles[a()]} in ${group()}`, `term ${s.term[ref]}` + (a() === 2 ? '' : b() ? `, led by ${hostName(R, b() - 1)}` : ', leader unknown')];
    case Kind.apply: return [who, `applies in ${group()}`, `index ${s.index[ref]}, digest ${text()}`];
    case Kind.conf: return [who, `has new members in ${group()}`, text()];
    case Kind.lease: return [who, `${a() ? 'gains' : 'loses'} the lease of ${group()}`, `term ${s.term[ref]}`];
    case Kind.snapshot: return [who, `${['sends a snapshot', 'installs a snapshot', 'gives up a snapshot'][a()]} of ${group()}`, `up to ${s.index[ref]}` + (b() ? ` for ${hostName(R, b() - 1)}` : '')];
    case Kind.map: return [who, 'takes a new map', `epoch ${a()}`];
    case Kind.member: return [who, `believes ${hostName(R, a() - 1)} ${text()}`, ''];
    case Kind.crash: return [who, 'crashes', `${text()}: its memory is gone`];
    case Kind.restart: return [who, 'starts', text()];
    case Kind.pause: return [who, 'freezes', 'nothing runs, what arrives waits'];
    case Kind.resume: return [who, 'goes on', ''];
    case Kind.cut: return [who, `reaches ${hostName(R, a() - 1)} no more`, ''];
    case Kind.mend: return [who, `reaches ${hostName(R, a() - 1)} again`, ''];
    case Kind.moment: return ['the world', text(), ''];
    case Kind.accused: return ['the judge', `oracle ${R.findings[ref].letter}`, R.findings[ref].headline];
  }
  return [who, '', ''];
}

const callWords = (R, op) => `${R.o.name[op]} by ${hostName(R, R.o.host[op])}: ${R.o.asked[op]} on ${R.o.key[op]} ${R.o.got[op]}`;
