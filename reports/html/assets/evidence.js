"use strict";
// A judge's evidence, as reports/html/evidence.py prepared it: texts, pairs, tables and other blocks, one inside the other.

evalkit.evidence = (() => {
  const { h, bdi, roleName, table } = evalkit.dom;
  const SENTENCE = 60;

  /** The evidence as an element. */
  function build(node) {
    if (typeof node === "string") return bdi(node, node.length > SENTENCE ? "sentence" : null);
    if (node.map) return evalkit.heat.alone(node.map);
    if (node.texts) return h("div", { class: "evidence" }, evalkit.tables.differences(node.texts));
    if ("picture" in node) return picture(node);
    const more = node.more ? h("p", { class: "note" }, `and ${node.more.toLocaleString("en")} more`) : null;
    if (node.columns) {
      return h("div", { class: "evidence" }, table("cells", node.columns, node.rows.map((row) => row.map((text) => bdi(text)))), more);
    }
    return h("div", { class: "evidence" },
      h("dl", null, node.pairs.map(([name, inner]) => h("div", { class: typeof inner === "string" ? "short" : null }, h("dt", null, bdi(name)), h("dd", null, build(inner))))), more);
  }

  /** A picture that the judge made, or why there is none. */
  function picture({ picture: name, missing, size, caption }) {
    const source = name && evalkit.data.address(`pictures/${name}`);
    const why = missing || "left out of this file, to keep it small; the report folder has it";
    return h("figure", { class: "judge-picture" },
      source ? h("img", { src: source, alt: caption || "Picture made by the judge", width: size[0], height: size[1] })
        : h("p", { class: "missing" }, "No picture: ", bdi(why)),
      caption ? h("figcaption", null, bdi(caption)) : null);
  }

  /** Whether the evidence is worth reading at once: it holds a sentence, a picture, a map or texts. */
  function isOpen(node) {
    if (typeof node === "string") return node.length > SENTENCE;
    if (node.map || node.texts || "picture" in node) return true;
    return node.columns ? node.rows.flat().some(isOpen) : node.pairs.some(([, inner]) => isOpen(inner));
  }

  /** What the judges report about each picture; figures alone are shown once their judge's name is clicked. */
  function section(roles) {
    const all = roles.flatMap((role) => role.evidence.map(([judge, node]) => ({ role, judge, node })));
    if (!all.length) return null;
    return h("section", { "aria-labelledby": "case-evidence" }, h("h2", { id: "case-evidence" }, "What the judges report"),
      all.map(({ role, judge, node }) => h("details", { open: isOpen(node), class: "says" },
        h("summary", null, h("span", { class: `key-${role.role}` }, roleName(role.role)), ": ", bdi(judge)), build(node))));
  }

  return { build, section };
})();
