"use strict";
// Builds elements from data. Text always becomes a text node, so no string of a run can become markup.

evalkit.dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : place(name, String(value)));
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  /** The value of an attribute; the address of a picture is looked up, as a report of one file holds its pictures itself. */
  const place = (name, value) =>
    ((name === "src" || name === "href") && /^(pictures|thumbs)\//.test(value) ? evalkit.data.address(value) : value);

  /** An HTML element; strings among `children` become text. */
  const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

  /** An SVG element. */
  const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  /** A text of the run, isolated so that its writing direction can't reorder the text beside it. */
  const bdi = (text, className) => h("bdi", { class: className }, text);

  const plural = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many ?? `${one}s`}`;

  const roleName = (role) => ({ student: "Student", teacher: "Teacher", baseline: "Baseline", source: "Source" })[role] ?? role;

  /** A table whose cells carry their column's name, for narrow screens. */
  function table(className, columns, rows) {
    const cell = (value, i) => h("td", { "data-label": columns[i] }, value);
    return h("table", { class: className },
      h("thead", null, h("tr", null, columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", null, rows.map((row) => h("tr", { class: row.state }, (row.cells ?? row).map(cell)))));
  }

  return { h, svg, bdi, plural, roleName, table };
})();
