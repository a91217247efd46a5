"use strict";
// The map of visible noise over a picture: one square per cell of the judge's map, on a logarithmic scale of L*.

evalkit.grain = (() => {
  const { h, svg, plural, roleName } = evalkit.dom;
  const LOW = 0.03;
  const HIGH = 4;
  // From dark violet to yellow, even in lightness, so that it reads without colour too.
  const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const TICKS = [0.03, 0.12, 0.5, 2];

  const share = (value) => Math.min(1, Math.max(0, Math.log(value / LOW) / Math.log(HIGH / LOW)));

  function colour(value) {
    const at = share(value) * (STOPS.length - 1);
    const i = Math.min(Math.floor(at), STOPS.length - 2);
    return STOPS[i].map((from, channel) => Math.round(from + (STOPS[i + 1][channel] - from) * (at - i)));
  }

  /** The map as a canvas over a picture of `role.size`, or `null` where there is none or `wanted` is false. */
  function draw(role, wanted) {
    if (!role.map || !wanted || !role.size[0]) return null;
    const { cell, values, threshold } = role.map;
    const rows = values.length;
    const columns = values[0].length;
    const canvas = h("canvas", { class: "heat", width: columns, height: rows, "aria-hidden": "true" });
    const pixels = new ImageData(columns, rows);
    values.flat().forEach((value, i) => {
      if (value === null) return; // not flat ground: left clear
      pixels.data.set([...colour(value), threshold !== null && value < threshold ? 60 : 225], i * 4);
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    canvas.style.width = `${((columns * cell) / role.size[0]) * 100}%`; // the last cells may reach past the picture
    canvas.style.height = `${((rows * cell) / role.size[1]) * 100}%`;
    return canvas;
  }

  /** The scale of the map, and its figures in words for each role that has one. */
  function legend(roles) {
    const steps = 48;
    const bar = svg("svg", { viewBox: "0 0 240 26", width: 240, height: 26, role: "img", "aria-label": `Colours from ${LOW} to ${HIGH} L*, dark to light, on a logarithmic scale` },
      Array.from({ length: steps }, (_, i) => svg("rect", {
        x: i * (240 / steps), y: 0, width: 240 / steps + 0.5, height: 12, fill: `rgb(${colour(LOW * (HIGH / LOW) ** (i / (steps - 1)))})`,
      })),
      TICKS.map((value) => svg("text", { x: share(value) * 240, y: 23, "text-anchor": share(value) < 0.05 ? "start" : "middle" }, String(value))),
      svg("text", { x: 240, y: 23, "text-anchor": "end" }, "4 L*"));
    return h("div", { class: "grain-legend", hidden: true }, bar,
      h("p", { class: "note" }, "Visible noise of flat ground. Clear squares are not flat ground, faint ones are below what can be seen."),
      h("ul", null, roles.filter((role) => role.map).map((role) => h("li", null, h("span", { class: `key-${role.role}` }, roleName(role.role)), `: ${words(role)}`))));
  }

  function words({ map: { cell, values, threshold } }) {
    const known = values.flatMap((row, y) => row.map((value, x) => ({ value, x, y }))).filter(({ value }) => value !== null);
    if (!known.length) return "no flat ground";
    const most = known.reduce((a, b) => (b.value > a.value ? b : a));
    const peak = `at most ${most.value} L*, near x ${Math.round((most.x + 0.5) * cell)}, y ${Math.round((most.y + 0.5) * cell)}`;
    if (threshold === null) return peak;
    const visible = known.filter(({ value }) => value >= threshold).length;
    return `${peak}; ${visible.toLocaleString("en")} of ${plural(known.length, "square")} at or above ${threshold} L*`;
  }

  return { draw, legend };
})();
