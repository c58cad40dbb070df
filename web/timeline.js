/* The timeline as it is looked at: a canvas that is moved and zoomed, a search, and what is chosen in words. What comes
 * from the traced program is only ever handled as text. */
(function () {
  "use strict";
  const data = gilspy_timeline, threads = data.threads;
  const STATES = ["#e69f00", "#d55e00", "#009e73", "#56b4e9", "#cc79a7"], FAINT = 0.45;
  const RUNS = ["#2b8cd0", "#f0e442", null, "#8c510a", "#f6b26b"];
  const DID = ["had the GIL", "waited for the GIL", "did without the GIL", "has no GIL to hold", "did nobody knows what"];
  const RAN = ["was on a processor", "was preempted: ready, but another had the processor", "was off the processor",
               "was off the processor, in a wait that no signal ends", "was woken, and waited for a processor"];
  const LEGEND = [["holds the GIL", STATES[0]], ["waits for it", STATES[1]], ["does without it", STATES[2]],
                  ["has no GIL", STATES[3]], ["unknown", STATES[4]], ["on a processor", RUNS[0]],
                  ["preempted", RUNS[1]], ["woken, without one", RUNS[4]], ["blocked (D)", RUNS[3]]];
  const PAUSES = {worlds: ["all threads stopped", "#b2182b"], gc: ["garbage collection", "#7b3294"]};
  const strips = data.locks.concat(data.pauses); /* above the threads */
  const AXIS = 20, STRIP = 30, ROW = 46, STATE = 16, RUN = 5, NAME = 17, LEAST_NS = 50, SLACK = 4, LIST_MOST = 12;
  const STACK_MOST = 200;
  const by_id = (id) => document.getElementById(id);

  function make(name, properties, ...children) {
    const element = document.createElement(name);
    for (const key in properties || {})
      element.setAttribute(key, properties[key]);
    element.append(...children);
    return element;
  }
  function button(text, title, act) {
    const element = make("button", {type: "button", title}, text);
    element.addEventListener("click", act);
    return element;
  }

  function duration(ns) {
    const us = ns / 1e3;
    if (us < 1)
      return ns.toFixed(0) + " ns";
    if (us < 1e3)
      return us.toFixed(us < 99.95 ? 1 : 0) + " us";
    if (us < 999500)
      return (us / 1e3).toFixed(us < 9950 ? 2 : us < 99500 ? 1 : 0) + " ms";
    return us < 60e6 ? (us / 1e6).toFixed(us < 9950000 ? 2 : 1) + " s" :
           Math.floor(us / 60e6) + " min " + Math.floor(us / 1e6 % 60) + " s";
  }
  /* Seconds since the beginning, with as many digits as tell moments apart that lie so far from each other. */
  function moment(ns, apart) {
    const digits = Math.min(Math.max(Math.ceil(9 - Math.log10(Math.max(apart, 1))), 0), 9);
    return (ns / 1e9).toFixed(digits) + " s";
  }

  /* --- the page --- */

  const search = make("input", {type: "search", placeholder: "Search functions, threads", "aria-label": "Search ( / )",
                                spellcheck: "false"});
  const matched = make("span", {class: "matched", role: "status"}), here = make("span", {class: "here"});
  const canvas = make("canvas", {tabindex: "0", role: "application", id: "canvas",
                                 "aria-label": "Timeline; what is chosen in it is told below"});
  const place = make("div", {class: "time-place"}, canvas);
  const point = make("p", {class: "point"});
  const chosen = make("div", {class: "chosen", id: "chosen", "aria-live": "polite"});
  const pen = canvas.getContext("2d");
  let from = 0, to = Math.max(data.ns, LEAST_NS), row_at = 0, mark = null, hits = null, text = "";
  let width = 0, height = 0, left = 120, colours = {};

  function build() {
    const zoom_bar = make("span", {}, button("−", "Zoom out ( - )", () => zoom(2)), " ",
                          button("+", "Zoom in ( + )", () => zoom(0.5)), " ",
                          button("All", "The whole run ( 0 )", () => look(0, data.ns)));
    const legend = make("ul", {class: "legend", "aria-label": "Colours"});
    const used = STATES.map((colour, word) => threads.some(({states}) => states.word.includes(word)));
    for (const [words, colour] of LEGEND.concat(data.pauses.map(({kind}) => PAUSES[kind]))) {
      if (used[STATES.indexOf(colour)] === false)
        continue;
      const item = make("li", {}, words);
      item.style.setProperty("--colour", colour);
      legend.append(item);
    }
    const keys = make("p", {class: "keys"});
    for (const [key, words] of [["← →", "move"], ["↑ ↓", "thread"], ["+ −", "zoom"], ["0", "all"], ["[ ]", "event before, after"],
                                ["Enter", "choose, then zoom to it"], ["/", "search"], ["n N", "next hit, the one before"],
                                ["Esc", "let go"]])
      keys.append(make("kbd", {}, key), " " + words + "   ");
    keys.append("wheel: zoom, with Shift: move; drag: move");
    const section = by_id("timeline");
    section.append(legend, make("div", {class: "time-bar"}, search, matched, zoom_bar, here), place, point, chosen, keys);
    for (const element of document.querySelectorAll(".still"))
      element.remove();
    document.documentElement.classList.add("live");
  }

  /* --- where things are --- */

  const head = AXIS + STRIP * strips.length;
  const x_of = (ns) => left + (ns - from) / (to - from) * (width - left);
  const ns_of = (x) => from + (x - left) / (width - left) * (to - from);
  const y_of = (index) => head + index * ROW - place.scrollTop;

  /* {row, i} below the pointer, or null; short ones are as good as a few pixels away. */
  function find(x, y) {
    const index = Math.floor((y + place.scrollTop - head) / ROW), ns = ns_of(x);
    if (x < left || y < AXIS)
      return null;
    const slack = SLACK * (to - from) / (width - left);
    if (y < head) {
      const row = strips[Math.floor((y - AXIS) / STRIP)];
      return near(row, ns, PAUSES[row.kind] ? slack : 0);
    }
    if (index < 0 || index >= threads.length)
      return null;
    const inside = y - y_of(index), thread = threads[index];
    const row = inside < STATE + 3 ? thread.states : inside < STATE + RUN + 5 ? thread.runs : thread.functions;
    return near(row, ns, slack);
  }
  function near(row, ns, slack) {
    let best = null, least = slack;
    for (let i = data.first_after(row, ns - slack), n = 0; i < row.count && row.begin[i] <= ns + slack && n < 1000; i++, n++) {
      const away = ns < row.begin[i] ? row.begin[i] - ns : ns > row.end[i] ? ns - row.end[i] : 0;
      if (!best || away < least) {
        best = {row, i};
        least = away;
      }
    }
    return best;
  }

  /* --- drawing --- */

  function read_colours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ground", "ink", "soft", "line", "panel", "accent"])
      colours[name] = style.getPropertyValue("--" + name).trim();
  }

  const hues = new Map();
  function hue_of(name) {
    if (!hues.has(name)) {
      let sum = 7;
      for (let i = 0; i < name.length; i++)
        sum = (sum * 31 + name.charCodeAt(i)) >>> 0;
      hues.set(name, "hsl(" + (200 + sum % 90) + " " + (22 + sum % 5 * 5) + "% " + (dark.matches ? 34 : 78) + "%)");
    }
    return hues.get(name);
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /* Each mark that is wider than a pixel by itself, the others by pixel: how much of it each word takes. */
  function draw_row(row, y, tall, colour_of, paint) {
    const scale = (width - left) / (to - from), words = new Float64Array(5);
    let column = -1, filled = 0;
    function flush() {
      let top = y;
      for (let word = 0; word < 5 && filled > 0; word++) {
        const part = tall * words[word] * scale;
        if (part > 0 && colour_of(word)) {
          pen.globalAlpha = row.kind === "states" && word === 2 ? FAINT : 1;
          pen.fillStyle = colour_of(word);
          pen.fillRect(left + column, top, 1, Math.max(part, 0.7));
        }
        top += part;
      }
      words.fill(0);
      filled = 0;
    }
    for (let i = data.first_after(row, from); i < row.count && row.begin[i] < to; i++) {
      const x = Math.max((row.begin[i] - from) * scale, 0), end = Math.min((row.end[i] - from) * scale, width - left);
      const merged = row.merged.get(i);
      if (end - x >= 1 && !merged) {
        paint(i, left + x, end - x);
        continue;
      }
      if (Math.floor(x) !== column) {
        flush();
        column = Math.floor(x);
      }
      filled++;
      if (merged && end - x >= 1) {
        const share = 1 / Math.max(row.end[i] - row.begin[i], 1);
        for (let k = Math.floor(x); k < end; k++) {
          column = k;
          filled = 1;
          merged.parts.forEach((ns, word) => (words[word] = ns * share / scale));
          flush();
        }
      } else if (merged) {
        merged.parts.forEach((ns, word) => (words[word] += ns));
      } else {
        words[row.word[i]] += Math.max(row.end[i] - row.begin[i], 1);
      }
    }
    flush();
    pen.globalAlpha = 1;
  }

  function draw_states(row, y) {
    draw_row(row, y, STATE, (word) => STATES[word], (i, x, wide) => {
      pen.globalAlpha = row.word[i] === 2 ? FAINT : 1;
      pen.fillStyle = STATES[row.word[i]];
      pen.fillRect(x, y, wide - (wide > 3 ? 0.5 : 0), STATE);
    });
  }

  function draw_runs(row, y) {
    draw_row(row, y, RUN, (word) => RUNS[word], (i, x, wide) => {
      if (!RUNS[row.word[i]])
        return;
      pen.fillStyle = RUNS[row.word[i]];
      pen.fillRect(x, y, wide, RUN);
    });
  }

  function draw_functions(row, y) {
    const scale = (width - left) / (to - from);
    let past = -1;
    for (let i = data.first_after(row, from); i < row.count && row.begin[i] < to; i++) {
      const x = Math.max((row.begin[i] - from) * scale, 0), end = Math.min((row.end[i] - from) * scale, width - left);
      const hit = hits && hits.nodes[row.value[i]];
      if (Math.floor(end) <= past && !hit)
        continue;
      past = Math.floor(end);
      const name = data.short_name(row.value[i]), wide = Math.max(end - x, 1);
      pen.globalAlpha = hits && !hit ? 0.3 : 1;
      pen.fillStyle = hit ? colours.accent : hue_of(name);
      pen.fillRect(left + x, y, wide - (wide > 3 ? 1 : 0), NAME);
      if (wide > 24) {
        pen.fillStyle = hit ? colours.ground : colours.ink;
        put(name, left + x + 3, y + 12.5, wide - 6);
      }
    }
    pen.globalAlpha = 1;
  }

  /* As much of it as there is room for. */
  function put(words, x, y, room) {
    const most = Math.floor(room / 6.6);
    if (most > 0)
      pen.fillText(words.length > most ? (most > 2 ? words.slice(0, most - 1) + "…" : "") : words, x, y);
  }

  function draw_waiters(row, y) {
    const scale = (width - left) / (to - from), most = Math.max(row.most, 1), tall = STRIP - 6;
    let column = -1, top = 0;
    pen.fillStyle = STATES[1];
    for (let i = data.first_after(row, from); i < row.count && row.begin[i] < to; i++) {
      const x = Math.max((row.begin[i] - from) * scale, 0), end = Math.min((row.end[i] - from) * scale, width - left);
      const part = row.value[i] / most * tall;
      if (end - x < 1 && Math.floor(x) === column && part <= top)
        continue;
      column = Math.floor(x);
      top = part;
      pen.fillRect(left + x, y + STRIP - 3 - part, Math.max(end - x, 1), part);
    }
  }

  function draw_pauses(row, y) {
    const scale = (width - left) / (to - from);
    let past = -1;
    pen.fillStyle = PAUSES[row.kind][1];
    for (let i = data.first_after(row, from); i < row.count && row.begin[i] < to; i++) {
      const x = Math.max((row.begin[i] - from) * scale, 0), end = Math.min((row.end[i] - from) * scale, width - left);
      if (Math.floor(end) <= past)
        continue;
      past = Math.floor(end);
      pen.fillRect(left + x, y + 3, Math.max(end - x, 1), STRIP - 6);
    }
  }

  /* Where nobody looked: there the first GIL has no count of who waits, not even 0. */
  function draw_untraced(row) {
    let end = from;
    const shade = (begin, until) => {
      const x = Math.max(x_of(begin), left), wide = Math.min(x_of(until), width) - x;
      if (wide < 3)
        return;
      pen.globalAlpha = 0.35;
      pen.fillStyle = colours.line;
      pen.fillRect(x, AXIS, wide, height - AXIS);
      pen.globalAlpha = 1;
      pen.fillStyle = colours.soft;
      if (wide > 80)
        pen.fillText("not traced", x + 8, AXIS + 19);
    };
    pen.font = "12px system-ui, sans-serif";
    for (let i = data.first_after(row, from); i < row.count && row.begin[i] < to; i++) {
      shade(end, row.begin[i]);
      end = row.end[i];
    }
    shade(end, to);
  }

  function draw_axis() {
    const steps = [1, 2, 5], room = (to - from) * 110 / (width - left);
    let step = Math.pow(10, Math.floor(Math.log10(Math.max(room, 1))));
    step *= steps.find((times) => step * times >= room) || 10;
    pen.fillStyle = colours.ground;
    pen.fillRect(0, 0, width, AXIS);
    pen.font = "11.5px system-ui, sans-serif";
    for (let ns = Math.ceil(from / step) * step; ns <= to; ns += step) {
      pen.fillStyle = colours.line;
      pen.fillRect(Math.round(x_of(ns)), 0, 1, height);
      pen.fillStyle = colours.soft;
      pen.fillText(moment(ns, step), x_of(ns) + 4, 14);
    }
  }

  function draw_label(words, y, strong) {
    pen.font = (strong ? "600 " : "") + "12px system-ui, sans-serif";
    pen.fillStyle = strong ? colours.ink : colours.soft;
    const most = Math.floor((left - 10) / 6.6);
    pen.fillText(words.length > most ? words.slice(0, most - 1) + "…" : words, 6, y);
  }

  function draw_thread(thread, index) {
    const y = y_of(index);
    if (y > height || y + ROW < head)
      return;
    const hit = text !== "" && thread.name.toLowerCase().includes(text);
    if (index === row_at || hit) {
      pen.fillStyle = colours.panel;
      pen.fillRect(0, y - 2, width, ROW - 1);
      pen.fillStyle = hit ? colours.accent : colours.soft;
      pen.fillRect(0, y - 2, 3, ROW - 1);
    }
    pen.font = "11px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
    draw_states(thread.states, y);
    draw_runs(thread.runs, y + STATE + 1);
    draw_functions(thread.functions, y + STATE + RUN + 3);
    draw_label(thread.name + (thread.main ? " *" : ""), y + 12, index === row_at || hit);
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.soft;
    pen.fillText(String(thread.tid), 6, y + 27);
  }

  function box_of(one) {
    const index = one.row.thread ? threads.indexOf(one.row.thread) : 0;
    const offset = {states: 0, runs: STATE + 1, functions: STATE + RUN + 3}[one.row.kind];
    const tall = {states: STATE, runs: RUN, functions: NAME}[one.row.kind] || STRIP;
    const y = one.row.thread ? y_of(index) + offset : AXIS + STRIP * strips.indexOf(one.row);
    return {x: x_of(one.row.begin[one.i]), end: x_of(one.row.end[one.i]), y, tall};
  }

  function draw_arrow(giver, taker) {
    const a = box_of(giver), b = box_of(taker), x = b.x, start = a.end;
    const down = b.y > a.y, tip = down ? b.y : b.y + b.tall;
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(start, a.y + (down ? a.tall : 0));
    pen.lineTo(x, tip + (down ? -5 : 5));
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x, tip);
    pen.lineTo(x - 4, tip + (down ? -7 : 7));
    pen.lineTo(x + 4, tip + (down ? -7 : 7));
    pen.fill();
  }

  function draw_chosen() {
    const box = box_of(mark), begin = Math.max(box.x, left), end = Math.min(box.end, width);
    if (end >= begin) {
      pen.strokeStyle = colours.ink;
      pen.lineWidth = 2;
      pen.strokeRect(begin, box.y - 1, Math.max(end - begin, 2), box.tall + 2);
    }
    if (mark.row.kind !== "states" || mark.row.word[mark.i] !== data.HOLDS)
      return;
    if (mark.giver)
      draw_arrow(mark.giver, mark);
    if (mark.taker)
      draw_arrow(mark, mark.taker);
  }

  function draw() {
    asked = false;
    const ratio = window.devicePixelRatio || 1, whole = head + threads.length * ROW + 4;
    width = place.clientWidth;
    height = Math.min(whole, Math.max(Math.floor(window.innerHeight * 0.62) - 2, 200));
    left = width < 600 ? 84 : 150;
    if (width <= left)
      return; /* a frame that is not shown yet */
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = height + "px";
    }
    canvas.style.marginBottom = whole - height + "px";
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = colours.ground;
    pen.fillRect(0, 0, width, height);
    draw_axis();
    if (data.locks.length > 0)
      draw_untraced(data.locks[0]);
    pen.save();
    pen.beginPath();
    pen.rect(0, head, width, height - head);
    pen.clip();
    threads.forEach(draw_thread);
    pen.beginPath();
    pen.rect(left, head, width - left, height - head);
    pen.clip();
    if (mark)
      draw_chosen();
    pen.restore();
    strips.forEach((row, k) => {
      (PAUSES[row.kind] ? draw_pauses : draw_waiters)(row, AXIS + STRIP * k);
      draw_label(PAUSES[row.kind] ? PAUSES[row.kind][0] : "waiting" + (data.locks.length > 1 ? ", GIL " + (row.number + 1) : "") + ", " + row.most + " at most",
                 AXIS + STRIP * k + 19, false);
    });
    canvas.dataset.from = from;
    canvas.dataset.to = to;
    here.textContent = moment(from, (to - from) / 100) + " to " + moment(to, (to - from) / 100) + " (" + duration(to - from) + ")";
  }

  let asked = false;
  function redraw() {
    if (!asked)
      requestAnimationFrame(draw);
    asked = true;
  }

  /* --- moving --- */

  function look(begin, end) {
    const all = Math.max(data.ns, LEAST_NS), span = Math.min(Math.max(end - begin, LEAST_NS), all);
    from = Math.min(Math.max((begin + end - span) / 2, 0), all - span);
    to = from + span;
    redraw();
  }
  function move(share) {
    const by = share * (to - from), all = Math.max(data.ns, LEAST_NS);
    const begin = Math.min(Math.max(from + by, 0), all - (to - from));
    look(begin, begin + to - from);
  }
  function zoom(factor, around) {
    const middle = around === undefined ? (mark && mark_seen() ? mark_middle() : (from + to) / 2) : around;
    const begin = middle - (middle - from) * factor;
    look(begin, begin + (to - from) * factor);
  }
  const mark_middle = () => (mark.row.begin[mark.i] + mark.row.end[mark.i]) / 2;
  const mark_seen = () => mark_middle() >= from && mark_middle() <= to;
  function show_thread(index) {
    row_at = Math.min(Math.max(index, 0), threads.length - 1);
    const y = row_at * ROW, room = height - head;
    if (y < place.scrollTop)
      place.scrollTop = y;
    else if (y + ROW > place.scrollTop + room)
      place.scrollTop = y + ROW - room;
    redraw();
  }

  /* --- what is chosen --- */

  function describe(one) {
    const {row, i} = one, merged = row.merged.get(i), ns = row.end[i] - row.begin[i];
    if (row.kind === "waiters")
      return (merged ? "up to " : "") + row.value[i] + (row.value[i] === 1 ? " thread" : " threads") + " waiting for " + duration(ns);
    if (PAUSES[row.kind])
      return PAUSES[row.kind][0] + (row.word[i] && !merged ? " for a garbage collection" : "") + ", " +
             (merged ? merged.count + " times in " : "") + duration(ns);
    const who = row.thread.name;
    if (row.kind === "functions")
      return who + " in " + data.node_name(row.value[i]) + ", " + duration(ns);
    if (merged)
      return who + ": " + merged.count + " spans in " + duration(ns) + ", too short to be kept one by one";
    return who + " " + (row.kind === "runs" ? RAN : DID)[row.word[i]] + " for " + duration(ns);
  }

  function jump(words, one) {
    return button(words, "Show it", () => choose(one, true));
  }
  function list_of(sums, ns) {
    return sums.slice(0, LIST_MOST).map(([thread, part]) =>
      thread.name + " " + duration(part) + " (" + (100 * part / Math.max(ns, 1)).toFixed(0) + " %)").join(", ") +
      (sums.length > LIST_MOST ? ", and " + (sums.length - LIST_MOST) + " more" : "");
  }

  function facts_of_hold(one) {
    const {row, i} = one, ns = row.end[i] - row.begin[i], waited = data.others(one, data.WAITS), facts = [];
    if (one.giver)
      facts.push(["Taken from", [jump(one.giver.row.thread.name, one.giver), " " +
                                 duration(Math.max(row.begin[i] - one.giver.ns, 0)) + " after it let go"]]);
    if (one.taker)
      facts.push(["Went to", [jump(one.taker.row.thread.name, one.taker), " " +
                              duration(one.taker.row.begin[one.taker.i] - row.end[i]) + " later"]]);
    facts.push(["Waited meanwhile", [waited.length > 0 ? list_of(waited, ns) : "nobody"]]);
    if (!(row.flags[i] & data.SAMPLED))
      facts.push(["Let go", [row.flags[i] & data.FORCED ? "after somebody had asked for it" : "by itself"]]);
    return facts;
  }

  function facts(one) {
    const {row, i} = one, ns = row.end[i] - row.begin[i], list = [], merged = row.merged.get(i);
    const apart = Math.max(ns / 100, 1);
    list.push(["When", [moment(row.begin[i], apart) + " to " + moment(row.end[i], apart)]]);
    const asker = data.asker(one);
    if (asker)
      list.push(["Asked for by", [asker.name + ", tid " + asker.tid + (asker.main ? ", the main thread" : "")]]);
    if (!row.thread)
      return list;
    list.push(["Thread", [row.thread.name + ", tid " + row.thread.tid + (row.thread.main ? ", the main thread" : "")]]);
    if (row.kind === "states" && merged)
      list.push(["Of that", [DID.map((did, word) => [did, merged.parts[word]]).filter(([, part]) => part > 0)
        .map(([did, part]) => did + " " + duration(part)).join(", ")]]);
    else if (row.kind === "states" && row.word[i] === data.HOLDS)
      list.push(...facts_of_hold(one));
    else if (row.kind === "states" && row.word[i] === data.WAITS)
      list.push(["Had it meanwhile", [list_of(data.others(one, data.HOLDS), ns) || "nobody"]],
                ["Asked for it", [row.value[i] + (row.value[i] === 1 ? " time" : " times")]]);
    else if (row.kind === "runs" && !merged)
      list.push(["Processor", [String(row.value[i])]]);
    const cpu = row.kind === "runs" ? null : data.processor(one);
    if (cpu)
      list.push(["Processor", ["on it " + duration(cpu[0]) + ", preempted " + duration(cpu[1]) +
                               (cpu[4] > 0 ? ", woken and waiting for it " + duration(cpu[4]) : "") + ", off it " +
                               duration(cpu[2] + cpu[3])]]);
    if (row.kind === "states" && row.flags[i] & data.SAMPLED)
      list.push(["Known", ["from samples: it was not traced any more"]]);
    return list;
  }

  function stack_of(one) {
    const thread = one.row.thread || data.asker(one), seen = thread && data.seen(one, thread);
    if (!thread)
      return [];
    if (!seen)
      return [make("p", {class: "soft"}, "No sample fell into it: its functions are not known.")];
    const lines = data.stack(seen.node), few = lines.slice(0, STACK_MOST);
    return [make("p", {class: "soft"}, "Stack, innermost first" + (seen.others > 0 ? "; the one of " + (seen.others + 1) +
                 " that was seen longest (" + duration(seen.ns) + ")" : "") + ":"),
            make("ol", {class: "stack"}, ...few.map(([name, where]) => make("li", {title: where}, name)),
                 ...(lines.length > few.length ? [make("li", {}, lines.length - few.length + " more")] : []))];
  }

  function choose(one, go) {
    mark = one;
    if (!one) {
      chosen.replaceChildren(make("p", {class: "nothing"}, "Click on anything, or press Enter, to see who it was, how long, and its stack."));
      redraw();
      return;
    }
    const hold = one.row.kind === "states" && one.row.word[one.i] === data.HOLDS && !one.row.merged.has(one.i);
    one.giver = hold ? data.giver(one) : null;
    one.taker = hold ? data.taker(one) : null;
    chosen.replaceChildren(make("h3", {}, describe(one)),
      make("dl", {}, ...facts(one).flatMap(([name, parts]) => [make("dt", {}, name), make("dd", {}, ...parts)])), ...stack_of(one));
    if (one.row.thread)
      show_thread(threads.indexOf(one.row.thread));
    if (go && !mark_seen())
      look(mark_middle() - (to - from) / 2, mark_middle() + (to - from) / 2);
    redraw();
  }
  function zoom_to_mark() {
    const begin = mark.row.begin[mark.i], end = mark.row.end[mark.i], around = Math.max((end - begin) * 0.5, 500);
    look(begin - around, end + around);
  }
  function enter() {
    const thread = threads[row_at], middle = (from + to) / 2;
    if (mark && mark_seen())
      zoom_to_mark();
    else if (thread)
      choose(near(thread.states, middle, (to - from) / 2));
  }
  function step(by) {
    const row = mark ? mark.row : threads.length > 0 ? threads[row_at].states : null;
    if (!row || row.count === 0)
      return;
    const i = mark ? mark.i + by : Math.min(data.first_after(row, (from + to) / 2), row.count - 1);
    if (i >= 0 && i < row.count)
      choose({row, i}, true);
  }

  /* --- the search --- */

  function find_hits() {
    text = search.value.trim().toLowerCase();
    hits = null;
    if (text === "") {
      matched.textContent = "";
      redraw();
      return;
    }
    hits = {nodes: data.nodes_with(text), list: [], at: -1};
    let ns = 0;
    for (const thread of threads) {
      const row = thread.functions;
      if (thread.name.toLowerCase().includes(text) && thread.states.count > 0)
        hits.list.push({row: thread.states, i: 0});
      for (let i = 0; i < row.count; i++) {
        if (hits.nodes[row.value[i]]) {
          hits.list.push({row, i});
          ns += row.end[i] - row.begin[i];
        }
      }
    }
    hits.list.sort((a, b) => a.row.begin[a.i] - b.row.begin[b.i]);
    const count = hits.list.length;
    matched.textContent = count === 0 ? "nothing found" : count + (count === 1 ? " hit" : " hits") + (ns > 0 ? ", " + duration(ns) : "");
    redraw();
  }
  function next_hit(by) {
    if (!hits || hits.list.length === 0)
      return;
    const count = hits.list.length;
    hits.at = hits.at < 0 ? (by > 0 ? 0 : count - 1) : (hits.at + by + count) % count;
    choose(Object.assign({}, hits.list[hits.at]), true);
  }

  /* --- mouse and keys --- */

  function listen_mouse() {
    let grab = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("wheel", (event) => {
      const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1, [x] = at(event);
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
        move((event.deltaX || event.deltaY) * unit / 1000);
      else
        zoom(Math.pow(1.0018, Math.min(Math.max(event.deltaY * unit, -600), 600)), Math.min(Math.max(ns_of(x), from), to));
    }, {passive: false});
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0)
        return;
      grab = {x: event.clientX, y: event.clientY, from, to, top: place.scrollTop, far: false};
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = at(event), one = find(x, y);
      if (!grab) {
        point.textContent = x > left ? moment(ns_of(x), (to - from) / 1000) + (one ? " · " + describe(one) : "") : "";
        return;
      }
      grab.far = grab.far || Math.hypot(event.clientX - grab.x, event.clientY - grab.y) > SLACK;
      if (!grab.far)
        return;
      canvas.classList.add("dragged");
      const by = Math.min(Math.max((grab.x - event.clientX) / (width - left) * (grab.to - grab.from), -grab.from),
                          Math.max(data.ns - grab.to, 0));
      place.scrollTop = grab.top + grab.y - event.clientY;
      look(grab.from + by, grab.to + by);
    });
    const drop = (event) => {
      const was = grab, [x, y] = at(event);
      grab = null;
      canvas.classList.remove("dragged");
      if (!was || was.far || event.type === "pointercancel")
        return;
      const index = Math.floor((y + place.scrollTop - head) / ROW);
      if (y > head && index < threads.length)
        row_at = index;
      choose(find(x, y));
    };
    canvas.addEventListener("pointerup", drop);
    canvas.addEventListener("pointercancel", drop);
    canvas.addEventListener("dblclick", () => mark && zoom_to_mark());
    canvas.addEventListener("pointerleave", () => (point.textContent = ""));
    place.addEventListener("scroll", redraw);
  }

  const KEYS = {
    "ArrowLeft": () => move(-0.2), "ArrowRight": () => move(0.2), "ArrowUp": () => show_thread(row_at - 1),
    "ArrowDown": () => show_thread(row_at + 1), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2),
    "0": () => look(0, data.ns), "[": () => step(-1), "]": () => step(1), "Enter": enter, "n": () => next_hit(1),
    "N": () => next_hit(-1), "Home": () => look(0, to - from), "End": () => look(data.ns - (to - from), data.ns),
    "Escape": () => choose(null)
  };
  function listen_keys() {
    document.addEventListener("keydown", (event) => {
      const plain = !event.ctrlKey && !event.altKey && !event.metaKey, typing = event.target === search;
      const free = event.target === canvas || event.target === document.body;
      if (plain && event.key === "/" && !typing) {
        event.preventDefault();
        search.select();
        search.focus();
      } else if (plain && free && KEYS[event.key]) {
        event.preventDefault();
        KEYS[event.key]();
      }
    });
    search.addEventListener("input", find_hits);
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter")
        next_hit(event.shiftKey ? -1 : 1);
      if (event.key !== "Escape")
        return;
      search.value = "";
      find_hits();
      canvas.focus();
    });
  }

  build();
  read_colours();
  listen_mouse();
  listen_keys();
  window.addEventListener("resize", redraw);
  new ResizeObserver(redraw).observe(place);
  window.addEventListener("beforeprint", draw);
  dark.addEventListener("change", () => {
    hues.clear();
    read_colours();
    redraw();
  });
  choose(null);
  draw();
})();
