/* Turns frames that are drawn into a flame graph to work with: it reads what is there, and puts search, buttons and
 * details around it. All that comes from the profiled program is handled as text.
 *
 * static_frames: the group of frames; those of a difference of two runs say in their titles all that is to be told. place: what this page has that others have not: `whole`, the graph is all of it,
 * so that keys are meant for it wherever they are pressed; `words` and `legend`, elements that stand above the graph;
 * `mount(app)`, which shows it. */
function gilspy_flamegraph(static_frames, place) {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg", HTML = "http://www.w3.org/1999/xhtml";
  const ROW = 20, CHARACTER = 7.225, CALLERS = 3, LEAST = 0.6, SPLIT = 3, SPLIT_LEAST = 24;
  const HUES = [["holds", "#e69f00"], ["waits", "#d55e00"], ["without", "#009e73"], ["none", "#56b4e9"],
                ["unknown", "#cc79a7"], ["idle", "#999999"], ["waits for a lock", "#0072b2"]];
  const difference = static_frames.hasAttribute("data-difference");
  const KEYS = [["click, Enter", "zoom into a frame"], ["Esc, Backspace", "back"], ["r, 0", "reset"],
                ["arrows", "go to caller, callee, neighbour"], ["Home, End", "outermost frame, longest path"],
                ["/, Ctrl-F", "search: a regular expression, or text"], ["n, N", "next match, previous one"],
                ["i", "upside down"], ["?", "this help"]];

  /* --- the frames, as they stand in the file: each before those that it calls --- */

  const frames = [];
  function read_frames() {
    const way = [];
    frames.length = 0;
    for (const element of static_frames.children) {
      const v = element.getAttribute("data-v").split(" ").map(Number);
      const lines = element.querySelector("title").textContent.split("\n");
      const frame = {element, rect: element.querySelector("rect"), text: element.querySelector("text"),
                     depth: v[0], x: v[1], width: v[2], words: v.slice(3, 8), idle: v[8], locks: v[9], samples: v[10],
                     name: lines[0], where: lines[3] || "", told: lines.slice(1, 3), self: (lines[1].split(", itself ")[1] || ""),
                     plain: element.classList.contains("h"), index: frames.length, parent: null, children: [], end: 0, shown: true};
      way.length = frame.depth;
      frame.parent = frame.depth > 0 ? way[frame.depth - 1] : null;
      if (frame.parent)
        frame.parent.children.push(frame);
      way[frame.depth] = frame;
      frames.push(frame);
    }
    for (let i = frames.length - 1; i >= 0; i--) { /* where the frames above it end */
      const last = frames[i].children[frames[i].children.length - 1];
      frames[i].end = last ? last.end : i + 1;
    }
  }

  /* --- the page --- */

  function make(name, properties, ...children) {
    const element = document.createElementNS(HTML, name);
    for (const key in properties || {})
      element.setAttribute(key, properties[key]);
    for (const child of children)
      element.append(child);
    return element;
  }

  const ui = {};
  function build_page() {
    ui.search = make("input", {type: "search", placeholder: "Search  /", "aria-label": "Search frames",
                               spellcheck: "false"});
    ui.matched = make("output", {class: "matched", "aria-live": "polite"});
    ui.back = make("button", {type: "button", title: "Esc"}, "Back");
    ui.reset = make("button", {type: "button", title: "r"}, "Reset");
    ui.flip = make("button", {type: "button", title: "i"}, "Flip");
    ui.keys = make("button", {type: "button", title: "?", "aria-expanded": "false"}, "Keys");
    ui.bar = make("div", {class: "bar", role: "toolbar", "aria-label": "Flame graph"}, ui.matched, ui.search, ui.back,
                  ui.reset, ui.flip, ui.keys);
    ui.graph = document.createElementNS(SVG, "svg");
    ui.graph.setAttribute("role", "tree");
    ui.graph.setAttribute("aria-label", "Frames");
    ui.view = make("div", {class: "view"}, ui.graph);
    ui.name = make("div", {class: "name"});
    ui.numbers = make("div", {class: "numbers"});
    ui.footer = make("footer", {"aria-live": "polite"}, ui.name, ui.numbers);
    const list = make("dl");
    for (const [key, meaning] of KEYS)
      list.append(make("dt", {}, key), make("dd", {}, meaning));
    ui.help = make("div", {class: "help", role: "dialog", "aria-label": "Keys", hidden: ""}, list);
    ui.app = make("div", {class: "app"}, make("header", {}, place.words, ui.bar, place.legend),
                  make("div", {class: "help-place"}, ui.help), ui.view, ui.footer);
    ui.more = document.createElementNS(SVG, "g");
    ui.more.setAttribute("class", "more");
    ui.more.append(document.createElementNS(SVG, "rect"), document.createElementNS(SVG, "text"));
    ui.graph.append(ui.more, static_frames);
    static_frames.removeAttribute("transform");
    place.mount(ui.app);
  }

  /* --- where each frame stands --- */

  let zoomed = null, focused = null, flame = false, stack = [];

  function cut(text, width) {
    const room = Math.floor((width - 6) / CHARACTER), characters = Array.from(text);
    if (room < 3)
      return "";
    let used = 0;
    for (let i = 0; i < characters.length; i++) {
      used += characters[i].codePointAt(0) < 0x1100 ? 1 : 2;
      if (used > room) {
        while (i > 0 && used > room - 1)
          used -= characters[--i].codePointAt(0) < 0x1100 ? 1 : 2;
        return characters.slice(0, i).join("") + "…";
      }
    }
    return text;
  }

  /* The parts of a frame's time, as its line below and its details show them: idle is part of the time without, or with
   * no GIL. */
  function parts(frame) {
    const awake = frame.words[2] + frame.words[3], runs = awake > 0 ? 1 - frame.idle / awake : 0;
    const asleep = {5: frame.idle - frame.locks, 6: frame.locks};
    return HUES.map(([, colour], i) => [colour, asleep[i] ?? frame.words[i] * (i === 2 || i === 3 ? runs : 1)]);
  }

  function draw_split(frame, x, y, width) {
    const paths = frame.element.querySelectorAll("path");
    let at = 0;
    if (width >= SPLIT_LEAST && !frame.plain && !difference) {
      for (const [colour, part] of parts(frame)) {
        if (part < 0.5 || part > frame.width - 1)
          continue;
        const path = paths[at] || frame.element.insertBefore(document.createElementNS(SVG, "path"), frame.text);
        const size = part / frame.width * width;
        path.setAttribute("fill", colour);
        path.setAttribute("d", `M${x.toFixed(2)} ${y}h${size.toFixed(2)}v${SPLIT}h${(-size).toFixed(2)}z`);
        x += size;
        at++;
      }
    }
    for (; at < paths.length; at++)
      paths[at].remove();
  }

  function put(frame, x, y, width) {
    frame.rect.setAttribute("x", x.toFixed(2));
    frame.rect.setAttribute("y", y);
    frame.rect.setAttribute("width", Math.max(width > 1.5 ? width - 0.5 : width, 0).toFixed(2));
    draw_split(frame, x, y + ROW - 1 - SPLIT, width - 0.5);
    const text = cut(frame.name, width);
    if (!text) {
      if (frame.text)
        frame.text.textContent = "";
      return;
    }
    if (!frame.text) {
      frame.text = document.createElementNS(SVG, "text");
      frame.element.append(frame.text);
    }
    frame.text.setAttribute("x", (x + 3).toFixed(2));
    frame.text.setAttribute("y", y + 14);
    if (frame.text.textContent !== text)
      frame.text.textContent = text;
  }

  /* Only the nearest callers of what is zoomed into are shown: of 2,000 nobody wants to see each. */
  function lay_out() {
    const width = Math.max(ui.graph.clientWidth || ui.view.clientWidth - 32, 100), scale = width / (zoomed.width || 1);
    const skipped = zoomed.depth > CALLERS + 1 ? zoomed.depth - CALLERS : 0, shift = skipped - (skipped > 0 ? 1 : 0);
    let last = 0;
    for (const frame of frames) {
      const above = frame.index >= zoomed.index && frame.index < zoomed.end;
      const below = frame.index < zoomed.index && zoomed.index < frame.end && frame.depth >= skipped;
      frame.shown = below || (above && frame.width * scale >= LEAST);
      frame.element.style.display = frame.shown ? "" : "none";
      frame.element.classList.toggle("up", below);
      if (frame.shown)
        last = Math.max(last, frame.depth - shift);
    }
    const row_y = (row) => (flame ? last - row : row) * ROW;
    for (const frame of frames) {
      if (!frame.shown)
        continue;
      if (frame.depth < zoomed.depth)
        put(frame, 0, row_y(frame.depth - shift), width);
      else
        put(frame, (frame.x - zoomed.x) * scale, row_y(frame.depth - shift), frame.width * scale);
    }
    ui.more.style.display = skipped > 0 ? "" : "none";
    const [rect, text] = ui.more.children;
    for (const [key, value] of [["x", 0.5], ["y", row_y(0) + 0.5], ["width", width - 1], ["height", ROW - 2]])
      rect.setAttribute(key, value);
    text.setAttribute("x", 6);
    text.setAttribute("y", row_y(0) + 14);
    text.textContent = skipped.toLocaleString("en") + " more callers: zoom out";
    ui.graph.setAttribute("height", (last + 1) * ROW);
    ui.back.disabled = stack.length === 0;
    ui.reset.disabled = zoomed === frames[0] && !ui.search.value;
  }

  function show_row(frame) {
    const y = Number(frame.rect.getAttribute("y")) + ui.graph.getBoundingClientRect().top -
              ui.view.getBoundingClientRect().top + ui.view.scrollTop;
    if (y < ui.view.scrollTop || y + ROW > ui.view.scrollTop + ui.view.clientHeight)
      ui.view.scrollTop = y - ui.view.clientHeight / 2;
  }

  function show(frame) {
    zoomed = frame;
    lay_out();
    show_row(frame);
    describe(focused && focused.shown ? focused : frame);
    if (search.pattern)
      sum_up();
  }

  /* The browser's way back is ours, where it has one. */
  function zoom(frame) {
    if (frame === zoomed)
      return;
    stack.push(zoomed);
    try {
      if (history_works)
        history.pushState({gilspy: stack.length}, "");
    } catch (error) {
      history_works = false;
    }
    show(frame);
  }

  let history_works = place.whole;
  function step_back() {
    if (stack.length > 0)
      show(stack.pop());
  }
  function back() {
    if (stack.length === 0)
      return;
    if (history_works)
      history.back();
    else
      step_back();
  }
  window.addEventListener("popstate", (event) => {
    const depth = (event.state && event.state.gilspy) || 0;
    while (history_works && stack.length > depth)
      step_back();
  });

  function reset() {
    ui.search.value = "";
    find();
    zoom(frames[0]);
    ui.reset.disabled = true;
  }

  function flip() {
    flame = !flame;
    ui.view.classList.toggle("flame", flame);
    lay_out();
    ui.view.scrollTop = flame ? ui.view.scrollHeight : 0;
    show_row(focused && focused.shown ? focused : zoomed);
  }

  /* --- details of a frame --- */

  function percent(part, all) {
    const share = all > 0 ? 100 * part / all : 0;
    return share.toFixed(share > 0 && share < 0.1 ? 2 : 1) + " %";
  }

  function duration(us) {
    const s = Math.floor(us / 1e6), min = Math.floor(s / 60), h = Math.floor(min / 60);
    const steps = [[us < 1e3, us + " us"], [us < 9950, (us / 1e3).toFixed(1) + " ms"],
                   [us < 999500, (us / 1e3).toFixed(0) + " ms"], [us < 995e4, (us / 1e6).toFixed(1) + " s"],
                   [min < 1, s + " s"], [h < 1, min + " min " + s % 60 + " s"],
                   [h < 24, h + " h " + min % 60 + " min"],
                   [true, Math.floor(h / 24) + " d " + h % 24 + " h"]];
    return steps.find(([fits]) => fits)[1];
  }

  function describe(frame) {
    ui.name.replaceChildren(frame.name + " ", make("span", {class: "where"}, frame.where));
    if (difference)
      ui.numbers.replaceChildren(...frame.told.filter(Boolean).map((line) => make("span", {}, line)));
    else
      describe_time(frame);
  }

  function describe_time(frame) {
    const split = make("span", {class: "split", "aria-hidden": "true"}), words = [];
    for (const [colour, part] of parts(frame)) {
      if (part > 0)
        split.append(make("span", {style: "background:" + colour + ";width:" + 100 * part / frame.width + "%"}));
    }
    HUES.forEach(([word], i) => {
      const part = i === 5 ? frame.idle : i === 6 ? frame.locks : frame.words[i];
      if (part > 0)
        words.push((i >= 5 ? "of it " : "") + word + " " + percent(part, frame.width));
    });
    ui.numbers.replaceChildren(split, make("span", {class: "words-of"}, words.join(", ")));
    const facts = [duration(frame.width), percent(frame.width, frames[0].width) + " of all"];
    if (zoomed !== frames[0])
      facts.push(percent(frame.width, zoomed.width) + " of what is shown");
    if (frame.self)
      facts.push("itself " + frame.self);
    if (frame.samples > 0)
      facts.push(frame.samples.toLocaleString("en") + (frame.samples === 1 ? " sample" : " samples"));
    for (const fact of facts)
      ui.numbers.append(make("span", {}, fact));
  }

  /* --- search --- */

  const search = {pattern: null, hits: []};

  function find() {
    const text = ui.search.value;
    search.pattern = null;
    ui.search.classList.remove("plain");
    if (text) {
      try {
        search.pattern = new RegExp(text, "iu");
      } catch (error) { /* then it is meant as it stands */
        search.pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\\/-]/g, "\\$&"), "i");
        ui.search.classList.add("plain");
      }
    }
    search.hits = frames.filter((frame) => {
      const hit = search.pattern !== null && (search.pattern.test(frame.name) || search.pattern.test(frame.where));
      frame.element.classList.toggle("hit", hit);
      return hit;
    });
    ui.graph.classList.toggle("searching", search.pattern !== null);
    sum_up();
    ui.reset.disabled = zoomed === frames[0] && !text;
  }

  /* A match inside another one counts once. */
  function sum_up() {
    let sum = 0, end = 0, count = 0;
    for (const frame of search.hits) {
      if (frame.index < zoomed.index || frame.index >= zoomed.end)
        continue;
      count++;
      if (frame.index < end)
        continue;
      sum += frame.width;
      end = frame.end;
    }
    ui.matched.textContent = !search.pattern ? "" : count === 0 ? "no match" :
      percent(sum, zoomed.width) + " in " + count + (count === 1 ? " frame" : " frames");
  }

  function next_hit(direction) {
    const hits = search.hits.filter((frame) => frame.shown);
    if (hits.length === 0)
      return;
    const at = hits.indexOf(focused);
    focus(hits[at < 0 ? (direction > 0 ? 0 : hits.length - 1) : (at + direction + hits.length) % hits.length]);
  }

  /* --- keyboard and mouse --- */

  function focus(frame) {
    if (!frame || !frame.shown)
      return;
    if (focused)
      focused.element.setAttribute("tabindex", "-1");
    focused = frame;
    frame.element.setAttribute("tabindex", "0");
    frame.element.focus({preventScroll: true});
    show_row(frame);
    describe(frame);
  }

  function widest(frame) {
    const children = frame.children.filter((child) => child.shown);
    return children.reduce((best, child) => (!best || child.width > best.width ? child : best), null);
  }

  function neighbour(frame, direction) {
    for (let i = frame.index + direction; i >= 0 && i < frames.length; i += direction) {
      if (frames[i].depth === frame.depth && frames[i].shown)
        return frames[i];
    }
    return null;
  }

  function longest(frame) {
    for (let next = frame; next; next = widest(next))
      frame = next;
    return frame;
  }

  function shown_top() {
    return frames.find((frame) => frame.shown);
  }

  const at_frame = {
    ArrowLeft: (frame) => focus(neighbour(frame, -1)),
    ArrowRight: (frame) => focus(neighbour(frame, 1)),
    ArrowUp: (frame) => focus(flame ? widest(frame) : frame.parent),
    ArrowDown: (frame) => focus(flame ? frame.parent : widest(frame)),
    Home: () => focus(shown_top()),
    End: () => focus(longest(zoomed)),
    Enter: (frame) => zoom(frame),
    " ": (frame) => zoom(frame)
  };
  const anywhere = {
    Escape: () => escape(), Backspace: back, r: reset, 0: reset, i: flip, "/": () => ui.search.select(),
    n: () => next_hit(1), N: () => next_hit(-1), "?": () => toggle_help()
  };

  function toggle_help(close) {
    ui.help.hidden = close || !ui.help.hidden;
    ui.keys.setAttribute("aria-expanded", String(!ui.help.hidden));
  }

  function escape() {
    if (!ui.help.hidden) {
      toggle_help(true);
    } else if (ui.search.value) {
      ui.search.value = "";
      find();
    } else {
      back();
    }
    if (document.activeElement === ui.search)
      focus(focused && focused.shown ? focused : zoomed);
  }

  function on_key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "f" && document.activeElement !== ui.search) {
      event.preventDefault();
      ui.search.select();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey)
      return;
    let action = anywhere[event.key];
    if (document.activeElement === ui.search) {
      action = event.key === "Escape" ? escape : event.key === "Enter" ? () => next_hit(event.shiftKey ? -1 : 1) : null;
    } else if (at_frame[event.key] && !event.target.closest("button")) {
      action = () => at_frame[event.key](focused && focused.shown ? focused : zoomed);
    }
    if (action) {
      event.preventDefault();
      action();
    }
  }

  function frame_of(event) {
    const element = event.target.closest && event.target.closest(".f");
    return element ? frames[element.gilspy_index] : null;
  }

  function listen() {
    ui.graph.addEventListener("click", (event) => {
      const frame = frame_of(event);
      if (frame) {
        focus(frame);
        zoom(frame);
      }
    });
    ui.more.addEventListener("click", () => zoom(frames[0]));
    ui.graph.addEventListener("mouseover", (event) => describe(frame_of(event) || focused || zoomed));
    ui.graph.addEventListener("mouseleave", () => describe(focused && focused.shown ? focused : zoomed));
    ui.graph.addEventListener("focusin", (event) => {
      const frame = frame_of(event);
      if (frame && frame !== focused)
        focus(frame);
    });
    ui.search.addEventListener("input", find);
    ui.back.addEventListener("click", back);
    ui.reset.addEventListener("click", reset);
    ui.flip.addEventListener("click", flip);
    ui.keys.addEventListener("click", () => toggle_help());
    (place.whole ? document : ui.app).addEventListener("keydown", on_key);
    window.addEventListener("resize", lay_out);
  }

  function name_frames() {
    for (const frame of frames) {
      const element = frame.element, title = element.querySelector("title");
      element.gilspy_index = frame.index;
      element.setAttribute("role", "treeitem");
      element.setAttribute("aria-level", frame.depth + 1);
      element.setAttribute("aria-label", title.textContent.replace(/\n/g, ", "));
      element.setAttribute("tabindex", "-1");
    }
    frames[0].element.setAttribute("tabindex", "0");
  }

  /* Other frames in place of these. What was zoomed into stays so, as far as it is still there. */
  function renew(group) {
    const way = [];
    for (let frame = zoomed; frame && frame.parent; frame = frame.parent)
      way.unshift(frame.name);
    static_frames.replaceWith(group);
    static_frames = group;
    read_frames();
    name_frames();
    stack = [];
    focused = null;
    zoomed = frames[0];
    for (const name of way) {
      const next = zoomed.children.find((child) => child.name === name);
      if (!next)
        break;
      zoomed = next;
    }
    if (zoomed !== frames[0])
      stack.push(frames[0]);
    find();
    show(zoomed);
  }

  read_frames();
  if (frames.length === 0)
    return null;
  build_page();
  name_frames();
  zoomed = frames[0];
  listen();
  show(zoomed);
  return {renew};
}

/* A file that is nothing but the picture: what stands in it above the graph becomes the page's head. */
(function () {
  "use strict";
  const HTML = "http://www.w3.org/1999/xhtml", SVG = "http://www.w3.org/2000/svg";
  const root = document.documentElement, head = document.getElementById("head");
  if (root.localName !== "svg" || !head)
    return;
  const make = (name) => document.createElementNS(HTML, name);
  const words = make("div"), legend = make("ul");
  words.className = "words";
  Array.from(head.querySelectorAll(":scope > text")).forEach((text, i) => {
    const line = make(i === 0 ? "h1" : "p");
    line.textContent = text.textContent;
    words.append(line);
  });
  legend.setAttribute("aria-label", "Colours");
  for (const key of head.querySelectorAll(".key")) {
    const item = make("li");
    item.style.setProperty("--colour", key.getAttribute("data-colour"));
    item.textContent = key.textContent;
    legend.append(item);
  }
  gilspy_flamegraph(document.getElementById("frames"), {whole: true, words, legend, mount(app) {
    const box = document.createElementNS(SVG, "foreignObject");
    head.remove();
    for (const name of ["width", "height"]) {
      box.setAttribute(name, "100%");
      root.setAttribute(name, "100%");
    }
    root.removeAttribute("viewBox");
    box.append(app);
    root.append(box);
  }});
})();
