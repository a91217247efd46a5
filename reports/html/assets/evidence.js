"use strict";
// A judge's evidence, as reports/html/evidence.py cut it: texts, pairs and tables, one inside the other.

evalkit.evidence = (() => {
  const { h, said, roleName, table } = evalkit.dom;
  const SENTENCE = 60;

  /** The evidence as an element. */
  function build(node) {
    if (typeof node === "string") return said(node, node.length > SENTENCE ? "spoken" : null);
    const more = node.more ? h("p", { class: "note" }, `and ${node.more.toLocaleString("en")} more`) : null;
    if (node.columns) {
      return h("div", { class: "evidence" }, table("told", node.columns, node.rows.map((row) => row.map((text) => said(text)))), more);
    }
    return h("div", { class: "evidence" },
      h("dl", null, node.pairs.map(([name, inner]) => h("div", { class: typeof inner === "string" ? "short" : null }, h("dt", null, said(name)), h("dd", null, build(inner))))), more);
  }

  /** Whether there is a sentence in it: then it is worth reading at once. */
  function speaks(node) {
    if (typeof node === "string") return node.length > SENTENCE;
    return node.columns ? node.rows.flat().some(speaks) : node.pairs.some(([, inner]) => speaks(inner));
  }

  /** What the judges say about each picture; sentences are shown, figures wait behind their judge's name. */
  function section(roles) {
    const told = roles.flatMap((role) => role.evidence.map(([judge, node]) => ({ role, judge, node })));
    if (!told.length) return null;
    return h("section", { "aria-labelledby": "case-evidence" }, h("h2", { id: "case-evidence" }, "What the judges say"),
      told.map(({ role, judge, node }) => h("details", { open: speaks(node), class: "says" },
        h("summary", null, h("span", { class: `key-${role.role}` }, roleName(role.role)), ": ", said(judge)), build(node))));
  }

  return { build, section };
})();
