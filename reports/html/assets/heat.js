"use strict";
// Heat maps over a picture: one coloured square per cell of a judge's map, with a scale of its colours.

evalkit.heat = (() => {
  const { h, svg, bdi, plural, roleName } = evalkit.dom;
  // Lightness rises evenly in both, so that they can be read without colour; their hues tell them apart.
  const PALETTES = {
    __proto__: null,
    viridis: [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]],
    magma: [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]],
  };
  const FAINT = 60; // opacity of squares below the threshold, of 255
  const STRONG = 225;
  const STEPS = 48;
  const BAR = 240;

  /** Where `value` lies on the scale of `map`, 0 to 1. */
  function share({ low, high, log }, value) {
    const at = log ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : (value - low) / (high - low);
    return Math.min(1, Math.max(0, at));
  }

  function colour(map, at) {
    const stops = PALETTES[map.palette] ?? PALETTES.viridis;
    const place = at * (stops.length - 1);
    const i = Math.min(Math.floor(place), stops.length - 2);
    return stops[i].map((from, channel) => Math.round(from + (stops[i + 1][channel] - from) * (place - i)));
  }

  function opacity(map, value) {
    if (map.threshold !== null) return value < map.threshold ? FAINT : STRONG;
    return map.log ? STRONG : 110 + (STRONG - 110) * Math.min(1, share(map, value) * 4); // the lowest figures stay see-through
  }

  /** The map as a canvas of one pixel per square, see-through or not; squares without a figure stay clear. */
  function draw(map, { opaque }) {
    const rows = map.values.length;
    const columns = map.values[0].length;
    const canvas = h("canvas", { class: "heat", width: columns, height: rows, "data-map": map.title, "aria-hidden": "true" });
    const pixels = new ImageData(columns, rows);
    map.values.flat().forEach((value, i) => {
      if (value !== null) pixels.data.set([...colour(map, share(map, value)), opaque ? 255 : opacity(map, value)], i * 4);
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }

  /** The maps of a role as canvases over its picture. */
  function over(role) {
    if (!role.size[0]) return [];
    return role.maps.map((map) => {
      const canvas = draw(map, { opaque: false });
      canvas.style.width = `${((canvas.width * map.cell) / role.size[0]) * 100}%`; // the last squares may reach past the picture
      canvas.style.height = `${((canvas.height * map.cell) / role.size[1]) * 100}%`;
      return canvas;
    });
  }

  /** A map that is not over a picture: enlarged, with its scale. */
  function alone(map) {
    const canvas = draw(map, { opaque: true });
    canvas.classList.add("alone");
    canvas.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
    return h("div", { class: "heat-alone" }, canvas, bar(map), h("p", { class: "note" }, bdi(map.title), ": ", summary(map)),
      map.note ? h("p", { class: "note" }, bdi(map.note)) : null);
  }

  /** Three to five figures of the scale, its two ends among them. */
  function ticks({ low, high, log }) {
    const shares = [0, 0.25, 0.5, 0.75, 1];
    if (!log) return shares.map((at) => Number((low + (high - low) * at).toPrecision(3)));
    const rounded = shares.slice(1, -1).map((at) => Number((low * (high / low) ** at).toPrecision(1)));
    return [low, ...new Set(rounded.filter((value) => value > low && value < high)), high];
  }

  const withUnit = (map, value) => `${value}${map.unit ? ` ${map.unit}` : ""}`;

  /** The colours of the scale with their figures. */
  function bar(map) {
    const label = `Colours from ${map.low} to ${withUnit(map, map.high)}, dark to light${map.log ? ", on a logarithmic scale" : ""}`;
    const marks = ticks(map);
    return svg("svg", { viewBox: `0 0 ${BAR} 26`, width: BAR, height: 26, role: "img", "aria-label": label },
      Array.from({ length: STEPS }, (_, i) => svg("rect", {
        x: i * (BAR / STEPS), y: 0, width: BAR / STEPS + 0.5, height: 12, fill: `rgb(${colour(map, i / (STEPS - 1))})`,
      })),
      marks.map((value, i) => svg("text", {
        x: share(map, value) * BAR, y: 23, "text-anchor": i === 0 ? "start" : i === marks.length - 1 ? "end" : "middle",
      }, i === marks.length - 1 ? withUnit(map, value) : String(value))));
  }

  /** The scale of the maps with one title, and their figures in words for each role that has one. */
  function legend(title, roles) {
    const own = roles.flatMap((role) => role.maps.filter((map) => map.title === title).map((map) => ({ role, map })));
    const [{ map: first }] = own;
    return h("div", { class: "heat-legend", hidden: true }, bar(first),
      first.note ? h("p", { class: "note" }, bdi(first.note)) : null,
      h("ul", null, own.map(({ role, map }) => h("li", null, h("span", { class: `key-${role.role}` }, roleName(role.role)), ": ", bdi(summary(map))))));
  }

  /** The largest figure and where it is; with a threshold, how many squares reach it. */
  function summary(map) {
    const { cell, values, threshold } = map;
    const known = values.flatMap((row, y) => row.map((value, x) => ({ value, x, y }))).filter(({ value }) => value !== null);
    if (!known.length) return "no square has a figure";
    const most = known.reduce((a, b) => (b.value > a.value ? b : a));
    const peak = `at most ${withUnit(map, most.value)}, near x ${Math.round((most.x + 0.5) * cell)}, y ${Math.round((most.y + 0.5) * cell)}`;
    if (threshold === null) return peak;
    const reached = known.filter(({ value }) => value >= threshold).length;
    return `${peak}; ${reached.toLocaleString("en")} of ${plural(known.length, "square")} at or above ${withUnit(map, threshold)}`;
  }

  return { over, alone, legend };
})();
