/* What the report knows: the packed samples (src/export/html/buckets.c tells how), and what they come to for a part of
 * the run: sums by thread, call trees by mode, who delayed whom. Nothing here touches the page. */
const gilspy_data = (function () {
  "use strict";
  const HOLDS = 0, WAITS = 1, WITHOUT = 2, NONE = 3, UNKNOWN = 4; /* gil words, and their places in sums */
  const ASLEEP = 0, RUNNING = 1, AT_LOCK = 3, RUNS = 4, HANDLES = 20, LATE_FROM = 40;
  const PROCESS = 0, THREAD = 1, FRAME = 2, LATE = 3, NO_PYTHON = 4, HOLDER_UNKNOWN = 5, DELAYS = 6, OTHER = 7;
  const WORDS = ["holds", "waits", "without", "none", "unknown"];
  const NAMES = {[LATE]: "[gap: sampler late]", [NO_PYTHON]: "[no Python frames]",
                 [HOLDER_UNKNOWN]: "[holder unknown]", [DELAYS]: "[delays]", [OTHER]: "(other)"};
  const HUES = [["holds", 0xe69f00], ["waits", 0xd55e00], ["without", 0x009e73], ["none", 0x56b4e9],
                ["idle", 0x999999], ["unknown", 0xcc79a7], ["locks", 0x0072b2]];
  const IDLE = 4, HUE_UNKNOWN = 5, LOCKS = 6; /* of HUES */
  const names = JSON.parse(document.getElementById("names").textContent);
  const threads = names.threads.map(([process, tid, name, main, lock, samples, rank, longest_us], number) =>
    ({number, process, tid, name, main: main === 1, lock, samples, rank, longest_us}));

  /* --- the packed numbers --- */

  const bytes = Uint8Array.from(atob(document.getElementById("data").textContent), (c) => c.charCodeAt(0));
  let at = 0;
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
  const keys = {count: number()};
  const waits = (word, run) => word === WAITS || run === AT_LOCK;
  for (const field of ["leaf", "code", "word", "holder", "at"])
    keys[field] = new Uint32Array(keys.count);
  for (let i = 0; i < keys.count; i++) {
    keys.leaf[i] = number();
    keys.code[i] = number();
    keys.word[i] = Math.floor(keys.code[i] % HANDLES / RUNS);
    if (waits(keys.word[i], keys.code[i] % RUNS)) {
      keys.holder[i] = number();
      keys.at[i] = number();
    }
  }

  /* Entries of all threads, one after the other: bucket, key, time. */
  const entries = {bucket: [], key: [], us: [], first: [0]};
  for (let i = 0; i < threads.length; i++) {
    let bucket = 0;
    for (let buckets = number(); buckets > 0; buckets--) {
      let key = 0;
      bucket += number();
      for (let count = number(); count > 0; count--) {
        key += number();
        entries.bucket.push(bucket);
        entries.key.push(key);
        entries.us.push(number() * names.unit_us);
      }
    }
    entries.first.push(entries.key.length);
  }
  entries.bucket = Uint16Array.from(entries.bucket);
  entries.key = Uint32Array.from(entries.key);
  entries.us = Float64Array.from(entries.us);

  /* Shares of each bucket, out of 100, as HUES; of a lane of tasks also where it was suspended, a place from 1 on. */
  function fill_row(owner) {
    owner.row = new Uint8Array(HUES.length * names.buckets);
    let to = 0;
    for (let runs = number(); runs > 0; runs--) {
      const alike = number(), shares = bytes.subarray(at, at += HUES.length);
      if (owner.places)
        owner.places.fill(number(), to, to + alike);
      for (const end = to + alike; to < end; to++)
        owner.row.set(shares, HUES.length * to);
    }
  }
  const shown = threads.filter((thread) => thread.samples > 0);
  for (const thread of threads) {
    if (thread.rank === 0)
      continue;
    fill_row(thread);
  }

  /* When somebody waited for a GIL: of each bucket a share out of 100. */
  const locks = new Map();
  for (let count = number(); count > 0; count--) {
    const name = number() + "/" + number(), shares = [];
    for (let runs = number(); runs > 0; runs--) {
      const alike = number(), share = bytes[at++];
      for (let i = 0; i < alike; i++)
        shares.push(share);
    }
    locks.set(name, shares);
  }

  const lanes = names.lanes.map(([thread, name]) => ({name, thread: threads[thread], places: new Uint32Array(names.buckets)}));
  /* Those that ran most first. */
  for (const lane of lanes) {
    fill_row(lane);
    lane.ran = lane.row.reduce((sum, share, i) => sum + (i % HUES.length === IDLE ? 0 : share), 0);
  }
  lanes.sort((a, b) => b.ran - a.ran);

  /* Time of suspended tasks: thread, key, bucket, time. */
  const awaits = [];
  for (let count = number(); count > 0; count--) {
    const thread = threads[number()], key = number();
    let bucket = 0;
    for (let left = number(); left > 0; left--) {
      bucket += number();
      awaits.push([thread, key, bucket, number() * names.unit_us]);
    }
  }

  /* The part of a span in which somebody waited; undefined: that is not known. */
  function contended(name, span) {
    const shares = locks.get(name);
    return shares && shares.slice(span.from, span.to).reduce((sum, share) => sum + share, 0) / (span.to - span.from) / 100;
  }

  function hue_of(code) {
    const word = Math.floor(code % HANDLES / RUNS);
    if (code >= LATE_FROM)
      return HUE_UNKNOWN;
    if (code % RUNS === AT_LOCK)
      return LOCKS;
    if ((word === WITHOUT || word === NONE) && code % RUNS === ASLEEP)
      return IDLE;
    return word === UNKNOWN ? HUE_UNKNOWN : word;
  }
  const key_hue = Uint8Array.from(keys.code, hue_of);

  /* --- sums of a span of buckets; the whole has what is too little to be in any bucket, too --- */

  const whole = {from: 0, to: names.buckets + 1};
  function seconds(span) {
    return span === whole ? names.seconds : (span.to - span.from) * names.bucket_us / 1e6;
  }

  /* Calls visit(thread, key, us) for each entry of suspended tasks, or of threads. */
  function each_await(span, visit) {
    for (const [thread, key, bucket, us] of awaits) {
      if (bucket >= span.from && bucket < span.to)
        visit(thread, key, us);
    }
  }
  function each(span, visit) {
    for (const thread of shown) {
      for (let i = entries.first[thread.number]; i < entries.first[thread.number + 1]; i++) {
        if (entries.bucket[i] >= span.from && entries.bucket[i] < span.to)
          visit(thread, entries.key[i], entries.us[i]);
      }
    }
  }

  /* What each thread did: hues, all, runs; and the key with the GIL that took most time. */
  function sum_threads(span) {
    const sums = new Map(shown.map((thread) => [thread, {thread, hue: new Float64Array(HUES.length), all: 0, runs: 0,
                                                        held: new Map()}]));
    each(span, (thread, key, us) => {
      const sum = sums.get(thread);
      sum.hue[key_hue[key]] += us;
      sum.all += us;
      if (keys.code[key] < LATE_FROM && keys.code[key] % RUNS === RUNNING)
        sum.runs += us;
      if (key_hue[key] === HOLDS)
        sum.held.set(keys.leaf[key], (sum.held.get(keys.leaf[key]) || 0) + us);
    });
    return Array.from(sums.values());
  }

  /* Time that threads waited, by whom for whom: waiter -> holder (undefined: not known) -> {us, lines}. */
  function sum_blame(span) {
    const blame = new Map();
    each(span, (thread, key, us) => {
      if (!waits(keys.word[key], keys.code[key] % RUNS) || keys.code[key] >= LATE_FROM)
        return;
      const holder = keys.holder[key] ? threads[keys.holder[key] - 1] : undefined;
      if (!blame.has(thread))
        blame.set(thread, new Map());
      const row = blame.get(thread);
      if (!row.has(holder))
        row.set(holder, {us: 0, lines: new Map()});
      const cell = row.get(holder), line = keys.at[key] * nodes.count + keys.leaf[key];
      cell.us += us;
      cell.lines.set(line, (cell.lines.get(line) || 0) + us);
    });
    return blame;
  }

  /* Waits for locks that are no GIL, by where and behind whom; most first. */
  const at_lock = (code) => code < LATE_FROM && code % RUNS === AT_LOCK;
  function sum_locks(span) {
    const sums = new Map();
    each(span, (thread, key, us) => {
      if (!at_lock(keys.code[key]))
        return;
      const place = node_name(keys.leaf[key]), held = keys.at[key] ? node_name(keys.at[key]) : "", holder = keys.holder[key];
      const name = [place, holder, held].join("\n");
      const sum = sums.get(name) || {us: 0, waiters: new Set(), place, held, holder: holder ? threads[holder - 1] : null};
      sums.set(name, sum);
      sum.us += us;
      sum.waiters.add(thread);
    });
    return Array.from(sums.values()).sort((a, b) => b.us - a.us);
  }

  const handles = (key) => keys.code[key] % LATE_FROM >= HANDLES;
  const COUNTS = {
    active: (word, run) => run === RUNNING || word === HOLDS || word === WAITS,
    wall: () => true,
    cpu: (word, run) => run === RUNNING,
    gil: (word) => word === HOLDS,
    wait: (word) => word === WAITS,
    blame: waits,
    locks: waits,
    await: () => true,
    exception: (word, run, handles) => handles
  };

  /* --- a call tree in the making; node 0 stands for everything --- */

  const MANY = 2 ** 26;
  function Tree() {
    this.parent = [0];
    this.id = [0]; /* kind * MANY + number */
    this.words = [new Float64Array(7)]; /* by word; idle; of that at locks */
    this.known = new Map();
  }
  Tree.prototype.child = function (parent, kind, number) {
    const id = kind * MANY + number, name = parent * MANY * 8 + id;
    let node = this.known.get(name);
    if (node === undefined) {
      node = this.parent.length;
      this.parent.push(parent);
      this.id.push(id);
      this.words.push(new Float64Array(7));
      this.known.set(name, node);
    }
    return node;
  };
  /* Where a stack ends that begins below `root`; `found` remembers, for one root. */
  Tree.prototype.descend = function (root, leaf, found) {
    const way = [];
    let node;
    for (; (node = found.get(leaf)) === undefined; leaf = nodes.parent[leaf]) {
      if (nodes.kind[leaf] === PROCESS) {
        node = root;
        break;
      }
      way.push(leaf);
    }
    while (way.length > 0) {
      leaf = way.pop();
      node = this.child(node, nodes.kind[leaf], nodes.number[leaf]);
      found.set(leaf, node);
    }
    return node;
  };
  Tree.prototype.add = function (node, key, us) {
    const late = keys.code[key] >= LATE_FROM;
    this.words[node][late ? UNKNOWN : keys.word[key]] += us;
    if (key_hue[key] === IDLE || key_hue[key] === LOCKS)
      this.words[node][5] += us;
    if (key_hue[key] === LOCKS)
      this.words[node][6] += us;
  };

  function process_of(node) {
    while (nodes.kind[node] !== PROCESS)
      node = nodes.parent[node];
    return nodes.number[node];
  }

  /* Time by key, of all threads together or of each. */
  function groups_of(span, mode, by_thread) {
    const groups = new Map(), visit = mode === "await" ? each_await : each;
    visit(span, (thread, key, us) => {
      if (!COUNTS[mode](keys.word[key], keys.code[key] % RUNS, handles(key)))
        return;
      const group = by_thread ? thread : null;
      if (!groups.has(group))
        groups.set(group, new Map());
      const sums = groups.get(group);
      sums.set(key, (sums.get(key) || 0) + us);
    });
    return groups;
  }

  function root_of(tree, process, thread) {
    const root = tree.child(0, PROCESS, process);
    return thread ? tree.child(root, THREAD, thread.number) : root;
  }

  function grow(tree, sums, thread, roots) {
    for (const [key, us] of sums) {
      const process = process_of(keys.leaf[key]);
      if (!roots.has(process))
        roots.set(process, [root_of(tree, process, thread), new Map()]);
      tree.add(tree.descend(roots.get(process)[0], keys.leaf[key], roots.get(process)[1]), key, us);
    }
  }

  /* The holder's stack, what it delays, and the waiter's stack: that one only where it takes enough time to be seen. */
  function grow_blame(tree, sums, waiter, roots, least_us) {
    for (const [key, us] of sums) {
      const process = process_of(keys.leaf[key]), holder = waiter && keys.holder[key] ? threads[keys.holder[key] - 1] : null;
      let node = root_of(tree, process, holder);
      if (keys.code[key] >= LATE_FROM) {
        tree.add(tree.child(root_of(tree, process, waiter), LATE, 0), key, us);
        continue;
      }
      const name = node;
      if (!roots.has(name))
        roots.set(name, new Map());
      if (keys.at[key])
        node = tree.descend(node, keys.at[key], roots.get(name));
      else
        node = tree.child(node, keys.holder[key] ? OTHER : HOLDER_UNKNOWN, 0);
      node = tree.child(node, DELAYS, 0);
      if (waiter)
        node = tree.child(node, THREAD, waiter.number);
      if (us >= least_us) {
        if (!roots.has(-node))
          roots.set(-node, new Map());
        node = tree.descend(node, keys.leaf[key], roots.get(-node));
      }
      tree.add(node, key, us);
    }
  }

  function name_of(id) {
    const kind = Math.floor(id / MANY), number = id % MANY;
    if (kind === FRAME)
      return names.places[number][0];
    if (kind === THREAD)
      return threads[number].name;
    return kind === PROCESS ? names.processes[number][1] : NAMES[kind];
  }

  /* Sums with all that is below, and children by name. */
  function finish(tree) {
    const count = tree.parent.length;
    tree.children = tree.parent.map(() => []);
    tree.self = tree.words.map((words) => words[0] + words[1] + words[2] + words[3] + words[4]);
    tree.all = tree.self.slice();
    for (let i = count - 1; i > 0; i--) {
      const parent = tree.parent[i];
      tree.all[parent] += tree.all[i];
      for (let k = 0; k < tree.words[i].length; k++)
        tree.words[parent][k] += tree.words[i][k];
      tree.children[parent].push(i);
    }
    const labels = tree.id.map((id, i) => (i === 0 ? "all processes" : name_of(id)));
    for (const list of tree.children) {
      list.sort((a, b) => Math.floor(tree.id[a] / MANY) - Math.floor(tree.id[b] / MANY) ||
                          (labels[a] < labels[b] ? -1 : labels[a] > labels[b] ? 1 : a - b));
    }
    tree.label = labels;
    tree.top = names.processes.length === 1 && tree.children[0].length === 1 ? tree.children[0][0] : 0;
    return tree;
  }

  function tree_of(span, mode, by_thread) {
    const tree = new Tree(), groups = groups_of(span, mode, by_thread), roots = new Map();
    let all = 0;
    for (const sums of groups.values()) {
      for (const us of sums.values())
        all += us;
    }
    for (const [thread, sums] of groups) {
      if (mode === "blame")
        grow_blame(tree, sums, thread, roots, all / 5000);
      else
        grow(tree, sums, thread, new Map());
    }
    return finish(tree);
  }

  function kind_of(tree, node) {
    return Math.floor(tree.id[node] / MANY);
  }
  function where_of(tree, node) {
    return kind_of(tree, node) === FRAME ? names.places[tree.id[node] % MANY][1] : "";
  }

  /* The name of a node of the file, and its stack, innermost first. */
  function node_name(node) {
    return name_of(nodes.kind[node] * MANY + nodes.number[node]);
  }
  function stack(node) {
    const list = [];
    for (; node > 0 && nodes.kind[node] !== PROCESS; node = nodes.parent[node])
      list.push(node_name(node));
    return list;
  }

  return {names, threads, handled: keys.code.some((code, key) => handles(key)), locked: keys.code.some(at_lock), shown, lanes, awaited: awaits.length > 0, contended, nodes, whole, HUES,
          WORDS, seconds, sum_threads, sum_blame, sum_locks, tree_of, kind_of, where_of, node_name, stack,
          starts_waiter: (kind) => kind === DELAYS || kind === LATE || kind === HOLDER_UNKNOWN};
})();
