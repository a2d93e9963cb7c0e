// The column of words: what happens now, the call that was clicked, what each node is.

const $ = id => document.getElementById(id);

function put(parent, tag, text, attributes = {}) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  for (const [k, v] of Object.entries(attributes)) if (v !== false && v !== undefined) e.setAttribute(k, v);
  parent.append(e);
  return e;
}

function showNow(page) {
  const R = page.R, i = page.at, parts = $('now-parts');
  parts.replaceChildren();
  $('clock').textContent = clock(page.t);
  if (i < 0) { $('now-what').textContent = 'The run has not begun.'; return; }
  const [who, what, rest] = eventWords(R, i), kind = R.kind[i];
  $('now-what').textContent = `${who} ${what}`;
  const add = (name, text) => { put(parts, 'dt', name); put(parts, 'dd', text); };
  add('at', clock(R.time[i]));
  if (kind === Kind.send || kind === Kind.arrive || kind === Kind.lost) {
    const m = R.ref[i];
    for (const p of partsOf(R, m).slice(0, 8)) add(R.p.shard[p] >= 0 ? shardName(R.p.shard[p]) + (R.p.term[p] ? ' · term ' + R.p.term[p] : '') : 'says', partText(R, p));
    if (partsOf(R, m).length > 8) add('', `and ${partsOf(R, m).length - 8} more`);
    add('then', fateText(R, m));
  } else if (rest && kind !== Kind.invoke && kind !== Kind.return) add('with', rest);
  else if (rest && R.ref[i] !== page.op) add('call', rest);
}

function showCall(page) {
  const R = page.R, op = page.op, card = $('call');
  card.hidden = op < 0;
  if (op < 0) return;
  $('call-what').textContent = callWords(R, op);
  const from = R.time[R.o.from[op]], to = R.o.to[op] >= 0 ? R.time[R.o.to[op]] : NaN;
  const took = Number.isNaN(to) ? 'It was never answered.' : `From ${clock(from)}, for ${stretch(to - from)}.`;
  $('call-note').textContent = took + ' ' + coneWords(page);
  for (const [id, mode] of [['cone-way', 'way'], ['cone-past', 'past'], ['cone-off', '']]) $(id).setAttribute('aria-pressed', String((page.cone ? page.cone.mode : '') === mode));
}

// coneWords say what the picture is narrowed to.
function coneWords(page) {
  if (!page.cone) return '';
  if (page.cone.mode === 'past') return `Shown: the ${page.cone.count.toLocaleString('en')} events of the second before that could have reached its answer.`;
  return `Shown: the ${page.cone.count.toLocaleString('en')} events that the question caused` + (page.R.o.outcome[page.op] === 2 ? '.' : ' and the answer waited for.');
}

function showState(page) {
  const R = page.R, table = $('state'), now = rowsOf(R, page.states.at(page.at), page.shard);
  const before = page.before >= -1 ? rowsOf(R, page.states.at(page.before), page.shard) : now;
  $('state-note').textContent = page.shard < 0 ? 'applied index; who leads' : shardName(page.shard);
  const head = document.createElement('thead'), row = put(head, 'tr');
  put(row, 'td');
  R.hosts.slice(0, R.nodes).forEach(h => put(row, 'th', h.Name, { scope: 'col' }));
  const body = document.createElement('tbody');
  now.forEach((r, k) => {
    const tr = put(body, 'tr', undefined, { class: r.long ? 'long' : undefined });
    put(tr, 'th', r.label, { scope: 'row' });
    r.cells.forEach((cell, n) => {
      const text = cellText(cell), was = cellText(before[k].cells[n]), td = put(tr, 'td');
      if (cell.term) put(td, 'span', '', { class: 'swatch' }).style.background = termColour(cell.term, cell.leads ? 1 : 0.35);
      put(td, 'span', text, { class: cell.leads ? 'leads' : text === 'down' || text === 'frozen' || text === 'nobody' ? 'bad' : undefined });
      if (text !== was) { td.className = 'changed'; put(td, 'small', was); }
    });
  });
  table.replaceChildren(head, body);
}

const cellText = c => typeof c === 'string' ? c : c.text;

function showFinding(page) {
  const f = page.R.findings[page.finding], strip = $('finding');
  strip.hidden = !page.R.findings.length;
  if (!f) return;
  $('headline').textContent = f.headline;
  $('sentence').textContent = `${f.sentence}. (${f.letter}: ${f.meaning})` + notKnown(page, f);
  $('finding-count').textContent = `${page.finding + 1} of ${page.R.findings.length}`;
  $('finding-way').hidden = $('finding-past').hidden = !f.ops.length;
}

// notKnown says, if it is so, that no chain of messages could have told the accused what it should have known.
function notKnown(page, f) {
  if (f.ops.length !== 2) return '';
  const R = page.R, [accused, witness] = f.ops;
  f.unknown ??= R.o.from[accused] >= 0 && R.o.from[witness] >= 0 && !couldKnow(R, witness, accused);
  return f.unknown ? ` No chain of messages leads from ${R.o.name[witness]} to this answer: whoever gave it could not have known.` : '';
}

function showAbout(page) {
  const R = page.R;
  document.title = R.title;
  $('title').textContent = R.title;
  const colon = R.verdict.indexOf(':');
  $('verdict').textContent = colon > 0 ? R.verdict.slice(0, colon) : R.verdict;
  $('verdict').title = R.verdict;
  $('verdict').className = 'verdict ' + (R.good ? 'good' : 'bad');
  $('story').textContent = R.story;
  $('replay').textContent = R.replay;
  R.facts.forEach(f => { put($('facts'), 'dt', f.Name); put($('facts'), 'dd', f.Text); });
  R.notes.forEach(n => put($('notes'), 'li', n));
  R.links.forEach(l => { put($('links'), 'a', l.Text, { href: safeLink(l.Href) }); $('links').append(' '); });
  const pick = $('shard');
  put(pick, 'option', 'all', { value: -1 });
  for (let s = 1; s <= R.shards; s++) put(pick, 'option', s, { value: s });
  put(pick, 'option', 'meta', { value: 0 });
}

// safeLink lets files beside the page through, and nothing that could run.
const safeLink = href => /^[\w.\-/]+$/.test(href) ? href : '#';

// showLegend explains the signs, and filters by class of message.
function showLegend(page) {
  const bar = $('legend'), R = page.R;
  bar.replaceChildren();
  const filters = put(bar, 'span', '', { class: 'filters' });
  const counts = new Map();
  for (let m = 0; m < R.m.n; m++) counts.set(R.m.cls[m], (counts.get(R.m.cls[m]) || 0) + 1);
  [...counts].sort((a, b) => b[1] - a[1]).forEach(([cls, n]) => {
    const b = put(filters, 'button', R.strings[cls], { 'aria-pressed': String(!page.hidden.has(cls)), title: `${n.toLocaleString('en')} messages: show or hide` });
    b.addEventListener('click', () => { page.hidden.has(cls) ? page.hidden.delete(cls) : page.hidden.add(cls); b.setAttribute('aria-pressed', String(!page.hidden.has(cls))); page.refresh(); });
  });
  const key = (paint, text) => {
    const k = put(bar, 'span', '', { class: 'key' }), c = put(k, 'canvas', undefined, { 'aria-hidden': 'true' });
    c.style.width = '26px'; c.style.height = '12px';
    const f = fitCanvas(c);
    paint(f.ctx); put(k, 'span', text);
  };
  const stroke = (c, colour, dash = []) => { c.strokeStyle = c.fillStyle = colour; c.lineWidth = 1.6; c.setLineDash(dash); line(c, 1, 6, 22, 6); c.setLineDash([]); };
  key(c => { c.fillStyle = termColour(4); c.fillRect(0, 0, 26, 12); crown(c, 7, 1, theme.sheet); }, 'leads');
  key(c => { c.fillStyle = theme.ink; c.fillRect(0, 8, 26, 4); }, 'holds the lease');
  key(c => { c.fillStyle = hatch(c, termColour(4), 5); c.fillRect(0, 0, 26, 12); }, 'stands for election');
  key(c => { stroke(c, theme.soft, [3, 3]); cross(c, 21, 6); }, 'lost');
  key(c => stroke(c, theme.violet, [7, 2]), 'doubled');
  key(c => stroke(c, theme.amber), 'late');
  key(c => { c.fillStyle = theme.amber; c.globalAlpha = 0.24; c.fillRect(0, 0, 26, 12); }, 'links cut');
  key(c => { c.fillStyle = hatch(c, theme.hatch, 6); c.fillRect(0, 0, 26, 12); }, 'frozen');
  key(c => { tear(c, 9, 2, 8); }, 'crash');
}
