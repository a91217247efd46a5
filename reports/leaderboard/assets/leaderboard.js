"use strict";
// Sorts by any column: the column heads become buttons. Rows without a value stay at the end.

(() => {
  const table = document.getElementById("board");
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];

  function value(row, column, kind) {
    const text = row.cells[column].dataset.value;
    if (kind === "text") return text;
    return text === "" ? null : Number(text);
  }

  function sort(column) {
    const head = heads[column];
    const kind = head.dataset.key;
    const before = head.getAttribute("aria-sort");
    const first = head.dataset.first || "ascending";
    const order = before === null ? first : before === "ascending" ? "descending" : "ascending";
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => ({ row, at: value(row, column, kind) }));
    rows.sort((a, b) => {
      if (a.at === null || b.at === null) return (a.at === null) - (b.at === null);
      return sign * (kind === "text" ? a.at.localeCompare(b.at) : a.at - b.at);
    });
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    body.append(...rows.map(({ row }) => row));
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    const arrow = document.createElement("span");
    arrow.className = "arrow";
    button.append(...head.childNodes);
    (button.querySelector(".name") || button).append(arrow);
    head.append(button);
    button.addEventListener("click", () => sort(column));
  });
})();
