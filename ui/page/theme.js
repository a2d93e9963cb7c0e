// Colours: the style sheet's, and one for each term.

const theme = { ink: '', cache: new Map() };

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['paper', 'sheet', 'ink', 'soft', 'faint', 'rule', 'hair', 'red', 'amber', 'violet', 'green', 'hatch']) theme[name] = style.getPropertyValue('--' + name).trim();
  theme.dark = document.documentElement.dataset.theme === 'dark';
  theme.sans = style.getPropertyValue('--sans'); theme.mono = style.getPropertyValue('--mono');
  theme.cache.clear();
}

// termColour gives neighbouring terms colours far apart, none of them red: red is for what is wrong.
function termColour(term, alpha = 1) {
  if (!term) return theme.faint;
  const key = term * 101 + Math.round(alpha * 100);
  let colour = theme.cache.get(key);
  if (!colour) {
    const hue = 95 + (term * 137.508 + 20) % 235;
    colour = `oklch(${theme.dark ? 0.7 : 0.6} ${theme.dark ? 0.105 : 0.115} ${hue.toFixed(1)} / ${alpha})`;
    theme.cache.set(key, colour);
  }
  return colour;
}

// hatch is a pattern of slanted lines.
function hatch(ctx, colour, gap = 6) {
  const key = colour + gap + ' ' + devicePixelRatio;
  if (theme.cache.has(key)) return theme.cache.get(key);
  const tile = document.createElement('canvas'), ratio = devicePixelRatio || 1;
  tile.width = tile.height = gap * ratio;
  const t = tile.getContext('2d');
  t.scale(ratio, ratio); t.strokeStyle = colour; t.lineWidth = 1;
  t.beginPath();
  for (const k of [-gap, 0, gap]) { t.moveTo(k, gap); t.lineTo(k + gap, 0); }
  t.stroke();
  const pattern = ctx.createPattern(tile, 'repeat');
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  theme.cache.set(key, pattern);
  return pattern;
}

// fitCanvas gives a canvas as many pixels as it covers, and returns its context and size.
function fitCanvas(canvas) {
  const ratio = devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  const w = Math.max(1, Math.round(box.width)), h = Math.max(1, Math.round(box.height));
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
  const ctx = canvas.getContext('2d');
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  return { ctx, w, h };
}
