/* The report as it can be worked with: a span of time that is chosen in the strip, and all that follows it. What comes
 * from the profiled program is only ever handled as text. */
(function () {
  "use strict";
  const data = gilspy_data, names = data.names, HUES = data.HUES;
  const SVG = "http://www.w3.org/2000/svg", ROW = 20, BOXES_MOST = 6000, LEAST = 1000;
  const ROWS_FEW = 16, ROWS_FIRST = 25, LANES_FIRST = 12, HOLDS_FIRST = 10, MATRIX_MOST = 12, LINES = 12, STACK_MOST = 200;
  const NAME_END = 8; /* characters of a thread's name that are never cut off: they tell the threads of a pool apart */
  const MODES = [["active", "threads that are runnable, hold the GIL or wait for it"], ["wall", "every thread, always"],
                 ["cpu", "runnable threads"], ["gil", "the thread that holds the GIL"],
                 ["wait", "threads that wait for the GIL"],
                 ["blame", "each waiter's time, charged to what the holder of the GIL" + (data.locked ? ", or of the lock," : "") + " was doing"],
                 ...(data.locked || names.mode === "locks" ? [["locks", "threads that wait for a lock, the GIL or another one"]] : []),
                 ...(data.awaited || names.mode === "await" ? [["await", "tasks that are suspended, at what each awaits"]] : []),
                 ...(data.handled || names.mode === "exception" ? [["exception", "threads that handle an exception"]] : [])];
  const LEGEND = ["holds the GIL", "waits for it", "runs without it", "has no GIL", "idle", "unknown", "waits for a lock"];
  const NO_GIL = [2, 3, 4, 6], IDLE_ALPHA = 70;
  const by_id = (id) => document.getElementById(id);

  function make(name, properties, ...children) {
    const element = document.createElement(name);
    for (const key in properties || {})
      element.setAttribute(key, properties[key]);
    element.append(...children);
    return element;
  }

  function duration(us) {
    const s = Math.floor(us / 1e6), min = Math.floor(s / 60), h = Math.floor(min / 60);
    const steps = [[us < 1e3, us.toFixed(0) + " us"], [us < 9950, (us / 1e3).toFixed(1) + " ms"],
                   [us < 999500, (us / 1e3).toFixed(0) + " ms"], [us < 995e4, (us / 1e6).toFixed(1) + " s"],
                   [min < 1, s + " s"], [h < 1, min + " min " + s % 60 + " s"],
                   [h < 24, h + " h " + min % 60 + " min"], [true, Math.floor(h / 24) + " d " + h % 24 + " h"]];
    return steps.find(([fits]) => fits)[1];
  }
  function percent(part, all) {
    const share = all > 0 ? 100 * part / all : 0;
    return share.toFixed(share > 0 && share < 0.1 ? 2 : 1) + " %";
  }
  function round_percent(share) {
    return (100 * share).toFixed(share > 0 && share < 0.0095 ? 1 : 0) + " %";
  }
  /* A moment of the run: enough digits to tell neighbours apart. */
  function moment(us) {
    if (names.seconds < 1)
      return duration(us);
    const s = us / 1e6, digits = names.seconds < 10 ? 2 : names.seconds < 100 ? 1 : 0, min = Math.floor(s / 60);
    const two = (n) => String(n).padStart(2, "0");
    if (names.seconds < 120)
      return s.toFixed(digits) + " s";
    return (names.seconds < 3600 ? min : Math.floor(min / 60) + ":" + two(min % 60)) + ":" + two(Math.floor(s % 60));
  }

  function person(thread) {
    if (thread.thread)
      return thread.name + ", a task that " + person(thread.thread) + " runs";
    const number = " (" + thread.tid + ")";
    return thread.name.endsWith(number) ? thread.name : thread.name + number;
  }

  /* --- what is chosen --- */

  let span = data.whole, mode = MODES.some(([name]) => name === names.mode) ? names.mode : "wall", sums = [];
  const followers = [];

  function choose(from, to) {
    const next = from === undefined ? data.whole : {from: Math.min(from, to), to: Math.max(from, to)};
    if (next.from === span.from && next.to === span.to)
      return;
    span = next;
    refresh();
  }

  let asked = false;
  function choose_soon() {
    if (asked)
      return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      refresh();
    });
  }

  function refresh() {
    sums = data.sum_threads(span);
    for (const follow of followers)
      follow();
  }

  /* --- the verdict: src/export/html/verdict.c says the same of the whole run --- */

  function gils() {
    const list = new Map();
    for (const sum of sums) {
      if (sum.hue[0] + sum.hue[1] === 0)
        continue;
      const name = sum.thread.process + "/" + sum.thread.lock;
      if (!list.has(name))
        list.set(name, {name, process: sum.thread.process, held: 0, waits: 0, most: null});
      const gil = list.get(name);
      gil.held += sum.hue[0];
      gil.waits += sum.hue[1];
      if (sum.hue[0] > 0 && (!gil.most || sum.hue[0] > gil.most.hue[0]))
        gil.most = sum;
    }
    return Array.from(list.values());
  }

  function about_gil(gil, us) {
    const waits = gil.waits / us;
    let text = round_percent(Math.min(gil.held / us, 1)) + " of the time";
    if (gil.most && gil.most.hue[0] * 4 < gil.held) {
      text += "; no thread held it more than " + round_percent(gil.most.hue[0] / us);
    } else if (gil.most) {
      const leaf = Array.from(gil.most.held).reduce((best, next) => (next[1] > best[1] ? next : best));
      text += "; " + gil.most.thread.name + " held it " + round_percent(Math.min(gil.most.hue[0] / us, 1)) +
              ", most of that in " + data.node_name(leaf[0]);
    }
    if (waits < 0.05)
      return text + ". Hardly any thread waited for it.";
    const contended = data.contended(gil.name, span);
    return text + ". Threads waited for it " +
           (contended === undefined ? "" : round_percent(contended) + " of the time, ") + waits.toFixed(1) + " on average.";
  }

  /* Of waits for locks that are no GIL. */
  function about_locks(us, gils) {
    const list = data.sum_locks(span), sum = list.reduce((all, next) => all + next.us, 0);
    return sum === 0 ? "" : " " + (sum / us).toFixed(1) + " threads waited for " + (gils ? "other " : "") + "locks on average, the longest in " + list[0].place + ".";
  }

  const verdict_of_all = by_id("verdict").textContent;
  followers.push(function () {
    const list = gils(), us = data.seconds(span) * 1e6, most = list.sort((a, b) => b.held - a.held)[0];
    const all = sums.reduce((sum, next) => sum + next.all, 0), none = sums.reduce((sum, next) => sum + next.hue[3], 0);
    let text = verdict_of_all;
    if (span !== data.whole) {
      text = "From " + moment(span.from * names.bucket_us) + " to " + moment(span.to * names.bucket_us) + ": ";
      if (all === 0)
        text += "nothing was sampled.";
      else if (!most)
        text += none > 0 ? (sums.reduce((sum, next) => sum + next.runs, 0) / us).toFixed(1) +
                " threads ran at the same time on average; there is no GIL that they could wait for." :
                "nobody held the GIL, and nobody waited for it.";
      else if (list.length > 1)
        text += "of " + list.length + " GILs the busiest, of process " + names.processes[most.process][0] +
                ", was held " + about_gil(most, us);
      else
        text += "the GIL was held " + about_gil(most, us);
      text += about_locks(us, most);
    }
    by_id("verdict").textContent = text;
  });

  /* --- the strip --- */

  const strip = {cursor: 0, row: 0, anchor: null, all: false};

  /* The rows of a process lie together, those of the one first that tells most; of several each has a head. Below a
   * thread are the tasks that it runs. */
  function rows_shown() {
    const ranked = data.shown.filter((thread) => thread.rank > 0).sort((a, b) => a.rank - b.rank);
    const most = strip.all ? Infinity : LANES_FIRST, lanes = new Map();
    const rows = (strip.all ? ranked : ranked.slice(0, ROWS_FIRST)).flatMap((thread) =>
      [thread].concat(data.lanes.filter((lane) => lane.thread === thread).slice(0, most)));
    for (const row of rows) {
      const process = (row.thread || row).process;
      lanes.set(process, (lanes.get(process) || []).concat(row));
    }
    if (names.processes.length === 1)
      return rows;
    return Array.from(lanes).flatMap(([process, list]) => [{head: names.processes[process][1]}].concat(list));
  }

  /* One pixel for each bucket, and the browser makes it as wide as it likes. */
  function paint(rows, height) {
    const canvas = make("canvas", {width: names.buckets, height: Math.max(rows.length * height, 1), "aria-hidden": "true"});
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    rows.forEach((thread, row) => {
      for (let bucket = 0; bucket < names.buckets && thread.row; bucket++) {
        let filled = 0, y = (row + 1) * height - 1;
        for (let hue = 0; hue < HUES.length; hue++) {
          filled += thread.row[HUES.length * bucket + hue];
          const end = (row + 1) * height - 1 - Math.round(Math.min(filled, 100) / 100 * (height - 2));
          for (; y > end; y--) {
            const at = 4 * (y * canvas.width + bucket), colour = HUES[hue][1];
            image.data[at] = colour >> 16;
            image.data[at + 1] = colour >> 8 & 255;
            image.data[at + 2] = colour & 255;
            image.data[at + 3] = hue === 4 ? IDLE_ALPHA : 255;
          }
        }
      }
    });
    context.putImageData(image, 0, 0);
    return canvas;
  }

  function bucket_at(event) {
    const box = strip.plot.getBoundingClientRect();
    return Math.max(0, Math.min(names.buckets, (event.clientX - box.left) / box.width * names.buckets));
  }

  function show_span() {
    const part = (bucket) => 100 * bucket / names.buckets + "%", chosen = span !== data.whole;
    strip.before.style.width = chosen ? part(span.from) : "0";
    strip.after.style.width = chosen ? part(names.buckets - span.to) : "0";
    strip.clear.hidden = !chosen;
    strip.text.textContent = chosen ? moment(span.from * names.bucket_us) + " – " + moment(span.to * names.bucket_us) +
      ", " + duration(data.seconds(span) * 1e6) : "Whole run, " + duration(names.seconds * 1e6) + ". Drag to choose a part.";
  }

  function show_cursor(visible) {
    const rows = rows_shown(), thread = rows[strip.row], bucket = Math.floor(Math.min(strip.cursor, names.buckets - 1));
    strip.line.hidden = !visible;
    strip.line.style.left = 100 * (bucket + 0.5) / names.buckets + "%";
    Array.from(strip.labels.children).forEach((label, i) => label.classList.toggle("at", visible && i === strip.row));
    if (!visible || !thread || thread.head) {
      strip.here.textContent = "";
      return;
    }
    const parts = HUES.map(([word], i) => [word, thread.row[HUES.length * bucket + i]]).filter(([, share]) => share > 0);
    strip.here.textContent = moment(bucket * names.bucket_us) + "  " + thread.name + ": " +
      (parts.map(([word, share]) => word + " " + share + " %").join(", ") || (thread.thread ? "nothing known" : "not there")) +
      (thread.thread && thread.places[bucket] ? ", suspended in " + names.places[thread.places[bucket] - 1][0] : "");
  }

  function clear() {
    strip.anchor = null;
    choose();
  }

  function select(from, to) {
    const low = Math.floor(Math.min(from, to)), high = Math.min(Math.ceil(Math.max(from, to)), names.buckets);
    span = {from: low, to: Math.max(high, low + 1)};
    choose_soon();
  }

  const strip_keys = {
    ArrowLeft: (step) => [-step, 0], ArrowRight: (step) => [step, 0], ArrowUp: () => [0, -1], ArrowDown: () => [0, 1],
    Home: () => [-Infinity, 0], End: () => [Infinity, 0], PageUp: () => [-names.buckets / 10, 0],
    PageDown: () => [names.buckets / 10, 0]
  };
  function strip_key(event) {
    if (event.key === "Escape") {
      clear();
      event.preventDefault();
      return;
    }
    const move = strip_keys[event.key];
    if (!move || event.altKey || event.metaKey)
      return;
    const [x, y] = move(event.ctrlKey ? 10 : Math.max(1, Math.round(names.buckets / 200)));
    if (event.shiftKey && strip.anchor === null)
      strip.anchor = strip.cursor;
    if (!event.shiftKey)
      strip.anchor = null;
    strip.cursor = Math.round(Math.max(0, Math.min(names.buckets, strip.cursor + x)));
    strip.row = Math.max(0, Math.min(rows_shown().length - 1, strip.row + y));
    if (event.shiftKey && x)
      select(strip.anchor, strip.cursor);
    show_cursor(true);
    event.preventDefault();
  }

  function listen_to_strip() {
    let dragged = null;
    strip.plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0)
        return;
      dragged = {from: bucket_at(event), x: event.clientX};
      strip.plot.setPointerCapture(event.pointerId);
    });
    strip.plot.addEventListener("pointermove", (event) => {
      const box = strip.plot.getBoundingClientRect();
      strip.cursor = bucket_at(event);
      strip.row = Math.max(0, Math.min(rows_shown().length - 1,
                                       Math.floor((event.clientY - box.top) / box.height * rows_shown().length)));
      show_cursor(true);
      if (dragged && Math.abs(event.clientX - dragged.x) > 3)
        select(dragged.from, strip.cursor);
    });
    for (const name of ["pointerup", "pointercancel"])
      strip.plot.addEventListener(name, () => (dragged = null));
    strip.plot.addEventListener("pointerleave", () => show_cursor(document.activeElement === strip.plot));
    strip.plot.addEventListener("blur", () => show_cursor(false));
    strip.plot.addEventListener("focus", () => show_cursor(true));
    strip.plot.addEventListener("dblclick", clear);
    strip.plot.addEventListener("keydown", strip_key);
    strip.clear.addEventListener("click", () => {
      clear();
      strip.plot.focus();
    });
  }

  function fill_strip() {
    const rows = rows_shown(), height = rows.length <= ROWS_FEW ? 18 : 12;
    strip.labels.replaceChildren(...rows.map((thread) => {
      const label = thread.head ? make("span", {class: "head", title: thread.head}, make("span", {class: "begin"}, thread.head)) :
        make("span", thread.thread ? {class: "task", title: person(thread)} : {title: person(thread)}, make("span", {class: "begin"}, thread.name.slice(0, -NAME_END)),
             make("span", {}, thread.name.slice(-NAME_END)));
      label.style.height = label.style.lineHeight = height + "px";
      return label;
    }));
    const canvas = paint(rows, height);
    canvas.style.height = rows.length * height + "px";
    canvas.style.imageRendering = names.buckets < 500 ? "pixelated" : "auto";
    strip.plot.replaceChildren(canvas, strip.before, strip.after, strip.line);
  }

  function axis() {
    const steps = [1, 2, 5, 10, 15, 30, 60].flatMap((n) => [n / 1e6, n / 1e5, n / 1e4, n / 1e3, n / 100, n / 10, n, n * 60, n * 3600])
      .sort((a, b) => a - b), step = steps.find((s) => names.seconds / s <= 8) || names.seconds;
    const marks = make("div", {class: "axis", "aria-hidden": "true"});
    for (let s = 0; s <= names.seconds * 0.97; s += step) {
      const mark = make("span", {}, moment(s * 1e6));
      mark.style.left = 100 * s / names.seconds + "%";
      marks.append(mark);
    }
    return marks;
  }

  function build_strip() {
    strip.labels = make("div", {class: "labels"});
    strip.plot = make("div", {class: "plot", tabindex: "0", role: "group", "aria-label":
      "Time: arrows move, with Shift they choose a span, Escape chooses the whole run", "aria-describedby": "here"});
    strip.before = make("div", {class: "shade before"});
    strip.after = make("div", {class: "shade after"});
    strip.line = make("div", {class: "line", hidden: ""});
    strip.text = make("output", {class: "span", "aria-live": "polite"});
    strip.here = make("output", {class: "here", id: "here", "aria-live": "polite"});
    strip.clear = make("button", {type: "button", title: "Esc, or a double click in the strip", hidden: ""}, "Whole run");
    const count = () => rows_shown().filter((row) => !row.head).length, few = count();
    strip.all = true;
    const all = count(), what = data.lanes.length > 0 ? " threads and tasks" : " threads";
    strip.all = false;
    const more = make("button", {type: "button"}, "All " + all + what);
    more.hidden = few === all;
    more.addEventListener("click", () => {
      strip.all = !strip.all;
      more.textContent = (strip.all ? "Fewer" : "All " + all) + what;
      fill_strip();
    });
    by_id("time").append(make("div", {class: "strip"}, strip.labels, make("div", {}, strip.plot, axis())),
                         make("div", {class: "strip-bar"}, strip.text, strip.clear, more, strip.here));
    fill_strip();
    listen_to_strip();
    followers.push(show_span);
  }

  /* --- the flame graph: frames are drawn as the file without scripts has them, and handed to its script --- */

  function hues(words) {
    const awake = words[2] + words[3], runs = awake > 0 ? 1 - words[5] / awake : 0;
    const none = words[3] * runs;
    return [words[0], words[1], awake - words[5] - none, none, words[5] - words[6], words[4], words[6]];
  }

  function colour(words, all, holder) {
    if (holder)
      return "#e69f00";
    const parts = hues(words);
    return "#" + [16, 8, 0].map((shift) => {
      const light = parts.reduce((sum, part, i) => sum + (HUES[i][1] >> shift & 255) ** 2 * part / all, 0);
      return Math.round(Math.sqrt(light)).toString(16).padStart(2, "0");
    }).join("");
  }

  function box(tree, node, depth, x, words, us, merged, waiter) {
    const all = tree.all[tree.top], holder = mode === "blame" && !waiter, group = document.createElementNS(SVG, "g");
    const name = merged ? merged.toLocaleString("en") + (merged === 1 ? " small frame" : " small frames") : tree.label[node];
    const self = merged ? 0 : tree.self[node], where = merged ? "" : data.where_of(tree, node);
    const split = data.WORDS.map((word, i) => [word, words[i]]).filter(([, part]) => part > 0)
      .map(([word, part]) => word + " " + percent(part, us)).join(", ");
    group.setAttribute("class", "f" + (merged ? " m" : "") + (holder ? " h" : ""));
    group.setAttribute("data-v", [depth, x, us, ...words].map(Math.round).join(" "));
    const title = document.createElementNS(SVG, "title"), rect = document.createElementNS(SVG, "rect");
    title.textContent = name + "\n" + duration(us) + ", " + percent(us, all) + " of all" +
      (self > 0 ? ", itself " + duration(self) : "") + "\n" + split +
      (words[5] > 0 ? "; idle " + percent(words[5], us) : "") +
      (words[6] > 0 ? ", waits for a lock " + percent(words[6], us) : "") + (where ? "\n" + where : "");
    rect.setAttribute("height", ROW - 1);
    rect.setAttribute("fill", colour(words, us, holder));
    group.append(title, rect);
    return group;
  }

  /* Those that are too small to be seen stand together, as src/export/flame/boxes.c has them. */
  function draw(tree) {
    const group = document.createElementNS(SVG, "g"), all = tree.all[tree.top];
    const sizes = Float64Array.from(tree.all).sort();
    const least = Math.max(all / LEAST, sizes.length > BOXES_MOST ? sizes[sizes.length - BOXES_MOST] : 0);
    group.id = "frames";
    const way = [[tree.top, 0, 0, false]]; /* node, depth, x, part of what waits */
    while (all > 0 && way.length > 0) {
      const [node, depth, start, below, small] = way.pop();
      if (small) {
        group.append(box(tree, node, depth, start, small.words, small.us, small.count, below));
        continue;
      }
      const waiter = below || data.starts_waiter(data.kind_of(tree, node)), rest = new Float64Array(7), next = [];
      let x = start, count = 0, us = 0;
      group.append(box(tree, node, depth, start, tree.words[node], tree.all[node], 0, waiter));
      for (const child of tree.children[node]) {
        if (tree.all[child] >= least) {
          next.push([child, depth + 1, x, waiter]);
          x += tree.all[child];
        } else if (tree.all[child] > 0) {
          count++;
          us += tree.all[child];
          tree.words[child].forEach((part, i) => (rest[i] += part));
        }
      }
      if (us >= least)
        next.push([node, depth + 1, x, waiter, {words: rest, us, count}]);
      way.push(...next.reverse());
    }
    return group;
  }

  const flame = {by_thread: names.by_thread === 1};
  function show_flame() {
    const tree = data.tree_of(span, mode, flame.by_thread), group = draw(tree), empty = group.children.length === 0;
    flame.about.textContent = MODES.find(([name]) => name === mode)[1] + ": " + duration(tree.all[tree.top]) +
                              (mode === "await" ? " of tasks' time" : " of thread time");
    flame.nothing.hidden = !empty;
    flame.nothing.textContent = mode === "await" ? "No suspended task was recorded here." :
      "No thread counts in mode " + mode + " here" + (mode === "wall" ? "." : "; in mode wall each does.");
    flame.place.hidden = empty;
    if (empty)
      return;
    if (flame.graph)
      flame.graph.renew(group);
    else
      flame.graph = gilspy_flamegraph(group, {whole: false, words: flame.about, legend: "",
                                              mount: (app) => flame.place.append(app)});
  }

  function choose_mode(name, focus) {
    mode = name;
    for (const tab of flame.tabs.children) {
      const chosen = tab.textContent === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.setAttribute("tabindex", chosen ? "0" : "-1");
      if (chosen && focus)
        tab.focus();
    }
    show_flame();
  }

  function build_flame() {
    flame.tabs = make("div", {class: "tabs", role: "tablist", "aria-label": "Which samples count"});
    for (const [name, help] of MODES) {
      const tab = make("button", {type: "button", role: "tab", title: help, "aria-controls": "flame"}, name);
      tab.addEventListener("click", () => choose_mode(name));
      flame.tabs.append(tab);
    }
    flame.tabs.addEventListener("keydown", (event) => {
      const at = MODES.findIndex(([name]) => name === mode), last = MODES.length - 1;
      const to = {ArrowLeft: at > 0 ? at - 1 : last, ArrowRight: at < last ? at + 1 : 0, Home: 0, End: last}[event.key];
      if (to !== undefined) {
        event.preventDefault();
        choose_mode(MODES[to][0], true);
      }
    });
    const by_thread = make("input", {type: "checkbox", id: "by-thread"});
    by_thread.checked = flame.by_thread;
    by_thread.addEventListener("change", () => {
      flame.by_thread = by_thread.checked;
      show_flame();
    });
    flame.about = make("p", {class: "words"});
    flame.nothing = make("p", {class: "nothing"});
    flame.place = make("div", {class: "flame-place", id: "flame", role: "tabpanel"});
    by_id("graph").append(make("div", {class: "tab-bar"}, flame.tabs,
                               make("label", {for: "by-thread"}, by_thread, " by thread")), flame.nothing, flame.place);
    followers.push(() => choose_mode(mode));
    document.addEventListener("keydown", (event) => {
      const search = flame.place.querySelector("input");
      if (search && !event.defaultPrevented && event.key === "/" && event.target.localName !== "input") {
        event.preventDefault();
        search.select();
        flame.place.scrollIntoView({block: "nearest"});
      }
    });
  }

  /* --- the processes, where there are several: sums of each and of all --- */

  const PROCESS_COLUMNS = [["Process", (sum) => sum.name], ["Threads", (sum) => sum.threads],
                           ["GIL held %", (sum, us) => share(sum.hue[0], us).toFixed(1)],
                           ["Waiting on average", (sum, us) => (sum.hue[1] / us).toFixed(2)],
                           ["Runnable on average", (sum, us) => (sum.runs / us).toFixed(2)]];

  function sums_of_processes() {
    const none = (name) => ({name, threads: 0, hue: HUES.map(() => 0), runs: 0});
    const list = names.processes.map(([, name]) => none(name)), all = none("all");
    for (const sum of sums.filter((one) => one.all > 0)) {
      for (const to of [list[sum.thread.process], all]) {
        to.threads++;
        to.runs += sum.runs;
        sum.hue.forEach((us, hue) => (to.hue[hue] += us));
      }
    }
    return list.sort((a, b) => b.hue[1] - a.hue[1] || b.hue[0] - a.hue[0]).concat(all);
  }

  function build_processes() {
    if (names.processes.length === 1)
      return;
    const body = make("tbody"), head = PROCESS_COLUMNS.map(([name]) => make("th", {scope: "col"}, name));
    by_id("threads").before(make("section", {id: "processes"}, make("h2", {}, "Processes"),
                                 make("table", {}, make("thead", {}, make("tr", {}, ...head)), body)));
    followers.push(() => body.replaceChildren(...sums_of_processes().map((sum) =>
      make("tr", {}, ...PROCESS_COLUMNS.map(([, of], i) => make(i === 0 ? "th" : "td", i === 0 ? {scope: "row"} : {},
                                                               String(of(sum, data.seconds(span) * 1e6))))))));
  }

  /* --- the threads --- */

  function longest_hold(thread) {
    if (span === data.whole)
      return thread.longest_us;
    const from = span.from * names.bucket_us, to = span.to * names.bucket_us;
    return names.holds.filter((hold) => hold[0] === thread.number && hold[1] < to && hold[2] >= from)
      .reduce((most, hold) => Math.max(most, Math.min(hold[2], to) - Math.max(hold[1], from)), 0);
  }
  function samples_of(sum) {
    return span === data.whole || !sum.total ? sum.thread.samples : Math.round(sum.thread.samples * sum.all / sum.total);
  }
  const share = (part, all) => (all > 0 ? 100 * part / all : 0);
  const COLUMNS = [["Thread", (sum) => sum.thread.name, null],
                   ["TID", (sum) => sum.thread.tid, String],
                   ["Has GIL %", (sum) => share(sum.hue[0], sum.all)], ["GIL wait %", (sum) => share(sum.hue[1], sum.all)],
                   ["No GIL %", (sum) => NO_GIL.reduce((all, hue) => all + share(sum.hue[hue], sum.all), 0)],
                   ...(data.locked ? [["Of it at locks %", (sum) => share(sum.hue[6], sum.all)]] : []),
                   ["Unknown %", (sum) => share(sum.hue[5], sum.all)], ["Runnable %", (sum) => share(sum.runs, sum.all)],
                   ["Longest hold seen", (sum) => longest_hold(sum.thread), (us) => (us > 0 ? duration(us) : "–")],
                   ["Samples", samples_of, (count) => count.toLocaleString("en")]];
  const table = {column: 2, down: true, all: false};
  const totals = new Map();

  function show_threads() {
    const value = COLUMNS[table.column][1], sign = table.down ? -1 : 1;
    for (const sum of sums)
      sum.total = totals.get(sum.thread);
    const rows = sums.filter((sum) => sum.all > 0).map((sum) => [value(sum), sum]).sort(([a, x], [b, y]) =>
      (a < b ? -sign : a > b ? sign : 0) || x.thread.rank - y.thread.rank || x.thread.number - y.thread.number);
    table.body.replaceChildren(...rows.slice(0, table.all ? undefined : ROWS_FIRST).map(([, sum]) =>
      make("tr", {}, ...COLUMNS.map(([, of, format], i) => (i === 0 ?
        make("th", {scope: "row"}, sum.thread.name + (sum.thread.main ? " *" : "")) :
        make("td", {}, (format || ((number) => number.toFixed(1)))(of(sum))))))));
    table.more.hidden = rows.length <= ROWS_FIRST;
    table.more.textContent = table.all ? "Fewer" : "All " + rows.length;
    COLUMNS.forEach((column, i) => table.head.children[i].setAttribute("aria-sort",
      i !== table.column ? "none" : table.down ? "descending" : "ascending"));
  }

  function build_threads() {
    table.head = make("tr");
    COLUMNS.forEach(([name], i) => {
      const button = make("button", {type: "button"}, name);
      button.addEventListener("click", () => {
        table.down = table.column === i ? !table.down : i > 1;
        table.column = i;
        show_threads();
      });
      table.head.append(make("th", {scope: "col"}, button));
    });
    table.body = make("tbody");
    table.more = make("button", {type: "button"});
    table.more.addEventListener("click", () => {
      table.all = !table.all;
      show_threads();
    });
    by_id("threads").querySelector("table").replaceWith(make("table", {}, make("thead", {}, table.head), table.body));
    by_id("threads").append(table.more);
    followers.push(show_threads);
  }

  /* --- the longest holds --- */

  function stack_list(node) {
    return make("ol", {class: "stack"}, ...data.stack(node).slice(0, STACK_MOST).map((name) => make("li", {}, name)));
  }

  function show_holds() {
    const from = span.from * names.bucket_us, to = span.to * names.bucket_us;
    const list = names.holds.filter((hold) => hold[3] > 1 && hold[1] < to && hold[2] >= from).slice(0, HOLDS_FIRST);
    const most = list.length > 0 ? list[0][2] - list[0][1] : 1;
    by_id("holds").querySelector("div").replaceChildren(...list.map(([thread, begin, end, samples, waiters, leaf]) => {
      const bar = make("span", {class: "bar-of", "aria-hidden": "true"}, make("span"));
      bar.firstChild.style.width = 100 * (end - begin) / most + "%";
      return make("details", {}, make("summary", {}, bar, make("b", {}, "about " + duration(end - begin)), " ",
        person(data.threads[thread]) + ", in " + data.node_name(leaf),
        make("span", {class: "soft"}, " from " + moment(begin) + " on; " + samples + " samples, " + waiters.toFixed(1) +
                                      " waiting")), stack_list(leaf));
    }), ...(list.length > 0 ? [] : [make("p", {}, "No thread was seen with the GIL in two samples that follow each other.")]));
  }

  /* --- waits for locks --- */

  function build_locks() {
    const body = make("tbody"), note = make("p", {class: "note"});
    const head = ["Waited", "Threads", "They waited in", "Held by", "Who was in"].map((name) => make("th", {scope: "col"}, name));
    if (!data.locked)
      return;
    by_id("blame").before(make("section", {id: "locks"}, make("h2", {}, "Waits for locks that are not the GIL"), note,
                               make("div", {class: "wide"}, make("table", {class: "lines"}, make("thead", {}, make("tr", {}, ...head)), body))));
    followers.push(() => {
      const list = data.sum_locks(span);
      note.textContent = list.length === 0 ? "No thread was seen to wait for one." :
        "gilspy stat --locks names the locks." + (list.length > LINES ? " Only those with the most." : "");
      body.replaceChildren(...list.slice(0, LINES).map((sum) => make("tr", {},
        make("td", {}, duration(sum.us)), make("td", {}, sum.waiters.size === 1 ? person(sum.waiters.values().next().value) : String(sum.waiters.size)),
        make("td", {class: "text"}, sum.place), make("td", {}, sum.holder ? person(sum.holder) : "[holder unknown]"),
        make("td", {class: "text"}, sum.held))));
    });
  }

  /* --- who delays whom --- */

  const blame = {place: null, chosen: null};

  function lines_of(waiter, holder, cell) {
    const list = Array.from(cell.lines).sort((a, b) => b[1] - a[1]).slice(0, LINES);
    const body = make("tbody", {}, ...list.map(([line, us]) => {
      const at = Math.floor(line / data.nodes.count), leaf = line % data.nodes.count;
      return make("tr", {}, make("td", {}, duration(us)),
                  make("td", {class: "text"}, at ? data.node_name(at) : holder ? "(other)" : "[holder unknown]"),
                  make("td", {class: "text"}, data.node_name(leaf)));
    }));
    return make("table", {class: "lines"},
                make("caption", {}, person(waiter) + " waited " + duration(cell.us) + " for " + (holder ? person(holder) : "somebody unknown")),
                make("thead", {}, make("tr", {}, ...["Time", "The holder was in", "The waiter was in"].map((name) =>
                  make("th", {scope: "col"}, name)))), body);
  }

  function show_lines(waiter, holder, cell, button) {
    const same = blame.button === button;
    if (blame.button)
      blame.button.setAttribute("aria-expanded", "false");
    blame.button = same ? null : button;
    blame.lines.replaceChildren(...(same ? [] : [lines_of(waiter, holder, cell)]));
    if (!same)
      button.setAttribute("aria-expanded", "true");
  }

  function matrix(rows, holders, most) {
    const head = make("tr", {}, make("th", {scope: "col"}, "waits ↓   holds →"),
                      ...holders.map((holder) => make("th", {scope: "col"}, holder ? person(holder) : "unknown")));
    return make("table", {class: "matrix"}, make("thead", {}, head), make("tbody", {}, ...rows.map(([waiter, row]) =>
      make("tr", {}, make("th", {scope: "row"}, person(waiter)), ...holders.map((holder) => {
        const cell = row.get(holder);
        if (!cell)
          return make("td", {}, "");
        const button = make("button", {type: "button", "aria-expanded": "false"}, (cell.us / 1e6).toPrecision(3));
        button.style.setProperty("--heat", (0.08 + 0.62 * cell.us / most).toFixed(3));
        button.title = person(waiter) + " waited " + duration(cell.us) + " for " + (holder ? person(holder) : "somebody unknown");
        button.addEventListener("click", () => show_lines(waiter, holder, cell, button));
        return make("td", {}, button);
      })))));
  }

  function show_blame() {
    const all = data.sum_blame(span), total = (row) => Array.from(row.values()).reduce((sum, cell) => sum + cell.us, 0);
    const rows = Array.from(all).sort((a, b) => total(b[1]) - total(a[1])), by_holder = new Map();
    let most = 0, us = 0;
    for (const [, row] of rows) {
      for (const [holder, cell] of row) {
        by_holder.set(holder, (by_holder.get(holder) || 0) + cell.us);
        most = Math.max(most, cell.us);
        us += cell.us;
      }
    }
    const holders = Array.from(by_holder).sort((a, b) => b[1] - a[1]).map(([holder]) => holder);
    blame.button = null;
    blame.lines.replaceChildren();
    const what = data.locked ? "the GIL, or the lock," : "the GIL";
    blame.about.textContent = us === 0 ? "No thread was seen to wait for " + (data.locked ? "the GIL or a lock." : "the GIL.") :
      "Seconds that threads waited, " + duration(us) + " in all: a row for who waited, a column for who had " + what + " meanwhile." +
      (rows.length > MATRIX_MOST || holders.length > MATRIX_MOST ? " Only those with the most." : "");
    blame.place.replaceChildren(...(us === 0 ? [] : [matrix(rows.slice(0, MATRIX_MOST), holders.slice(0, MATRIX_MOST), most)]));
  }

  function build_blame() {
    blame.about = make("p", {class: "note"});
    blame.place = make("div", {class: "wide"});
    blame.lines = make("div", {class: "wide", "aria-live": "polite"});
    by_id("blame").append(blame.about, blame.place, blame.lines);
    followers.push(show_holds, show_blame);
  }

  for (const element of document.querySelectorAll(".still"))
    element.remove();
  document.documentElement.classList.add("live");
  for (const sum of data.sum_threads(data.whole))
    totals.set(sum.thread, sum.all);
  const used = HUES.map((hue, i) => data.sum_threads(data.whole).some((sum) => sum.hue[i] > 0));
  Array.from(document.querySelectorAll(".legend li")).forEach((item, i) => (item.hidden = !used[i]));
  build_strip();
  build_flame();
  build_processes();
  build_threads();
  build_locks();
  build_blame();
  refresh();
})();
