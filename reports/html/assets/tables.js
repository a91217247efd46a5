"use strict";
// The tables of a case: expected against read text, scores, provenance.

evalkit.tables = (() => {
  const { h, bdi, plural, roleName, table } = evalkit.dom;

  /** Expected and read texts of each role that has any; `null` where no judge reported texts. */
  function texts(roles) {
    const read = roles.filter((role) => role.texts.length);
    if (!read.length) return null;
    const several = new Set(read.flatMap((role) => role.texts.map(([judge]) => judge))).size > 1;
    return h("section", { "aria-labelledby": "case-texts" }, h("h2", { id: "case-texts" }, "Text, expected and read"),
      h("div", { class: "columns" }, read.map((role) => h("div", null,
        h("h3", { class: `key-${role.role}` }, roleName(role.role)),
        role.texts.map(([judge, rows]) => [several ? h("p", { class: "quiet" }, bdi(judge)) : null, ...differences(rows)]).flat()))));
  }

  /** The texts that differ, one above the other, and the others in one line. */
  function differences(all) {
    const differing = all.filter((word) => !same(word));
    const alike = all.filter(same);
    return [
      differing.length ? table("words", ["Expected above, read below", "Verdict"], differing.map((word) => [stacked(word), bdi(word.verdict)])) : null,
      alike.length ? h("p", { class: "alike" }, h("span", { class: "quiet" }, `${plural(alike.length, "word")} read as expected: `),
        alike.map((word, i) => [i ? " " : "", marked(word.read, "ins", "")]).flat()) : null,
    ].filter(Boolean);
  }

  const same = (word) => [...word.expected, ...word.read].every(([, differs]) => !differs) && word.expected.length === word.read.length;

  /** Expected above read, character over character; without columns (a script that joins its letters) line over line. */
  function stacked(word) {
    const lines = [marked(word.expected, "del", "nothing was asked for"), marked(word.read, "ins", "nothing was read")];
    if (!word.columns.length || !word.expected.length || !word.read.length) {
      return h("span", { class: "stacked" }, h("span", { class: "line" }, lines[0]), h("span", { class: "line" }, lines[1]));
    }
    const cells = (side, tag) => word.columns.map((column, i) => {
      const text = column[side];
      return place(h(column[2] ? "span" : text ? tag : "span", { class: column[2] || text ? null : "gap" }, text || "·"), i, side);
    });
    return h("span", { class: "stacked" },
      h("span", { class: "visually-hidden" }, lines[0], ", read as ", lines[1]),
      h("span", { class: "grid", "aria-hidden": "true" }, cells(0, "del"), cells(1, "ins")));
  }

  function place(node, column, row) {
    node.style.gridArea = `${row + 1} / ${column + 1}`;
    return node;
  }

  function marked(pieces, tag, none) {
    if (!pieces.length) return h("span", { class: "quiet" }, `(${none})`);
    return h("bdi", { class: "text" }, pieces.map(([text, differs]) => (differs ? h(tag, null, text) : text)));
  }

  /** One row per judge and dimension; a missing score shows its status and reason, never a figure. */
  function scores(roles) {
    const rows = new Map();
    roles.forEach((role, r) => role.scores.forEach(([judge, dimension, ...score]) => {
      const key = JSON.stringify([judge, dimension]);
      if (!rows.has(key)) rows.set(key, { judge, dimension, cells: roles.map(() => null) });
      rows.get(key).cells[r] = score;
    }));
    if (!rows.size) return h("p", { class: "note" }, "No judge looked at this case.");
    return table("scores", ["Judge", "Dimension", ...roles.map((role) => roleName(role.role))], [...rows.values()].map((row) =>
      [bdi(row.judge), dimensionName(row), ...row.cells.map(score)]));
  }

  function dimensionName({ judge, dimension }) {
    const known = evalkit.data.listing.dimensions.find(([j, d]) => j === judge && d === dimension);
    if (!known) return bdi(dimension);
    const [, , unit, higherIsBetter, description] = known;
    return h("span", { title: description }, bdi(dimension),
      h("small", null, unit ? [" in ", bdi(unit)] : null, higherIsBetter ? " (higher is better)" : " (lower is better)"));
  }

  function score(value) {
    if (!value) return h("span", { class: "quiet" }, "not judged");
    const [status, figure, reason] = value;
    if (status === "scored") return h("span", { class: "value" }, figure);
    return h("span", { class: `missing is-${status}` }, h("strong", null, status), ": ", bdi(reason));
  }

  /** Where each picture comes from. */
  function provenance(roles) {
    const names = roles.flatMap((role) => role.facts.map(([name]) => name)).filter((name, i, all) => all.indexOf(name) === i);
    return table("provenance", ["Picture", ...roles.map((role) => roleName(role.role))], names.map((name) => [
      name, ...roles.map((role) => bdi(role.facts.find(([fact]) => fact === name)?.[1] ?? "–", "fact")),
    ]));
  }

  return { texts, differences, scores, provenance };
})();
