// The page: where the reader is (time, event, view, filters), and how to get elsewhere.

class Page {
  constructor(R) {
    this.R = R;
    this.states = new States(R);
    this.tracks = tracksOf(R);
    this.faultRows = rowsOfSpans(R.spans, 3);
    this.longest = this.longestFlight();
    this.guilty = new Set(R.findings.filter(f => f.ops.length).map(f => f.ops[0]));
    this.calls = Array.from({ length: R.o.n }, (_, i) => i).filter(i => R.o.from[i] >= 0).sort((a, b) => R.o.from[a] - R.o.from[b]);
    this.canvas = $('lanes'); this.overview = $('overview');
    this.view = { from: 0, to: R.end };
    this.t = 0; this.at = -1; this.before = -2;
    this.shard = R.shards === 1 ? 1 : -1;
    this.op = -1; this.cone = null; this.finding = -1;
    this.hidden = new Set(); this.table = false; this.playing = 0;
  }

  longestFlight() {
    const R = this.R;
    let most = 0;
    for (let m = 0; m < R.m.n; m++) if (R.m.end[m] >= 0) most = Math.max(most, R.time[R.m.end[m]] - R.time[R.m.sent[m]]);
    return most;
  }

  // What the filters let through.
  showsMessage(m) {
    if (this.cone) return this.cone.marks[this.R.m.sent[m]] && (this.R.m.end[m] < 0 || this.cone.marks[this.R.m.end[m]]) && messageIsOf(this.R, m, this.shard);
    return !this.hidden.has(this.R.m.cls[m]) && messageIsOf(this.R, m, this.shard);
  }
  showsEvent(i) {
    const kind = this.R.kind[i];
    if (this.cone && !this.cone.marks[i]) return false;
    if (kind <= Kind.lost) return this.showsMessage(this.R.ref[i]);
    return isOfShard(this.R, i, this.shard);
  }
  inCone(op) { const f = this.R.o.from[op]; return f >= 0 && !!this.cone.marks[f]; }

  callsIn(view) {
    const R = this.R, out = [];
    for (const op of this.calls) {
      const from = R.time[R.o.from[op]];
      if (from > view.to) break;
      if (R.o.to[op] < 0 || R.time[R.o.to[op]] >= view.from) out.push(op);
    }
    return out;
  }

  // Going elsewhere.
  goEvent(i, say = true) {
    if (i === undefined || i < -1 || i >= this.R.n) return;
    this.before = this.at; this.at = i;
    this.t = i < 0 ? 0 : this.R.time[i];
    this.follow();
    this.refresh();
    if (say && i >= 0) $('spoken').textContent = clock(this.t) + ': ' + eventWords(this.R, i).join(' ');
  }
  goTime(t) {
    this.t = Math.max(0, Math.min(t, this.R.end));
    const i = firstAfter(this.R, this.t) - 1;
    if (i !== this.at) { this.before = this.at; this.at = i; }
    this.refresh();
  }
  step(by) {
    for (let i = this.at + by; i >= 0 && i < this.R.n; i += by) if (this.showsEvent(i)) return this.goEvent(i);
  }
  stepCall(by) {
    const shown = this.calls.filter(op => this.shard < 0 || this.R.o.shard[op] === this.shard);
    let k = this.op >= 0 ? shown.indexOf(this.op) + by : shown.findIndex(op => this.R.o.from[op] >= this.at);
    k = Math.max(0, Math.min(shown.length - 1, k));
    if (shown.length) this.choose(shown[k], this.cone ? this.cone.mode : '');
  }

  // follow keeps the cursor in view.
  follow() {
    const { from, to } = this.view, width = to - from;
    if (this.t < from || this.t > to) this.setView(this.t - width / 2, this.t + width / 2);
  }
  setView(from, to) {
    const width = Math.max(20, Math.min(to - from, this.R.end * 1.01));
    from = Math.max(-width * 0.02, Math.min(from, this.R.end - width * 0.98));
    this.view = { from, to: from + width };
  }
  look(from, to) { this.setView(from, to); this.refresh(); }
  zoom(factor, around = this.t >= this.view.from && this.t <= this.view.to ? this.t : (this.view.from + this.view.to) / 2) {
    this.look(around - (around - this.view.from) * factor, around + (this.view.to - around) * factor);
  }
  // glide looks elsewhere so that the eye can follow.
  glide(from, to) {
    const start = { ...this.view }, begun = performance.now(), length = matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 260;
    const frame = now => {
      const k = length ? Math.min(1, Math.max(0, (now - begun) / length)) : 1, ease = 1 - (1 - k) ** 3;
      const width0 = start.to - start.from, width1 = to - from, width = width0 * (width1 / width0) ** ease; // zoom by factors, not by sums
      const mid0 = (start.from + start.to) / 2, mid1 = (from + to) / 2, share = width0 === width1 ? ease : (width0 - width) / (width0 - width1), mid = mid0 + (mid1 - mid0) * share;
      this.look(mid - width / 2, mid + width / 2);
      if (k < 1) this.gliding = requestAnimationFrame(frame);
    };
    cancelAnimationFrame(this.gliding);
    length ? this.gliding = requestAnimationFrame(frame) : frame(begun);
  }

  setShard(shard) { this.shard = shard; $('shard').value = shard; this.refresh(); }

  // choose selects a call; with a mode it narrows the picture to its cone.
  choose(op, mode) {
    const R = this.R;
    this.op = op;
    this.cone = mode ? coneOf(R, op, mode) : null;
    if (this.shard > 0 && R.o.shard[op] !== this.shard) this.setShard(R.o.shard[op]);
    const end = R.o.to[op] >= 0 ? R.o.to[op] : R.o.from[op];
    this.before = this.at; this.at = end; this.t = R.time[end];
    if (this.cone && this.cone.first >= 0) {
      const from = mode === 'past' ? Math.max(R.time[this.cone.first], R.time[R.o.from[op]] - 4e4) : R.time[this.cone.first], to = R.time[this.cone.last], room = Math.max((to - from) * 0.18, 60);
      this.glide(from - room, to + room);
    }
    this.follow(); this.refresh();
    $('spoken').textContent = callWords(R, op);
  }
  everything() { this.op = -1; this.cone = null; this.refresh(); }

  // accuse shows a finding: the accused, what convicts it, and the time between.
  accuse(k) {
    const R = this.R, f = R.findings[k];
    if (!f) return;
    this.finding = k; this.cone = null;
    if (f.shard > 0) this.setShard(f.shard);
    if (!f.ops.length) { this.goTime(f.at); this.look(f.at - 2e6, f.at + 5e5); return; }
    const times = f.ops.length === 2 ? f.ops : f.ops.slice(0, 1);
    const from = Math.min(...times.map(op => R.time[R.o.from[op]])), to = R.o.to[f.ops[0]] >= 0 ? R.time[R.o.to[f.ops[0]]] : R.time[R.o.from[f.ops[0]]];
    const room = Math.max((to - from) * 0.22, 4e3);
    this.setView(from - room, to + room);
    this.choose(f.ops[0], '');
    showFinding(this);
  }

  // refresh draws what has changed, once per frame.
  refresh() {
    if (this.due) return;
    this.due = requestAnimationFrame(() => { this.due = 0; this.paint(); });
  }
  paint() {
    if (!this.table) { drawLanes(this); }
    drawOverview(this);
    showNow(this); showCall(this); showState(this);
    if (this.table) showTable(this);
    $('scrub').value = Math.round(this.t / this.R.end * 1e6);
    $('scrub').setAttribute('aria-valuetext', clock(this.t));
    this.canvas.setAttribute('aria-label', `Lanes from ${clock(this.view.from)} to ${clock(this.view.to)}; the cursor is at ${clock(this.t)}. The table view says the same in words.`);
    this.writeAddress();
  }

  // The address names what is seen.
  writeAddress() {
    const a = new URLSearchParams();
    a.set('t', (this.t / 1e6).toFixed(6));
    if (this.at >= 0 && firstAfter(this.R, this.t) - 1 !== this.at) a.set('e', this.at);
    a.set('w', ((this.view.to - this.view.from) / 1e6).toPrecision(5));
    a.set('from', (this.view.from / 1e6).toFixed(6));
    if (this.shard >= 0) a.set('shard', this.shard);
    if (this.finding >= 0) a.set('finding', this.finding + 1);
    if (this.op >= 0) a.set('call', this.R.o.name[this.op]);
    if (this.cone) a.set('cone', this.cone.mode);
    if (this.table) a.set('view', 'table');
    this.address = '#' + a;
    try { history.replaceState(null, '', this.address); } catch { /* too often for this browser: the next one will do */ }
  }
  readAddress() {
    const a = new URLSearchParams(location.hash.slice(1)), R = this.R, number = k => a.has(k) && Number.isFinite(+a.get(k)) ? +a.get(k) : undefined;
    if (![...a.keys()].length) return false;
    const shard = number('shard');
    if (shard !== undefined && shard >= -1 && shard <= R.shards) this.shard = shard;
    $('shard').value = this.shard;
    const finding = number('finding');
    if (R.findings.length) this.finding = finding >= 1 && finding <= R.findings.length ? finding - 1 : Math.max(this.finding, 0);
    const call = a.has('call') ? R.o.name.indexOf(a.get('call')) : -1;
    if (call >= 0 && R.o.from[call] >= 0) { this.op = call; this.cone = ['way', 'past'].includes(a.get('cone')) ? coneOf(R, call, a.get('cone')) : null; }
    const t = number('t');
    if (t !== undefined) {
      this.t = Math.max(0, Math.min(t * 1e6, R.end));
      const e = number('e');
      this.at = e >= 0 && e < R.n ? e : firstAfter(R, this.t) - 1;
      const width = (number('w') || 0.2) * 1e6, from = number('from');
      this.setView(from !== undefined ? from * 1e6 : this.t - width / 2, (from !== undefined ? from * 1e6 : this.t - width / 2) + width);
    }
    this.setTable(a.get('view') === 'table');
    return true;
  }

  setTable(on) {
    this.table = on;
    $('picture').hidden = on; $('table').hidden = !on;
    $('view-picture').setAttribute('aria-pressed', String(!on)); $('view-table').setAttribute('aria-pressed', String(on));
    this.refresh();
  }
  setTheme(name) {
    document.documentElement.dataset.theme = name;
    $('theme').textContent = name === 'dark' ? 'Light' : 'Dark';
    readTheme(); showLegend(this); this.refresh();
  }
  otherTheme() { this.setTheme(theme.dark ? 'light' : 'dark'); }

  play() {
    this.playing = this.playing ? 0 : performance.now();
    $('play').textContent = this.playing ? 'Pause' : 'Play';
    const frame = now => {
      if (!this.playing) return;
      const by = (this.view.to - this.view.from) / 8 * (now - this.playing) / 1000; // what is in view takes eight seconds
      this.playing = now;
      this.goTime(this.t + by);
      const lead = this.t - (this.view.from + (this.view.to - this.view.from) * 0.75);
      if (lead > 0) this.setView(this.view.from + lead, this.view.to + lead);
      if (this.t >= this.R.end) return this.play();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }
}

// what is under the pointer, the smallest things first
function under(page, x, y) {
  const h = page.hits;
  if (!h) return null;
  const op = h.operations.findLast(o => x >= o.x0 - 2 && x <= o.x1 + 2 && y >= o.y0 && y <= o.y1);
  if (op) return { op: op.op };
  const mark = h.marks.find(m => Math.abs(m.x - x) < 6 && Math.abs(m.y - y) < 6);
  if (mark) return { event: mark.event };
  let best = null, near = 6;
  for (const a of h.messages) {
    const dx = a.x1 - a.x0, dy = a.y1 - a.y0, k = Math.max(0, Math.min(1, ((x - a.x0) * dx + (y - a.y0) * dy) / (dx * dx + dy * dy || 1)));
    const d = Math.hypot(x - a.x0 - k * dx, y - a.y0 - k * dy);
    if (d < near) { near = d; best = { message: a.m, late: k > 0.5 }; }
  }
  return best || h.spans.filter(s => x >= s.x0 && x <= s.x1 && y >= s.y0 && y <= s.y1).map(span => ({ span }))[0] || null;
}

function tell(page, x, y) {
  const tip = $('tip'), u = under(page, x, y), R = page.R;
  tip.hidden = !u;
  if (!u) return;
  tip.replaceChildren();
  if (u.op !== undefined) { put(tip, 'b', `${R.o.name[u.op]} · ${hostName(R, R.o.host[u.op])}`); tip.append(`${R.o.asked[u.op]} on ${R.o.key[u.op]} ${R.o.got[u.op]}`); }
  else if (u.message !== undefined) { const m = u.message; put(tip, 'b', `${classOf(R, m)} · ${hostName(R, R.m.from[m])} → ${hostName(R, R.m.to[m])}`); tip.append(messageText(R, m) + ' — ' + fateText(R, m)); }
  else if (u.event !== undefined) tip.append(eventWords(R, u.event).join(' '));
  else tip.append(u.span.text);
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.min(x + 14, page.L.w - box.width - 8) + 'px';
  tip.style.top = (y + 18 + box.height > page.L.h ? y - box.height - 10 : y + 18) + 'px';
}

function followPointer(page) {
  const c = page.canvas;
  let drag = null;
  const place = e => { const b = c.getBoundingClientRect(); return [e.clientX - b.left, e.clientY - b.top]; };
  c.addEventListener('pointerdown', e => { const [x, y] = place(e); drag = { x, y, view: { ...page.view }, moved: false, ruler: y < 28 }; c.setPointerCapture(e.pointerId); });
  c.addEventListener('pointermove', e => {
    const [x, y] = place(e);
    if (!drag) return tell(page, x, y);
    if (drag.ruler) return page.goTime(page.L.t(x));
    drag.moved ||= Math.abs(x - drag.x) > 3;
    if (!drag.moved) return;
    $('tip').hidden = true; c.style.cursor = 'grabbing';
    const by = (drag.x - x) / (page.L.right - page.L.left) * (drag.view.to - drag.view.from);
    page.look(drag.view.from + by, drag.view.to + by);
  });
  c.addEventListener('pointerup', e => { const was = drag, [x, y] = place(e); drag = null; c.style.cursor = ''; if (was && !was.moved) click(page, x, y); });
  c.addEventListener('pointercancel', () => { drag = null; });
  c.addEventListener('pointerleave', () => { $('tip').hidden = true; });
  c.addEventListener('wheel', e => {
    e.preventDefault();
    const [x] = place(e), width = page.view.to - page.view.from;
    if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { const by = (e.deltaX || e.deltaY) / 900 * width; page.look(page.view.from + by, page.view.to + by); }
    else page.zoom(Math.exp(Math.max(-120, Math.min(120, e.deltaY)) * 0.0035), page.L.t(x));
  }, { passive: false });
  c.addEventListener('dblclick', e => page.zoom(0.3, page.L.t(place(e)[0])));
}

function click(page, x, y) {
  const u = under(page, x, y), R = page.R;
  if (u?.op !== undefined) return page.choose(u.op, 'way');
  if (u?.message !== undefined) return page.goEvent(u.late && R.m.end[u.message] >= 0 ? R.m.end[u.message] : R.m.sent[u.message]);
  if (u?.event !== undefined) return page.goEvent(u.event);
  page.goTime(page.L.t(x));
}

const cones = ['way', 'past', ''];

function followKeys(page) {
  const wide = () => (page.view.to - page.view.from) / 10;
  const keys = {
    ArrowRight: e => e.shiftKey ? (page.goTime(page.t + wide()), page.follow()) : page.step(1),
    ArrowLeft: e => e.shiftKey ? (page.goTime(page.t - wide()), page.follow()) : page.step(-1),
    ' ': () => page.play(), '+': () => page.zoom(0.5), '=': () => page.zoom(0.5), '-': () => page.zoom(2), 0: () => page.look(0, page.R.end),
    n: () => page.accuse((page.finding + 1) % page.R.findings.length), p: () => page.accuse((page.finding + page.R.findings.length - 1) % page.R.findings.length),
    j: () => page.stepCall(1), k: () => page.stepCall(-1),
    c: () => page.op >= 0 && page.choose(page.op, cones[(cones.indexOf(page.cone ? page.cone.mode : '') + 1) % 3]),
    s: () => page.setShard(page.shard >= page.R.shards ? -1 : page.shard + 1),
    t: () => page.setTable(!page.table), d: () => page.otherTheme(), '?': () => $('keys').showModal(), Escape: () => page.everything(),
  };
  addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || $('keys').open || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) && !/^[a-z?]$/.test(e.key)) return;
    if ((e.key === ' ' || e.key === 'Enter') && /^(BUTTON|SUMMARY|A)$/.test(e.target.tagName)) return;
    const act = keys[e.key];
    if (act) { e.preventDefault(); act(e); }
  });
}

function followButtons(page) {
  const on = (id, act) => $(id).addEventListener('click', act);
  on('back', () => page.step(-1)); on('forth', () => page.step(1)); on('play', () => page.play());
  on('in', () => page.zoom(0.5)); on('out', () => page.zoom(2)); on('fit', () => page.glide(0, page.R.end));
  on('view-picture', () => page.setTable(false)); on('view-table', () => page.setTable(true));
  on('theme', () => page.otherTheme()); on('help', () => $('keys').showModal());
  on('how-close', () => { $('how').hidden = true; remember('torc-how', 'read'); });
  on('finding-next', () => page.accuse((page.finding + 1) % page.R.findings.length));
  on('finding-before', () => page.accuse((page.finding + page.R.findings.length - 1) % page.R.findings.length));
  on('finding-way', () => page.choose(page.R.findings[page.finding].ops[0], 'way'));
  on('finding-past', () => page.choose(page.R.findings[page.finding].ops[0], 'past'));
  on('cone-way', () => page.choose(page.op, 'way')); on('cone-past', () => page.choose(page.op, 'past')); on('cone-off', () => { page.cone = null; page.refresh(); });
  on('copy', () => navigator.clipboard?.writeText(page.R.replay).then(() => { $('copy').textContent = 'Copied'; }, () => {}));
  $('shard').addEventListener('change', () => page.setShard(+$('shard').value));
  $('scrub').addEventListener('input', () => { page.goTime(+$('scrub').value / 1e6 * page.R.end); page.follow(); });
}

// What a reader has seen and chosen is remembered where the browser allows it.
function remember(key, value) { try { localStorage.setItem(key, value); } catch { /* then not */ } }
function remembered(key) { try { return localStorage.getItem(key); } catch { return null; } }

async function open() {
  const begun = performance.now(), R = await readRecording();
  document.documentElement.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  readTheme();
  $('loading').hidden = true; $('app').hidden = false;
  const page = new Page(R);
  showAbout(page);
  $('how').hidden = remembered('torc-how') === 'read';
  $('theme').textContent = theme.dark ? 'Light' : 'Dark';
  $('shard').value = page.shard;
  followPointer(page); followOverview(page); followKeys(page); followButtons(page);
  if (!page.readAddress()) R.findings.length ? page.accuse(0) : page.goTime(R.end / 2);
  showFinding(page); showLegend(page);
  page.before = page.at; // nothing has changed yet
  page.paint();
  new ResizeObserver(() => page.refresh()).observe($('stage'));
  addEventListener('hashchange', () => { if (location.hash !== page.address && page.readAddress()) { showFinding(page); page.refresh(); } });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', e => page.setTheme(e.matches ? 'dark' : 'light'));
  document.documentElement.dataset.opened = Math.round(performance.now()); // since navigation began
  document.documentElement.dataset.unpacked = Math.round(performance.now() - begun);
}

open().catch(e => { $('loading').textContent = 'The run could not be unpacked: ' + e.message + '. A browser of 2023 or later is needed.'; throw e; });
