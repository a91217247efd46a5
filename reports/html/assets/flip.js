"use strict";
// The map of FLIP over a picture: how much a person sees change who flips between it and its twin, from 0 to 1.

evalkit.flip = (() => {
  const { h, svg, roleName } = evalkit.dom;
  // From black over red to pale yellow, rising in lightness: not to be taken for the grain map.
  const STOPS = [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]];
  const TICKS = [0, 0.25, 0.5, 0.75, 1];

  function colour(value) {
    const at = Math.min(1, Math.max(0, value)) * (STOPS.length - 1);
    const i = Math.min(Math.floor(at), STOPS.length - 2);
    return STOPS[i].map((from, channel) => Math.round(from + (STOPS[i + 1][channel] - from) * (at - i)));
  }

  /** The map as a canvas over a picture of `role.size`, or `null` where there is none or `wanted` is false. */
  function draw(role, wanted) {
    if (!role.flip || !wanted || !role.size[0]) return null;
    const { cell, values } = role.flip;
    const rows = values.length;
    const columns = values[0].length;
    const canvas = h("canvas", { class: "flip-heat", width: columns, height: rows, "aria-hidden": "true" });
    const pixels = new ImageData(columns, rows);
    values.flat().forEach((value, i) => {
      if (value !== null) pixels.data.set([...colour(value), 110 + 115 * Math.min(1, value * 4)], i * 4); // the same: seen through
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    canvas.style.width = `${((columns * cell) / role.size[0]) * 100}%`; // the last cells may reach past the picture
    canvas.style.height = `${((rows * cell) / role.size[1]) * 100}%`;
    return canvas;
  }

  /** The scale of the map, and its largest square in words. */
  function legend(roles) {
    const steps = 48;
    const bar = svg("svg", { viewBox: "0 0 240 26", width: 240, height: 26, role: "img", "aria-label": "Colours from 0 to 1, dark to light" },
      Array.from({ length: steps }, (_, i) => svg("rect", {
        x: i * (240 / steps), y: 0, width: 240 / steps + 0.5, height: 12, fill: `rgb(${colour(i / (steps - 1))})`,
      })),
      TICKS.map((value) => svg("text", { x: value * 240, y: 23, "text-anchor": { 0: "start", 1: "end" }[value] ?? "middle" }, String(value))));
    return h("div", { class: "grain-legend", hidden: true }, bar,
      h("p", { class: "note" }, "FLIP against the twin, mean of each square: 0 looks the same, 1 is green against blue. A difference is no defect by itself."),
      h("ul", null, roles.filter((role) => role.flip).map((role) => h("li", null, h("span", { class: `key-${role.role}` }, roleName(role.role)), `: ${words(role)}`))));
  }

  function words({ flip: { cell, values } }) {
    const known = values.flatMap((row, y) => row.map((value, x) => ({ value, x, y }))).filter(({ value }) => value !== null);
    if (!known.length) return "nothing compared";
    const most = known.reduce((a, b) => (b.value > a.value ? b : a));
    return `at most ${most.value}, near x ${Math.round((most.x + 0.5) * cell)}, y ${Math.round((most.y + 0.5) * cell)}`;
  }

  return { draw, legend };
})();
