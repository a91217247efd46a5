"use strict";
// The filter field, the errors in its text, and the menus that write into it.

evalkit.filterbar = (() => {
  const { h, bdi } = evalkit.dom;
  const MENUS = { bucket: "Change", kind: "Kind", grade: "Grade", blame: "Blame", judge: "Judge", is: "Status", cat: "Category", task: "Task" };
  const form = document.forms.filters;
  const field = form.elements.q;
  const buttons = [];

  /** Fill the form; `changed` is called with {q, sort} when the reader changes it. */
  function start(orders, changed) {
    for (const [value, label] of Object.entries(orders)) form.elements.sort.append(h("option", { value }, label));
    const quick = document.getElementById("quick");
    for (const [key, title] of Object.entries(MENUS)) quick.append(...menu(key, title));
    const tell = () => changed({ q: field.value, sort: form.elements.sort.value });
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", tell);
    form.addEventListener("reset", () => changed({ q: "", sort: "" }));
    quick.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      field.value = evalkit.filter.toggle(field.value, button.dataset.key, button.value);
      tell();
    });
    quick.addEventListener("keydown", (event) => event.key === "Escape" && close(event.target.closest("details")));
    document.addEventListener("click", (event) => {
      for (const open of quick.querySelectorAll("details[open]")) if (!open.contains(event.target)) open.open = false;
    });
  }

  function close(details) {
    if (!details) return;
    details.open = false;
    details.querySelector("summary").focus();
  }

  /** A menu of the values of `key` with their numbers of cases; none if there is nothing to choose. */
  function menu(key, title) {
    const names = evalkit.data.listing.names[key].filter(([name, n]) => name && n).sort((a, b) => b[1] - a[1]);
    if (!names.length || (names.length < 2 && (key === "task" || key === "cat"))) return [];
    const items = names.map(([name, n]) => {
      const button = h("button", { type: "button", value: name, "data-key": key, "aria-pressed": "false" },
        bdi(name), h("small", null, ` ${n.toLocaleString("en")}`));
      buttons.push(button);
      return h("li", null, button);
    });
    return [h("details", { class: "menu" }, h("summary", null, title), h("ul", { class: "choices" }, items))];
  }

  /** Show `filters`, and the errors in them. */
  function show(filters, errors) {
    if (field.value !== filters.q) field.value = filters.q;
    form.elements.sort.value = filters.sort;
    field.setAttribute("aria-invalid", String(errors.length > 0));
    document.getElementById("filter-errors").replaceChildren(...errors.map(({ part, message }) =>
      h("li", null, h("code", null, bdi(part)), " left out: ", bdi(message))));
    for (const button of buttons) button.setAttribute("aria-pressed", String(evalkit.filter.has(filters.q, button.dataset.key, button.value)));
    for (const details of document.querySelectorAll("#quick details")) {
      details.classList.toggle("is-used", details.querySelector("[aria-pressed='true']") !== null);
    }
  }

  return { start, show, focus: () => field.focus() };
})();
