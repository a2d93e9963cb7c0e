// Causality, after Lamport: what a host does later follows what it did before, and an arrival follows
// its sending. A crash ends what a host knew.

// reach marks what could have been caused by event from, up to event to.
function reach(R, from, to) {
  const marks = new Uint8Array(R.n), warm = new Uint8Array(R.hosts.length), carried = new Uint8Array(R.m.n);
  for (let i = from; i <= to; i++) {
    const h = R.host[i], k = R.kind[i];
    if (h < 0) continue;
    if (i === from || k === Kind.arrive && carried[R.ref[i]]) warm[h] = 1;
    if (!warm[h]) continue;
    marks[i] = 1;
    if (k === Kind.send) carried[R.ref[i]] = 1;
    if (k === Kind.crash) warm[h] = 0;
  }
  return marks;
}

// origin marks what could have caused event to, back to event from.
function origin(R, to, from) {
  const marks = new Uint8Array(R.n), warm = new Uint8Array(R.hosts.length), carried = new Uint8Array(R.m.n);
  for (let i = to; i >= from; i--) {
    const h = R.host[i], k = R.kind[i];
    if (h < 0) continue;
    if (i === to || k === Kind.send && carried[R.ref[i]]) warm[h] = 1;
    if (k === Kind.crash && i !== to) warm[h] = 0;
    if (!warm[h]) continue;
    marks[i] = 1;
    if (k === Kind.arrive) carried[R.ref[i]] = 1;
  }
  return marks;
}

const pastMost = 1e6; // microseconds: how far back the whole past of a call is followed

// coneOf is what belongs to a call: the way of its question until its answer, or all that its
// answer could have known. It returns marks by event, and the first and last of them.
function coneOf(R, op, mode) {
  const from = R.o.from[op], to = R.o.to[op] >= 0 ? R.o.to[op] : R.n - 1;
  if (from < 0) return null;
  let marks;
  if (mode === 'way') {
    marks = reach(R, from, to);
    const back = origin(R, to, from);
    for (let i = from; i <= to; i++) marks[i] &= back[i];
    if (R.o.outcome[op] === 2) marks = reach(R, from, Math.min(to, firstAfter(R, R.time[from] + pastMost) - 1)); // no answer: where the question went
  } else {
    marks = origin(R, to, firstAfter(R, R.time[from] - pastMost));
  }
  let count = 0, first = -1, last = -1;
  for (let i = 0; i < R.n; i++) if (marks[i]) { count++; if (first < 0) first = i; last = i; }
  return { op, mode, marks, count, first, last };
}

// couldKnow says whether any chain of messages leads from the beginning of one call to the end of another.
function couldKnow(R, cause, effect) {
  const from = R.o.from[cause], to = R.o.to[effect];
  return from >= 0 && to > from && reach(R, from, to)[to] === 1;
}
