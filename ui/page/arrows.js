// Messages between the lanes. What is out of the ordinary is drawn apart: lost (broken, a cross),
// doubled (violet), late (amber).

const arrowsMost = 4000; // more lines than this are no picture: then only what is remarkable is drawn

// messagesIn lists the messages that are under way during the view and pass the filters.
function messagesIn(page) {
  const R = page.R, out = [];
  let low = 0, high = R.m.n;
  const from = page.view.from - page.longest;
  while (low < high) { const mid = (low + high) >> 1; if (R.time[R.m.sent[mid]] < from) low = mid + 1; else high = mid; }
  for (let m = low; m < R.m.n; m++) {
    const t0 = R.time[R.m.sent[m]];
    if (t0 > page.view.to) break;
    if (R.m.end[m] < 0 || R.time[R.m.end[m]] < page.view.from) continue;
    if (page.showsMessage(m)) out.push(m);
  }
  return out;
}

function drawArrows(ctx, page, L) {
  const R = page.R, all = messagesIn(page), many = all.length > arrowsMost && !page.cone;
  const shown = many ? thin(page, L, all.filter(m => remarkable(R, m))) : all;
  const plain = shown.filter(m => !remarkable(R, m)), odd = shown.filter(m => remarkable(R, m));
  const alpha = Math.max(0.14, Math.min(0.85, 320 / (plain.length + 1)));
  for (const m of plain) arrow(ctx, page, L, m, alpha);
  for (const m of odd) arrow(ctx, page, L, m, many ? Math.max(0.1, Math.min(0.35, 350 / odd.length)) : Math.max(0.35, Math.min(1, 300 / odd.length)), odd.length > 500);
  page.crowd = many ? all.length : 0;
  if (shown.length <= 70) nameArrows(ctx, page, L, shown);
  if (many) {
    ctx.font = '11px ' + theme.sans; ctx.textAlign = 'right';
    label(ctx, `${all.length.toLocaleString('en')} messages in view: zoom in to see each; now only lost, doubled and late ones`, L.right - 4, L.clientTop - 8, 600, theme.soft, true);
  }
}

// thin keeps one message for each pair of lanes and few pixels.
function thin(page, L, messages) {
  const seen = new Set(), R = page.R;
  return messages.filter(m => {
    const key = (R.m.from[m] * 64 + R.m.to[m]) * 8192 + Math.round(L.x(R.time[R.m.sent[m]]) / 5);
    return !seen.has(key) && seen.add(key);
  });
}

// arrowEnds is where a message's line goes.
function arrowEnds(page, L, m) {
  const R = page.R, from = R.m.from[m], to = R.m.to[m], fate = R.m.fate[m];
  const edge = h => h < R.nodes ? L.band / 2 : Math.min(6.5, L.clientRow / 2 - 1.5), down = L.y[to] > L.y[from] ? 1 : -1;
  const x0 = L.x(R.time[R.m.sent[m]]), y0 = L.y[from] + down * edge(from), y1 = L.y[to] - down * edge(to);
  if (fate === Fate.lostLeaving) return { x0, y0, x1: x0 + 8, y1: y0 + (y1 - y0) * 0.4 };
  const x1 = L.x(R.time[R.m.end[m]]);
  if (fate === Fate.lost) return { x0, y0, x1: x0 + (x1 - x0) * 0.9, y1: y0 + (y1 - y0) * 0.9 };
  return { x0, y0, x1, y1 };
}

function arrow(ctx, page, L, m, alpha, bare) {
  const R = page.R;
  if (R.m.from[m] === R.m.to[m]) return;
  const a = arrowEnds(page, L, m), mark = R.m.mark[m], lost = R.m.fate[m] >= Fate.lost, mine = page.at >= 0 && (R.m.sent[m] === page.at || R.m.end[m] === page.at);
  const faint = R.faint.has(classOf(R, m)), client = R.m.from[m] >= R.nodes || R.m.to[m] >= R.nodes;
  const colour = mark & 1 ? theme.violet : mark & 2 ? theme.amber : lost ? theme.soft : client ? theme.soft : termColour(termOf(R, m, page.shard));
  ctx.globalAlpha = mine ? 1 : faint && !lost && !page.cone ? alpha * 0.45 : alpha;
  ctx.strokeStyle = ctx.fillStyle = mine ? theme.ink : colour;
  ctx.lineWidth = mine ? 2.2 : mark ? 1.6 : page.cone ? 1.5 : 1.1;
  if (lost) ctx.setLineDash([3, 3]); else if (mark & 1) ctx.setLineDash([7, 2]);
  line(ctx, a.x0, a.y0, a.x1, a.y1);
  ctx.setLineDash([]);
  if (lost) { if (!bare) cross(ctx, a.x1, a.y1); } else head(ctx, a);
  ctx.globalAlpha = 1; ctx.lineWidth = 1;
  page.hits.messages.push({ ...a, m });
}

function head(ctx, a) {
  const dx = a.x1 - a.x0, dy = a.y1 - a.y0, d = Math.hypot(dx, dy) || 1, ux = dx / d, uy = dy / d;
  ctx.beginPath(); ctx.moveTo(a.x1, a.y1);
  ctx.lineTo(a.x1 - ux * 7 - uy * 3, a.y1 - uy * 7 + ux * 3); ctx.lineTo(a.x1 - ux * 7 + uy * 3, a.y1 - uy * 7 - ux * 3);
  ctx.fill();
}

function cross(ctx, x, y) { ctx.lineWidth = 1.6; line(ctx, x - 3.2, y - 3.2, x + 3.2, y + 3.2); line(ctx, x + 3.2, y - 3.2, x - 3.2, y + 3.2); }

// nameArrows writes what messages say beside them, where there is room.
function nameArrows(ctx, page, L, shown) {
  const taken = [], R = page.R;
  ctx.font = '11px ' + theme.sans; ctx.textAlign = 'left';
  const order = shown.slice().sort((a, b) => R.faint.has(classOf(R, a)) - R.faint.has(classOf(R, b)));
  for (const m of order) {
    if (R.m.from[m] === R.m.to[m]) continue;
    const a = arrowEnds(page, L, m), text = messageText(R, m, 1, page.shard), wide = Math.min(ctx.measureText(text).width, 210);
    for (const at of [0.5, 0.32, 0.68, 0.2, 0.8]) {
      const x = a.x0 + (a.x1 - a.x0) * at + 6, y = a.y0 + (a.y1 - a.y0) * at;
      if (x < L.left || x + wide > L.right || taken.some(b => x < b.x + b.w + 8 && b.x < x + wide + 8 && Math.abs(b.y - y) < 14)) continue;
      if (page.R.hosts.some((_, h) => h < R.nodes && Math.abs(L.y[h] - y) < L.band / 2 + 7) || y > L.clientTop - 4) continue;
      taken.push({ x, y, w: wide });
      label(ctx, text, x, y, 210, theme.ink, true);
      break;
    }
  }
}
