// The whole run in a strip: who led, what was broken, where answers were wrong, and what the picture below shows.

function overviewX(page, w) { return t => 74 + t / page.R.end * (w - 86); }

function drawOverview(page) {
  const { ctx, w, h } = fitCanvas(page.overview), R = page.R, X = overviewX(page, w), shards = shardsShown(page);
  const top = 17, each = Math.max(4, Math.min(9, (h - top - 12) / R.nodes));
  ctx.textBaseline = 'middle';
  ctx.font = '10px ' + theme.sans; ctx.fillStyle = theme.faint; ctx.textAlign = 'center';
  const step = [1e6, 2e6, 5e6, 1e7, 2e7, 6e7, 3e8].find(s => s / R.end * (w - 86) > 50) || 6e8;
  for (let t = 0; t <= R.end; t += step) ctx.fillText(t / 1e6 + ' s', X(t), 8);
  ctx.fillStyle = theme.amber; ctx.globalAlpha = 0.16;
  for (const s of R.spans) ctx.fillRect(X(s.from), top - 2, Math.max(X(s.to) - X(s.from), 1), h - top - 4);
  ctx.globalAlpha = 1;
  page.tracks.forEach((n, i) => shards.forEach((id, k) => {
    for (const s of n.shards[id]?.roles || []) {
      if (s.role !== 2) continue;
      ctx.fillStyle = termColour(s.term, 0.9);
      ctx.fillRect(X(s.from), top + i * each + k * (each - 1) / shards.length, Math.max(X(Math.min(s.to, R.end)) - X(s.from), 0.7), (each - 1) / shards.length);
    }
  }));
  const base = top + R.nodes * each + 4;
  for (let op = 0; op < R.o.n; op++) {
    if (R.o.outcome[op] !== 2 || R.o.from[op] < 0) continue;
    ctx.fillStyle = theme.amber; ctx.fillRect(X(R.time[R.o.from[op]]), base - 2, 1, 5);
  }
  R.findings.forEach((f, i) => {
    const x = X(f.at), now = i === page.finding;
    ctx.fillStyle = theme.red; ctx.beginPath(); ctx.moveTo(x, base - (now ? 8 : 4)); ctx.lineTo(x + (now ? 5 : 3), base + 4); ctx.lineTo(x - (now ? 5 : 3), base + 4); ctx.fill();
  });
  const x0 = X(page.view.from), x1 = Math.max(X(page.view.to), x0 + 3);
  ctx.fillStyle = theme.paper; ctx.globalAlpha = 0.5; ctx.fillRect(74, 0, x0 - 74, h); ctx.fillRect(x1, 0, w - 12 - x1, h); ctx.globalAlpha = 1;
  ctx.strokeStyle = theme.soft; box(ctx, x0 - 1, 1.5, x1 - x0 + 2, h - 4, 4); ctx.stroke();
  ctx.strokeStyle = theme.ink; line(ctx, X(page.t), 0, X(page.t), h);
  ctx.fillStyle = theme.soft; ctx.textAlign = 'right'; ctx.font = '11px ' + theme.sans; ctx.fillText('whole run', 62, h / 2);
}

// followOverview moves the view by what is done to the strip.
function followOverview(page) {
  const c = page.overview;
  let grip = null;
  const time = e => { const b = c.getBoundingClientRect(); return (e.clientX - b.left - 74) / (b.width - 86) * page.R.end; };
  c.addEventListener('pointerdown', e => {
    const t = time(e), half = (page.view.to - page.view.from) / 2;
    if (t < page.view.from || t > page.view.to) { page.look(t - half, t + half); page.goTime(t); }
    grip = t - page.view.from;
    c.setPointerCapture(e.pointerId);
  });
  c.addEventListener('pointermove', e => { if (grip !== null) { const from = time(e) - grip; page.look(from, from + page.view.to - page.view.from); } });
  c.addEventListener('pointerup', () => { grip = null; });
}
