/* What the timeline knows: the packed marks (src/export/timeline/data.c), and what there is to ask of them: what lies
 * at a moment, who waited meanwhile, what ran. Nothing here touches the page. */
const gilspy_timeline = (function () {
  "use strict";
  const HOLDS = 0, WAITS = 1, WORDS = 5, MERGED = 8, FLAGS = 16;
  const FORCED = 4, SAMPLED = 8, LAST = 1e9;
  const FRAME = 2, NAMES = {3: "[gap: sampler late]", 4: "[no Python frames]", 7: "(other)"};
  const names = JSON.parse(document.getElementById("names").textContent);

  const bytes = Uint8Array.from(atob(document.getElementById("data").textContent), (c) => c.charCodeAt(0));
  let at = 0, last_ns = names.ns;
  function number() {
    let value = 0, factor = 1, byte;
    do {
      byte = bytes[at++];
      value += (byte & 0x7f) * factor;
      factor *= 128;
    } while (byte & 0x80);
    return value;
  }

  const nodes = {count: number()};
  for (const field of ["parent", "kind", "number"])
    nodes[field] = new Uint32Array(nodes.count);
  for (let i = 1; i < nodes.count; i++) {
    nodes.parent[i] = number();
    nodes.kind[i] = number();
    nodes.number[i] = number();
  }

  function read_row(thread, kind) {
    const count = number(), row = {thread, kind, count, from: new Map(), merged: new Map()};
    for (const field of ["begin", "end"])
      row[field] = new Float64Array(count);
    for (const field of ["word", "flags", "lock"])
      row[field] = new Uint8Array(count);
    row.value = new Uint32Array(count);
    for (let i = 0, end = 0; i < count; i++) {
      row.begin[i] = end + number();
      end = row.end[i] = row.begin[i] + number();
      const code = number();
      row.word[i] = code % MERGED;
      row.flags[i] = Math.floor(code / FLAGS);
      row.value[i] = number();
      row.lock[i] = number();
      if (code & MERGED) {
        row.merged.set(i, {count: number(), parts: Float64Array.from({length: WORDS}, number)});
        continue;
      }
      const from = number();
      if (from)
        row.from.set(i, [from - 1, row.begin[i] - number()]);
    }
    if (count > 0)
      last_ns = Math.max(last_ns, row.end[count - 1]);
    return row;
  }

  const same = new Map();
  for (const [, , , name] of names.threads)
    same.set(name, (same.get(name) || 0) + 1);
  const threads = names.threads.map(([tid, main, rank, name], index) => {
    const label = name === "" ? "thread " + tid : same.get(name) > 1 ? name + " (" + tid + ")" : name;
    const thread = {index, tid, main: main === 1, rank, name: label};
    for (const kind of ["states", "runs", "functions"])
      thread[kind] = read_row(thread, kind);
    return thread;
  });
  const locks = [];
  for (let lock = 0; lock < names.locks; lock++) {
    if (number()) {
      const row = read_row(null, "waiters");
      row.number = lock;
      row.most = row.value.reduce((most, next) => Math.max(most, next), 0);
      locks.push(row);
    }
  }

  const pauses = [];
  for (const kind of ["worlds", "gc"]) {
    if (number())
      pauses.push(read_row(null, kind));
  }

  /* --- what lies where --- */

  /* The first mark that ends after that moment. */
  function first_after(row, ns) {
    let low = 0, high = row.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (row.end[middle] > ns)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
  /* Calls visit(i, how long both last) for what overlaps. */
  function overlaps(row, begin, end, visit) {
    for (let i = first_after(row, begin); i < row.count && row.begin[i] < end; i++)
      visit(i, Math.min(row.end[i], end) - Math.max(row.begin[i], begin));
  }

  /* Of each other thread, how long it was in that word meanwhile, most first. */
  function others(mark, word) {
    const sums = [], {row, i} = mark;
    for (const thread of threads) {
      let ns = 0;
      if (thread === row.thread)
        continue;
      overlaps(thread.states, row.begin[i], row.end[i], (k, both) => {
        const merged = thread.states.merged.get(k);
        if (thread.states.lock[k] !== row.lock[i])
          return;
        if (merged)
          ns += both * merged.parts[word] / Math.max(thread.states.end[k] - thread.states.begin[k], 1);
        else if (thread.states.word[k] === word)
          ns += both;
      });
      if (ns > 0)
        sums.push([thread, ns]);
    }
    return sums.sort((a, b) => b[1] - a[1]);
  }

  /* How long the thread was on a processor, preempted, off it, blocked, and woken without one; null: that was not traced. */
  function processor(mark) {
    const sums = [0, 0, 0, 0, 0], {row, i} = mark, runs = row.thread.runs;
    overlaps(runs, row.begin[i], row.end[i], (k, both) => {
      const merged = runs.merged.get(k);
      if (merged)
        sums.forEach((sum, word) => (sums[word] += both * merged.parts[word] / Math.max(runs.end[k] - runs.begin[k], 1)));
      else
        sums[runs.word[k]] += both;
    });
    return sums.some((sum) => sum > 0) ? sums : null;
  }

  /* Who asked for the pause; null: many of them are merged. */
  function asker(mark) {
    const from = mark.row.thread ? null : mark.row.from.get(mark.i);
    return from ? by_index[from[0]] : null;
  }

  /* The node that the thread was seen in longest meanwhile, and how long; null: none was. */
  function seen(mark, thread) {
    const {row, i} = mark, sums = new Map();
    overlaps(thread.functions, row.begin[i], row.end[i], (k, both) => {
      const node = thread.functions.value[k];
      sums.set(node, (sums.get(node) || 0) + both);
    });
    const list = Array.from(sums).sort((a, b) => b[1] - a[1]);
    return list.length > 0 ? {node: list[0][0], ns: list[0][1], others: list.length - 1} : null;
  }

  /* Who let go for this hold: the hold that ended then; null: it is not known. */
  function giver(mark) {
    const from = mark.row.from.get(mark.i);
    if (!from)
      return null;
    const row = by_index[from[0]].states;
    let i = Math.min(first_after(row, from[1] - 1), row.count - 1);
    while (i > 0 && row.begin[i] >= from[1])
      i--;
    return i >= 0 ? {row, i, ns: from[1]} : null;
  }

  /* Who took it after this hold; null. */
  function taker(mark) {
    const {row, i} = mark, end = row.end[i];
    let best = null;
    for (const thread of threads) {
      for (let k = first_after(thread.states, end); k < thread.states.count; k++) {
        if (best && thread.states.begin[k] >= best.row.begin[best.i])
          break;
        const from = thread.states.from.get(k);
        if (from && from[0] === row.thread.index && Math.abs(from[1] - end) < 2) {
          best = {row: thread.states, i: k};
          break;
        }
        if (thread.states.begin[k] > end && thread.states.word[k] === HOLDS && from)
          break;
      }
    }
    return best;
  }

  /* --- names --- */

  function node_name(node) {
    return nodes.kind[node] === FRAME ? names.places[nodes.number[node]][0] : NAMES[nodes.kind[node]] || "";
  }
  function stack(node) {
    const list = [];
    for (; node > 0 && nodes.kind[node] > 1; node = nodes.parent[node])
      list.push([node_name(node), nodes.kind[node] === FRAME ? names.places[nodes.number[node]][1] : ""]);
    return list;
  }
  /* "run" of "run (a.py:1)" */
  function short_name(node) {
    return node_name(node).replace(/ \([^()]*\)$/, "");
  }
  /* By node: whether a function of its stack has the text in its name. */
  function nodes_with(text) {
    const hits = new Uint8Array(nodes.count);
    for (let i = 1; i < nodes.count; i++)
      hits[i] = hits[nodes.parent[i]] || (nodes.kind[i] === FRAME && node_name(i).toLowerCase().includes(text));
    return hits;
  }

  const by_index = threads.slice();
  /* The main thread, then those that had the GIL or waited for it, longest first. */
  for (const thread of threads) {
    const row = thread.states;
    thread.busy = 0;
    for (let i = 0; i < row.count; i++) {
      const merged = row.merged.get(i);
      if (merged)
        thread.busy += merged.parts[HOLDS] + merged.parts[WAITS];
      else if (row.word[i] <= WAITS)
        thread.busy += row.end[i] - row.begin[i];
    }
  }
  threads.sort((a, b) => b.main - a.main || b.busy - a.busy || (a.rank || LAST) - (b.rank || LAST) || a.index - b.index);
  return {names, threads, locks, pauses, asker, ns: last_ns, HOLDS, WAITS, FORCED, SAMPLED, first_after,
          others, processor, seen, giver, taker, node_name, short_name, stack, nodes_with};
})();
