// Opens pages in a real browser and tries what a reader would. It tells each check as a line of JSON to
// ../browser_test.go: node check.mjs CHROMIUM GOOD.html [BAD.html ACCUSED]
import { chromium } from 'playwright-core';
import { pathToFileURL } from 'node:url';

const [binary, good, bad, accused] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: binary, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'] }); // with a fresh profile, as always
const complaints = [], requests = [];

async function visit(file, hash = '', more = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, colorScheme: 'light', ...more });
  const page = await context.newPage();
  page.on('console', m => { if (['error', 'warning'].includes(m.type())) complaints.push(m.text()); });
  page.on('pageerror', e => complaints.push(e.message));
  page.on('request', r => { if (!r.url().startsWith('file:') && !r.url().startsWith('data:')) requests.push(r.url()); });
  await page.goto(pathToFileURL(file).href + hash);
  await page.waitForSelector('html[data-opened]', { timeout: 30000 });
  await settle(page);
  return page;
}

// settle waits until what is due has been drawn.
const settle = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 320)))));
const text = (page, id) => page.locator('#' + id).innerText();

async function scrub(page, share) {
  await page.locator('#scrub').evaluate((input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }, share * 1e6);
  await settle(page);
}

// redPixels finds where the picture has exactly the colour of what is wrong.
const redPixels = page => page.evaluate(() => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--red'); probe.fillRect(0, 0, 1, 1);
  const want = probe.getImageData(0, 0, 1, 1).data, c = document.getElementById('lanes'), copy = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  copy.canvas.width = c.width; copy.canvas.height = c.height; copy.drawImage(c, 0, 0);
  const all = copy.getImageData(0, 0, c.width, c.height).data, found = [];
  for (let i = 0; i < all.length; i += 4) if (all[i] === want[0] && all[i + 1] === want[1] && all[i + 2] === want[2]) found.push([(i / 4) % c.width, Math.floor(i / 4 / c.width)]);
  return found;
});

function must(truth, saying) { if (!truth) throw new Error(saying); }

async function check(name, act) {
  const answer = { name, ok: true, said: '' };
  try { answer.said = await act() || ''; } catch (e) { answer.ok = false; answer.said = e.message; }
  console.log(JSON.stringify(answer));
}

let page;
await check('it opens quickly and without complaint', async () => {
  page = await visit(good);
  must(complaints.length === 0, complaints.join('; '));
  const opened = +await page.locator('html').getAttribute('data-opened');
  must(opened < 10000, `it took ${opened} ms`);
  return `open after ${opened} ms`;
});
await check('scrubbing changes what the nodes are', async () => {
  await scrub(page, 0.2);
  const early = await text(page, 'state');
  await scrub(page, 0.8);
  const late = await text(page, 'state');
  must(early !== late && /running/.test(late), 'the table stayed as it was');
  must(await page.locator('#state td.changed').count() > 0, 'no difference is marked');
});
await check('keys step from event to event', async () => {
  const at = await text(page, 'now-what') + await text(page, 'now-parts');
  await page.keyboard.press('ArrowRight'); await settle(page);
  const next = await text(page, 'now-what') + await text(page, 'now-parts');
  must(next !== at, 'the next event is the same');
  must(/\d/.test(await page.locator('#spoken').textContent()), 'nothing is said aloud');
  await page.keyboard.press('ArrowLeft'); await settle(page);
  must(await text(page, 'now-what') + await text(page, 'now-parts') === at, 'the way back leads elsewhere');
});
await check('a link leads to its moment', async () => {
  const there = await visit(good, '#t=5.25');
  must((await text(there, 'clock')).startsWith('5.250 000'), await text(there, 'clock'));
  await there.keyboard.press('+'); await settle(there);
  const link = await there.evaluate(() => location.hash), again = await visit(good, link);
  must(await text(again, 'clock') === await text(there, 'clock') && await again.evaluate(() => location.hash) === link, 'a copied link shows something else');
  await there.context().close(); await again.context().close();
});
await check('zoom changes the view', async () => {
  const wide = new URLSearchParams((await page.evaluate(() => location.hash)).slice(1)).get('w');
  await page.keyboard.press('+'); await settle(page);
  must(+new URLSearchParams((await page.evaluate(() => location.hash)).slice(1)).get('w') < +wide, 'it is as wide as before');
});
await check('one shard can be looked at alone', async () => {
  await page.selectOption('#shard', '1'); await settle(page);
  const rows = await page.locator('#state tbody th').allInnerTexts();
  for (const want of ['role', 'term', 'leader', 'lease', 'applied', 'digest']) must(rows.includes(want), `no row ${want} among ${rows}`);
});
await check('there is a table for those who do not see pictures', async () => {
  await page.keyboard.press('t'); await settle(page);
  must(await page.locator('#table tbody tr').count() >= 50, 'too few rows');
  must(await page.locator('#table th[scope=col]').count() === 4, 'its columns have no names');
  await page.locator('#table tbody tr').nth(5).click(); await settle(page);
  must(await page.locator('#table tr[aria-current]').count() === 1, 'no row is the present one');
  await page.keyboard.press('t'); await settle(page);
});
await check('dark differs from light', async () => {
  const look = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor + document.getElementById('lanes').toDataURL().length + document.getElementById('lanes').toDataURL());
  const light = await look();
  await page.keyboard.press('d'); await settle(page);
  must(await look() !== light, 'the same colours');
  await page.keyboard.press('d'); await settle(page);
  must(await look() === light, 'light is not what it was');
  const night = await visit(good, '', { colorScheme: 'dark' });
  must(await night.locator('html').getAttribute('data-theme') === 'dark', 'the reader\'s preference is not heeded');
  await night.context().close();
});
await check('a narrow window shows all of it', async () => {
  const narrow = await visit(good, '', { viewport: { width: 800, height: 900 } });
  const [inner, outer] = await narrow.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  must(inner <= outer, `${inner} pixels do not fit into ${outer}`);
  await narrow.context().close();
});
await check('nothing is red in a good run', async () => { must((await redPixels(page)).length === 0, 'red pixels'); });

if (bad) {
  let wrong;
  await check('the offending operation is named', async () => {
    wrong = await visit(bad);
    must((await text(wrong, 'headline')).includes(accused + ' '), await text(wrong, 'headline'));
    must((await text(wrong, 'sentence')).includes(accused), await text(wrong, 'sentence'));
    return await text(wrong, 'headline');
  });
  await check('a link into a bad run still says what is wrong', async () => {
    const there = await visit(bad, '#t=1.5');
    must((await text(there, 'headline')).length > 10, 'no headline');
    await there.context().close();
  });
  await check('and it is red in the picture', async () => {
    const red = await redPixels(wrong);
    must(red.length > 20, `${red.length} red pixels`);
  });
  await check('a click on it narrows the picture to its cone', async () => {
    const before = await wrong.evaluate(() => document.getElementById('lanes').toDataURL());
    const red = await redPixels(wrong), [x, y] = red.sort((a, b) => b[1] - a[1])[Math.min(20, red.length - 1)];
    await wrong.locator('#lanes').click({ position: { x, y } }); await settle(wrong);
    const hash = await wrong.evaluate(() => location.hash);
    must(hash.includes('call=' + accused) && hash.includes('cone=way'), hash);
    must(await wrong.evaluate(() => document.getElementById('lanes').toDataURL()) !== before, 'the picture is the same');
    const shown = +/the ([\d,]+) events/.exec(await text(wrong, 'call-note'))[1].replace(',', '');
    await wrong.keyboard.press('t'); await settle(wrong);
    const rows = await wrong.locator('#table tbody tr').count();
    must(rows >= 2 && rows <= shown, `${rows} rows of ${shown} events`);
    await wrong.keyboard.press('t');
    return `${shown} events in its cone`;
  });
  await check('all that it could have known is more', async () => {
    await wrong.locator('#cone-past').click(); await settle(wrong);
    must(/could have reached/.test(await text(wrong, 'call-note')), await text(wrong, 'call-note'));
    await wrong.keyboard.press('Escape'); await settle(wrong);
    must(!(await wrong.evaluate(() => location.hash)).includes('cone='), 'escape leads nowhere');
  });
  await check('the next finding is another', async () => {
    const first = await text(wrong, 'headline');
    await wrong.keyboard.press('n'); await settle(wrong);
    must(await text(wrong, 'headline') !== first, first);
  });
}
await check('no request leaves the page', async () => { must(requests.length === 0, requests.join(' ')); });
await check('no complaint in the end', async () => { must(complaints.length === 0, complaints.join('; ')); });
await browser.close();
