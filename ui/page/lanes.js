// The lanes: what each node was, over time, and what each client called.

// tracksOf gathers stretches of equal state, by node and by shard, once for all drawing.
function tracksOf(R) {
  const nodes = Array.from({ length: R.nodes }, () => ({ process: [], shards: [], marks: [], out: [], in: [], cuts: [] }));
  const last = list => list[list.length - 1];
  const begin = (list, t, what) => { const l = last(list); if (l && l.to === Infinity) l.to = t; if (what) list.push({ from: t, to: Infinity, ...what }); };
  const group = (n, id) => n.shards[id] ||= { roles: [], lease: [], applied: [] };
  const cutOut = Array.from({ length: R.nodes }, () => new Set()), cutIn = Array.from({ length: R.nodes }, () => new Set());
  const cutsChanged = (h, t) => begin(nodes[h].cuts, t, cutOut[h].size + cutIn[h].size ? { out: cutOut[h].size, in: cutIn[h].size } : null);
  for (const i of R.states) {
    const row = R.ref[i], s = R.s, h = s.host[row], n = nodes[h], t = R.time[i], shard = s.shard[row];
    switch (R.kind[i]) {
      case Kind.cut: case Kind.mend: {
        const to = s.a[row] - 1, is = R.kind[i] === Kind.cut ? 'add' : 'delete';
        if (n && to < R.nodes) { cutOut[h][is](to); cutIn[to][is](h); cutsChanged(h, t); cutsChanged(to, t); }
        continue;
      }
    }
    if (!n) continue;
    switch (R.kind[i]) {
      case Kind.role: begin(group(n, shard).roles, t, { role: s.a[row], term: s.term[row] }); if (s.a[row] !== 2) begin(group(n, shard).lease, t, null); break;
      case Kind.lease: begin(group(n, shard).lease, t, s.a[row] ? { term: s.term[row] } : null); break;
      case Kind.apply: group(n, shard).applied.push(t); break;
      case Kind.conf: case Kind.snapshot: n.marks.push({ t, event: i, shard, kind: R.kind[i] }); break;
      case Kind.crash: case Kind.restart:
        begin(n.process, t, R.kind[i] === Kind.crash ? { status: 'down', text: R.strings[s.text[row]] } : { status: 'up', text: R.strings[s.text[row]] });
        for (const g of n.shards) if (g) { begin(g.roles, t, null); begin(g.lease, t, null); }
        break;
      case Kind.pause: begin(n.process, t, { status: 'frozen' }); break;
      case Kind.resume: begin(n.process, t, { status: 'up', again: true }); break;
    }
  }
  return nodes;
}

// rowsOfSpans puts faults that overlap into different rows, as many as there are.
function rowsOfSpans(spans, most) {
  const ends = [], lasts = [];
  for (const s of spans) {
    let row = ends.findIndex(end => end <= s.from);
    if (row < 0) row = ends.length < most ? ends.length : ends.indexOf(Math.min(...ends));
    ends[row] = s.to; s.row = row;
    const before = lasts[row];
    if (before) before.next = s.from;
    s.next = Infinity; lasts[row] = s;
  }
  return Math.max(1, ends.length);
}

// layout says where everything is, in a picture of this size.
function layout(page, w, h) {
  const R = page.R, clients = R.hosts.length - R.nodes;
  const L = { w, h, left: 74, right: w - 12, ruler: 26, faults: page.faultRows, faultTop: 30, faultRow: 18 };
  L.clientRow = Math.max(9, Math.min(19, (h * 0.34) / Math.max(clients, 1)));
  L.clientTop = h - clients * L.clientRow - 8;
  const top = L.faultTop + L.faults * L.faultRow + 8, pitch = (L.clientTop - 10 - top) / Math.max(R.nodes, 1);
  L.band = Math.max(12, Math.min(46, pitch * 0.42));
  L.y = R.hosts.map((_, i) => i < R.nodes ? top + pitch * (i + 0.5) : L.clientTop + (i - R.nodes + 0.5) * L.clientRow);
  L.x = t => L.left + (t - page.view.from) / (page.view.to - page.view.from) * (L.right - L.left);
  L.t = x => page.view.from + (x - L.left) / (L.right - L.left) * (page.view.to - page.view.from);
  return L;
}

// inView is the part of a list of stretches that touches the view.
function inView(list, view) {
  let low = 0, high = list.length;
  while (low < high) { const mid = (low + high) >> 1; if (list[mid].to < view.from) low = mid + 1; else high = mid; }
  const out = [];
  for (let i = low; i < list.length && list[i].from <= view.to; i++) out.push(list[i]);
  return out;
}

function drawLanes(page) {
  const { ctx, w, h } = fitCanvas(page.canvas), L = page.L = layout(page, w, h);
  page.hits = { messages: [], operations: [], marks: [], spans: [] };
  page.labelled = [];
  ctx.textBaseline = 'middle';
  drawRuler(ctx, page, L);
  ctx.save();
  ctx.beginPath(); ctx.rect(L.left, 0, L.right - L.left, h); ctx.clip();
  drawFaults(ctx, page, L);
  for (let n = 0; n < page.R.nodes; n++) drawCuts(ctx, page, L, n);
  drawRails(ctx, page, L);
  drawArrows(ctx, page, L);
  for (let n = 0; n < page.R.nodes; n++) drawNode(ctx, page, L, n);
  drawCalls(ctx, page, L);
  drawAccusation(ctx, page, L);
  drawSelected(ctx, page, L);
  ctx.restore();
  drawNames(ctx, page, L);
}

// steps of the ruler, in microseconds
const rulerSteps = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 6e7, 3e8];

function drawRuler(ctx, page, L) {
  const width = page.view.to - page.view.from, step = rulerSteps.find(s => s / width * (L.right - L.left) > 84) || 6e8;
  ctx.font = '11px ' + theme.sans; ctx.textAlign = 'center';
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step / 1e6) - 1e-9)));
  for (let t = Math.ceil(page.view.from / step) * step; t <= page.view.to; t += step) {
    const x = Math.round(L.x(t)) + 0.5;
    ctx.strokeStyle = theme.hair; ctx.lineWidth = 1;
    ctx.beginPath(); ctx.moveTo(x, L.ruler - 4); ctx.lineTo(x, L.h); ctx.stroke();
    ctx.fillStyle = theme.soft; ctx.fillText((t / 1e6).toFixed(digits) + ' s', x, 12);
  }
}

function drawFaults(ctx, page, L) {
  ctx.font = '11px ' + theme.sans; ctx.textAlign = 'left';
  for (const s of page.R.spans) {
    if (s.to < page.view.from || s.from > page.view.to) continue;
    const x0 = Math.max(L.x(s.from), L.left - 4), x1 = Math.min(Math.max(L.x(s.to), L.x(s.from) + 2), L.right + 4), y = L.faultTop + s.row * L.faultRow;
    ctx.fillStyle = theme.amber; ctx.globalAlpha = 0.16; box(ctx, x0, y, x1 - x0, L.faultRow - 3, 3); ctx.fill();
    ctx.globalAlpha = 1; ctx.fillRect(x0, y, 2, L.faultRow - 3);
    const at = Math.max(x0, L.left) + 7, room = Math.min(x1, L.x(s.next)) - at - 3;
    if (room > 30) label(ctx, s.text, at, y + (L.faultRow - 3) / 2, room, theme.ink);
    page.hits.spans.push({ x0, x1, y0: y, y1: y + L.faultRow, text: s.text + (s.to > s.from ? ' · ' + stretch(s.to - s.from) : ''), t: s.from });
  }
}

// drawCuts shows which links of a node are cut: the upper half of the band, what it sends; the lower, what it hears.
function drawCuts(ctx, page, L, n) {
  const others = Math.max(page.R.nodes - 1, 1), y = L.y[n], out = L.band / 2 + 8;
  for (const c of inView(page.tracks[n].cuts, page.view)) {
    const x0 = L.x(Math.max(c.from, page.view.from)), x1 = L.x(Math.min(c.to, page.view.to));
    ctx.fillStyle = theme.amber;
    if (c.out) { ctx.globalAlpha = 0.1 + 0.14 * Math.min(c.out / others, 1); ctx.fillRect(x0, y - out, x1 - x0, out); }
    if (c.in) { ctx.globalAlpha = 0.1 + 0.14 * Math.min(c.in / others, 1); ctx.fillRect(x0, y, x1 - x0, out); }
    ctx.globalAlpha = 0.55;
    if (c.from >= page.view.from) ctx.fillRect(x0, y - (c.out ? out : 0), 1, (c.out ? out : 0) + (c.in ? out : 0));
    if (c.to <= page.view.to) ctx.fillRect(x1 - 1, y - (c.out ? out : 0), 1, (c.out ? out : 0) + (c.in ? out : 0));
    ctx.globalAlpha = 1;
    const deaf = c.in >= others, mute = c.out >= others;
    if (x1 - x0 > 60 && (deaf || mute)) {
      ctx.font = '10px ' + theme.sans; ctx.textAlign = 'left';
      label(ctx, deaf && mute ? 'cut off' : deaf ? 'hears nobody' : 'heard by nobody', x0 + 5, c.out ? y - out + 5 : y + out - 5, x1 - x0 - 8, theme.amber);
    }
  }
}

function drawRails(ctx, page, L) {
  ctx.strokeStyle = theme.rule; ctx.lineWidth = 1;
  for (let i = 0; i < page.R.hosts.length; i++) {
    const y = Math.round(L.y[i]) + 0.5;
    ctx.beginPath(); ctx.moveTo(L.left, y); ctx.lineTo(L.right, y); ctx.stroke();
  }
}

// shardsShown lists the shards that a lane has tracks for, the meta group last.
function shardsShown(page) {
  if (page.shard >= 0) return [page.shard];
  return Array.from({ length: page.R.shards + 1 }, (_, i) => (i + 1) % (page.R.shards + 1));
}

function drawNode(ctx, page, L, n) {
  const track = page.tracks[n], top = L.y[n] - L.band / 2, shards = shardsShown(page), each = L.band / shards.length;
  ctx.fillStyle = theme.sheet; // the band covers arrows that pass behind it
  for (const p of inView(track.process, page.view)) if (p.status !== 'down') ctx.fillRect(L.x(Math.max(p.from, page.view.from)), top, L.x(Math.min(p.to, page.view.to)) - L.x(Math.max(p.from, page.view.from)), L.band);
  shards.forEach((id, k) => track.shards[id] && drawGroup(ctx, page, L, track.shards[id], top + k * each, each - (shards.length > 1 ? 1 : 0), shards.length === 1));
  ctx.strokeStyle = theme.rule; ctx.lineWidth = 1;
  for (const p of inView(track.process, page.view)) drawProcess(ctx, page, L, p, top);
  for (const m of track.marks) if (m.t >= page.view.from && m.t <= page.view.to && (page.shard < 0 || m.shard === page.shard)) drawMark(ctx, page, L, m, top);
}

function drawGroup(ctx, page, L, g, y, height, alone) {
  for (const s of inView(g.roles, page.view)) {
    const x0 = L.x(Math.max(s.from, page.view.from)), x1 = L.x(Math.min(s.to, page.view.to)), width = Math.max(x1 - x0, 0.75);
    if (s.role === 2) {
      ctx.fillStyle = termColour(s.term, 0.92); ctx.fillRect(x0, y, width, height);
      if (alone && width > 24) {
        crown(ctx, x0 + 7, y + height / 2 - 5, theme.sheet);
        ctx.font = '600 12px ' + theme.sans; ctx.textAlign = 'left';
        if (width > 60) label(ctx, 'term ' + s.term, x0 + 25, y + height / 2 + 0.5, width - 30, theme.sheet);
      } else if (!alone && width > 18 && height >= 8) crown(ctx, x0 + 3, y + height / 2 - 3, theme.sheet, 0.62);
    } else if (s.role === 0) {
      ctx.fillStyle = termColour(s.term, theme.dark ? 0.26 : 0.2); ctx.fillRect(x0, y, width, height);
      if (alone && width > 70) { ctx.font = '12px ' + theme.sans; ctx.textAlign = 'left'; label(ctx, 'term ' + s.term, x0 + 7, y + height / 2 + 0.5, width - 12, theme.soft); }
    } else {
      ctx.fillStyle = termColour(s.term, 0.22); ctx.fillRect(x0, y, width, height);
      ctx.fillStyle = hatch(ctx, termColour(s.term, 0.9), 5); ctx.fillRect(x0, y, width, height);
      if (alone && width > 90) { ctx.font = '12px ' + theme.sans; ctx.textAlign = 'left'; label(ctx, (s.role === 1 ? 'stands, term ' : 'asks around, term ') + s.term, x0 + 7, y + height / 2 + 0.5, width - 12, theme.ink); }
    }
  }
  if (alone) {
    for (const s of inView(g.lease, page.view)) { // under a leader that may answer from memory
      const x0 = L.x(Math.max(s.from, page.view.from)), x1 = L.x(Math.min(s.to, page.view.to));
      ctx.fillStyle = theme.ink; ctx.fillRect(x0, y + height - 4, x1 - x0, 4);
    }
    drawApplied(ctx, page, L, g, y);
  }
}

// drawApplied ticks the upper edge of a lane where entries were applied.
function drawApplied(ctx, page, L, g, y) {
  ctx.fillStyle = theme.ink; ctx.globalAlpha = 0.55;
  let low = 0, high = g.applied.length, lastX = -9;
  while (low < high) { const mid = (low + high) >> 1; if (g.applied[mid] < page.view.from) low = mid + 1; else high = mid; }
  for (let i = low; i < g.applied.length && g.applied[i] <= page.view.to; i++) {
    const x = L.x(g.applied[i]);
    if (x - lastX > 1.5) { ctx.fillRect(x - 0.5, y, 1, 5); lastX = x; }
  }
  ctx.globalAlpha = 1;
}

function drawProcess(ctx, page, L, p, top) {
  const x0 = L.x(Math.max(p.from, page.view.from)), x1 = L.x(Math.min(p.to, page.view.to)), began = p.from >= page.view.from;
  ctx.font = '10px ' + theme.sans; ctx.textAlign = 'left';
  if (p.status === 'frozen') {
    ctx.fillStyle = theme.sheet; ctx.globalAlpha = 0.55; ctx.fillRect(x0, top, x1 - x0, L.band); ctx.globalAlpha = 1;
    ctx.fillStyle = hatch(ctx, theme.hatch, 7); ctx.fillRect(x0, top - 3, x1 - x0, L.band + 6);
    if (x1 - x0 > 50) label(ctx, 'frozen', x0 + 5, top + L.band / 2, x1 - x0 - 8, theme.ink, true);
  } else if (p.status === 'down') {
    ctx.fillStyle = theme.sheet; ctx.fillRect(x0, top - 2, x1 - x0, L.band + 4);
    ctx.strokeStyle = theme.faint; ctx.setLineDash([2, 4]); line(ctx, x0, top + L.band / 2, x1, top + L.band / 2); ctx.setLineDash([]);
    if (began) tear(ctx, x0, top, L.band);
    if (x1 - x0 > 40) label(ctx, 'down', x0 + 8, top + L.band / 2, x1 - x0 - 12, theme.soft, true);
  } else if (began && !p.again) {
    ctx.strokeStyle = theme.ink; ctx.lineWidth = 1.5; line(ctx, x0, top - 5, x0, top + L.band + 3); ctx.lineWidth = 1;
    label(ctx, p.text.replace(', incarnation ', ' · #'), x0 + 4, top - 8, Math.min(x1 - x0 - 4, 160), theme.soft, true);
  }
}

// tear is the edge at which a life ends.
function tear(ctx, x, y, height) {
  ctx.strokeStyle = theme.ink; ctx.lineWidth = 1.5; ctx.beginPath(); ctx.moveTo(x, y - 4);
  for (let k = 0, steps = Math.max(4, Math.round(height / 6)); k <= steps; k++) ctx.lineTo(x + (k % 2 ? 4 : -2), y - 4 + (height + 8) * k / steps);
  ctx.stroke(); ctx.lineWidth = 1;
}

function drawMark(ctx, page, L, m, top) {
  const x = L.x(m.t), y = top + L.band + 4;
  ctx.fillStyle = theme.soft; ctx.beginPath();
  if (m.kind === Kind.snapshot) { ctx.moveTo(x, y - 4); ctx.lineTo(x + 4, y); ctx.lineTo(x, y + 4); ctx.lineTo(x - 4, y); } else ctx.rect(x - 3, y - 3, 6, 6);
  ctx.fill();
  page.hits.marks.push({ x, y, event: m.event });
}

// drawCalls draws the clients' operations in view.
function drawCalls(ctx, page, L) {
  const R = page.R, high = Math.min(13, L.clientRow - 3), accused = page.finding >= 0 ? R.findings[page.finding].ops : [];
  const loud = new Map(accused.map((op, k) => [op, k === 0 ? 'accused' : 'evidence']));
  ctx.font = '10px ' + theme.sans; ctx.textAlign = 'left';
  for (const op of page.callsIn(page.view)) {
    if (loud.has(op) || page.shard >= 0 && R.o.shard[op] !== page.shard && !page.guilty.has(op)) continue;
    drawCall(ctx, page, L, op, high, page.guilty.has(op) ? 'guilty' : '');
  }
  for (const [op, how] of loud) if (R.o.from[op] >= 0) drawCall(ctx, page, L, op, high, how);
}

function drawCall(ctx, page, L, op, high, how) {
  const R = page.R, t0 = R.time[R.o.from[op]], open = R.o.to[op] < 0, t1 = open ? R.end : R.time[R.o.to[op]];
  if (t1 < page.view.from || t0 > page.view.to) return;
  const x0 = Math.max(L.x(t0), L.left - 9), x1 = Math.min(Math.max(L.x(t1), L.x(t0) + (how ? 3 : 1.25)), L.right + 9), y = L.y[R.o.host[op]] - high / 2, width = x1 - x0;
  const dim = page.cone && !page.inCone(op) && !how;
  ctx.globalAlpha = dim ? 0.25 : 1;
  const colour = how === 'accused' || how === 'guilty' ? theme.red : how === 'evidence' ? theme.ink : R.o.outcome[op] === 2 ? theme.amber : theme.faint;
  ctx.fillStyle = colour; ctx.strokeStyle = colour;
  if (how === 'accused' || how === 'evidence') { box(ctx, x0, y, width, high, 3); ctx.fill(); } else {
    ctx.globalAlpha = dim ? 0.12 : how ? 0.9 : R.o.read[op] ? 0.3 : 0.62; box(ctx, x0, y, width, high, Math.min(3, width / 2)); ctx.fill();
    if (R.o.outcome[op] === 1 && width > 3) { ctx.globalAlpha = 1; ctx.fillStyle = theme.sheet; ctx.fillRect(x0 + 1, y + 1, width - 2, high - 2); }
  }
  ctx.globalAlpha = dim ? 0.3 : 1;
  if (op === page.op) { ctx.strokeStyle = theme.ink; ctx.lineWidth = 1.5; box(ctx, x0 - 2, y - 2, width + 4, high + 4, 4); ctx.stroke(); ctx.lineWidth = 1; }
  const text = `${R.o.name[op]} ${R.o.asked[op]}`, told = how === 'accused' || how === 'evidence';
  if (told) {
    ctx.font = '600 11px ' + theme.sans;
    const said = `${R.o.name[op]} ${R.o.read[op] ? R.o.got[op] : R.o.asked[op]}`, room = ctx.measureText(said).width + 10;
    const inside = width > room + 8, right = x1 + room < L.right, at = inside ? Math.max(x0, L.left) + 6 : right ? x1 + 6 : x0 - room + 4;
    if (!inside) { ctx.fillStyle = theme.sheet; ctx.globalAlpha = 0.85; ctx.fillRect(at - 3, y - 1, room, high + 2); ctx.globalAlpha = 1; }
    label(ctx, said, at, y + high / 2 + 0.5, 400, inside ? theme.sheet : colour);
    page.hits.operations.push({ x0: at - 3, x1: at + room - 6, y0: y - 1, y1: y + high + 1, op });
    ctx.font = '10px ' + theme.sans;
  } else if (width > 46 && high >= 10) {
    const row = R.o.host[op], at = Math.max(x0, L.left, page.labelled[row] || 0) + 4; // a client's calls may overlap
    if (x1 - at > 30) { label(ctx, text, at, y + high / 2 + 0.5, x1 - at - 3, theme.ink); page.labelled[row] = Math.min(x1, at + ctx.measureText(text).width); }
  }
  ctx.globalAlpha = 1;
  page.hits.operations.push({ x0, x1, y0: y - 1, y1: y + high + 1, op });
}

// drawAccusation ties what convicts an operation to the operation: the time between.
function drawAccusation(ctx, page, L) {
  const R = page.R, f = page.finding >= 0 && R.findings[page.finding];
  if (!f || f.ops.length !== 2 || R.o.to[f.ops[1]] < 0 || R.o.from[f.ops[0]] < 0) return;
  const [accused, witness] = f.ops, x0 = L.x(R.time[R.o.to[witness]]), x1 = L.x(R.time[R.o.from[accused]]), y0 = L.y[R.o.host[witness]], y1 = L.y[R.o.host[accused]];
  if (x1 - x0 < 4) return;
  const top = L.clientTop - 9;
  ctx.strokeStyle = theme.red; ctx.lineWidth = 1; ctx.setLineDash([3, 3]);
  ctx.beginPath(); ctx.moveTo(x0, y0 - 6); ctx.lineTo(x0, top); ctx.lineTo(x1, top); ctx.lineTo(x1, y1 - 6); ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = '600 11px ' + theme.sans; ctx.textAlign = 'center';
  const text = stretch(R.time[R.o.from[accused]] - R.time[R.o.to[witness]]) + ' earlier', wide = ctx.measureText(text).width + 10;
  if (x1 - x0 > wide + 8) {
    const mid = Math.max(Math.min((x0 + x1) / 2, L.right - wide / 2), L.left + wide / 2);
    ctx.fillStyle = theme.sheet; ctx.fillRect(mid - wide / 2, top - 8, wide, 16);
    ctx.fillStyle = theme.red; ctx.fillText(text, mid, top + 0.5);
  }
  ctx.textAlign = 'left';
}

function drawSelected(ctx, page, L) {
  const x = Math.round(L.x(page.t)) + 0.5;
  ctx.strokeStyle = theme.ink; ctx.lineWidth = 1; line(ctx, x, L.ruler - 6, x, L.h);
  ctx.fillStyle = theme.ink; ctx.beginPath(); ctx.moveTo(x - 5, L.ruler - 10); ctx.lineTo(x + 5, L.ruler - 10); ctx.lineTo(x, L.ruler - 3); ctx.fill();
  const h = page.at >= 0 ? page.R.host[page.at] : -1;
  if (h >= 0) { ctx.strokeStyle = theme.sheet; ctx.lineWidth = 2; ctx.beginPath(); ctx.arc(x, L.y[h], 5, 0, 7); ctx.fill(); ctx.stroke(); ctx.lineWidth = 1; }
}

function drawNames(ctx, page, L) {
  ctx.textAlign = 'right';
  page.R.hosts.forEach((host, i) => {
    ctx.font = i < page.R.nodes ? '600 13px ' + theme.sans : Math.min(11, L.clientRow) + 'px ' + theme.sans;
    ctx.fillStyle = i < page.R.nodes ? theme.ink : theme.soft;
    ctx.fillText(host.Name, L.left - 12, L.y[i] + 0.5);
  });
  ctx.font = '11px ' + theme.sans; ctx.fillStyle = theme.soft;
  ctx.fillText('faults', L.left - 12, L.faultTop + 8);
  if (page.shard < 0 && L.band / shardsShown(page).length >= 9) {
    ctx.font = '8px ' + theme.sans; ctx.fillStyle = theme.faint; ctx.textAlign = 'left';
    shardsShown(page).forEach((id, k, all) => { for (let n = 0; n < page.R.nodes; n++) ctx.fillText(id || 'm', L.left - 8, L.y[n] - L.band / 2 + (k + 0.5) * L.band / all.length); });
  }
}

// Small helps for drawing.

function box(ctx, x, y, w, h, r) { ctx.beginPath(); ctx.roundRect(x, y, Math.max(w, 0), Math.max(h, 0), r); }
function line(ctx, x0, y0, x1, y1) { ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke(); }

// label writes text into a width, cut with an ellipsis; with a halo it is legible on anything.
function label(ctx, text, x, y, width, colour, halo) {
  if (width < 12) return;
  if (ctx.measureText(text).width > width) {
    let low = 0, high = text.length;
    while (low < high) { const mid = (low + high + 1) >> 1; if (ctx.measureText(text.slice(0, mid) + '…').width <= width) low = mid; else high = mid - 1; }
    if (low < 2) return;
    text = text.slice(0, low).trimEnd() + '…';
  }
  if (halo) { ctx.strokeStyle = theme.sheet; ctx.lineWidth = 3; ctx.lineJoin = 'round'; ctx.strokeText(text, x, y); ctx.lineWidth = 1; }
  ctx.fillStyle = colour; ctx.fillText(text, x, y);
}

function crown(ctx, x, y, colour, scale = 1) {
  const p = [[0, 1], [3, 5], [6, 0], [9, 5], [12, 1], [11, 10], [1, 10]];
  ctx.fillStyle = colour; ctx.beginPath();
  p.forEach(([px, py], i) => ctx[i ? 'lineTo' : 'moveTo'](x + px * scale, y + py * scale));
  ctx.fill();
}
