/* The page of a difference: its picture becomes a flame graph to work with. The rest of the page needs no script. */
(function () {
  "use strict";
  const still = document.querySelector("#graph svg.still"), frames = still && still.querySelector("g");
  if (!frames || frames.children.length === 0)
    return;
  const make = (name, properties) => Object.assign(document.createElement(name), properties);
  const where = make("div", {className: "flame-place"});
  still.replaceWith(where);
  gilspy_flamegraph(frames, {whole: false, words: make("p", {className: "words"}), legend: "",
                             mount: (app) => where.append(app)});
})();
