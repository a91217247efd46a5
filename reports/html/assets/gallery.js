"use strict";
// The cases that match the filter as small pictures: one strip per case, one picture per model.

evalkit.gallery = (() => {
  const { h, bdi, plural, roleName } = evalkit.dom;
  const BATCH = 60;
  const SIZES = [["small", "Small"], ["", "Medium"], ["large", "Large"]];
    const section = document.getElementById("gallery");
  const [tools, status, grid, more] = [".gallery-tools", "[role=status]", ".gallery", ".more button"].map((part) => section.querySelector(part));
  let items = [];
  let roles = [];
  let drawn = 0;
  let near = false;
  let stale = true;

  /** Show the cases of the list again, as soon as the gallery is near the visible part of the page. */
  function refresh() {
    stale = true;
    if (near) start();
  }

  function start() {
    stale = false;
    items = evalkit.list.gallery();
    roles = ["student", "teacher", "baseline"].filter((role) => items.some((item) => item.pictures[role]));
    section.hidden = false;
    grid.className = `gallery of-${roles.length}${size() ? ` is-${size()}` : ""}`;
    grid.replaceChildren();
    drawn = 0;
    draw();
  }

  function draw() {
    const next = items.slice(drawn, drawn + BATCH);
    grid.append(...next.map(strip));
    drawn += next.length;
    more.hidden = drawn >= items.length;
    status.textContent = `${drawn.toLocaleString("en")} of ${plural(items.length, "case")} of the list below, in its order; each strip is ${roles.map((role) => roleName(role).toLowerCase()).join(", ")}.`;
  }

  function strip({ position, id, seed, severity, failing, pictures }) {
    return h("li", null, h("a", { href: evalkit.list.link(position), title: `${id}, seed ${seed}` },
      h("span", { class: "strip" }, roles.map((role) => thumb(role, pictures[role]))),
      h("span", { class: "about" }, bdi(id), h("span", null, `#${seed}`), h("span", { class: failing ? "worst is-failing" : "worst" }, failing ? "failing" : severity ? severity.toFixed(2) : "–"))));
  }

  function thumb(role, source) {
    if (!source) return h("span", { class: "hole", title: `no picture of the ${role}` }, "–");
    return h("img", { src: source, alt: role, loading: "lazy", decoding: "async", draggable: "false" });
  }

  const size = () => tools.querySelector("[aria-pressed=true]")?.dataset.size ?? "";

  function resize(button) {
    for (const one of tools.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one === button));
    grid.classList.remove("is-small", "is-large");
    if (size()) grid.classList.add(`is-${size()}`);
  }

  tools.append(h("div", { class: "choice", role: "group", "aria-label": "Size of the pictures" }, SIZES.map(([value, text]) =>
    h("button", { type: "button", "data-size": value, "aria-pressed": String(value === ""), onclick: (event) => resize(event.currentTarget) }, text))));
  more.addEventListener("click", draw);
  section.hidden = evalkit.data.listing.total === 0;
  new IntersectionObserver((entries) => {
    near = entries.at(-1).isIntersecting;
    if (near && stale) start();
  }, { rootMargin: "400px" }).observe(section);
  document.addEventListener("evalkit:list", refresh);

  return { refresh };
})();
