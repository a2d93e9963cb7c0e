// The same run as a table, for those who do not see pictures, and for reading line by line.

const rowsBefore = 30, rowsAfter = 70;

function showTable(page) {
  const R = page.R, holder = $('table'), rows = [];
  for (let i = page.at, n = 0; i >= 0 && n < rowsBefore; i--) if (page.showsEvent(i)) { rows.unshift(i); n++; }
  for (let i = page.at + 1, n = 0; i < R.n && n < rowsAfter; i++) if (page.showsEvent(i)) { rows.push(i); n++; }
  const table = document.createElement('table'), caption = put(table, 'caption', 'Events around ' + clock(page.t) + '. ');
  const turn = (text, to) => { const b = put(caption, 'button', text, { disabled: to === undefined ? '' : undefined }); b.addEventListener('click', () => page.goEvent(to)); };
  turn('Earlier', rows.length && rows[0] > 0 ? rows[0] : undefined);
  turn('Later', rows.length && rows[rows.length - 1] < R.n - 1 ? rows[rows.length - 1] : undefined);
  const head = put(put(table, 'thead'), 'tr');
  for (const name of ['Time', 'Who', 'What', 'Details']) put(head, 'th', name, { scope: 'col' });
  const body = put(table, 'tbody'), accused = new Set(R.findings.map(f => f.ops[0]));
  for (const i of rows) {
    const kind = R.kind[i], call = kind === Kind.invoke || kind === Kind.return, bad = kind === Kind.accused || call && accused.has(R.ref[i]);
    const tr = put(body, 'tr', undefined, { 'aria-current': i === page.at ? 'true' : undefined, class: bad ? 'accused' : kind === Kind.lost ? 'lost' : undefined });
    for (const text of [clock(R.time[i]), ...eventWords(R, i)]) put(tr, 'td', text);
    tr.addEventListener('click', () => { page.goEvent(i); if (call) page.choose(R.ref[i], ''); });
  }
  holder.replaceChildren(table);
  holder.querySelector('[aria-current]')?.scrollIntoView({ block: 'center' });
}
