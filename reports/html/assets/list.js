"use strict";
// The list of cases: filters, order, rows drawn as they are scrolled to.

evalkit.list = (() => {
  const { h, said, plural } = evalkit.dom;
  const BATCH = 50;
  const CLEAN = "all scored";
  // Columns of a row, as reports/html/data.py writes them.
  const ID = 0, SEED = 1, CATEGORY = 2, SEVERITY = 3, OWN = 4, FINDINGS = 5, STATES = 6, STUDENT = 7, TEACHER = 8, PROMPT = 9;
  const ORDERS = {
    "": "worst first",
    own: "worst the teacher got right",
    count: "most findings",
    suite: "suite order",
    id: "id",
  };

  let shown = [];
  let drawn = 0;
  let filters = {};
  const rowOf = (position) => evalkit.data.listing.rows[position];
  const total = (row) => row[FINDINGS].reduce((sum, [, , n]) => sum + n, 0);
  // The first three states are faults: no picture, or a judge that failed. Abstentions are part of judging.
  const faultsOf = (row) => evalkit.data.listing.states.slice(0, 3).filter((_, bit) => row[STATES] & (1 << bit));
  const faults = (row) => Math.min(1, faultsOf(row).length);

  const COMPARE = {
    "": (a, b) => b[SEVERITY] - a[SEVERITY] || faults(b) - faults(a) || total(b) - total(a),
    own: (a, b) => b[OWN] - a[OWN] || faults(b) - faults(a),
    count: (a, b) => total(b) - total(a) || b[SEVERITY] - a[SEVERITY],
    suite: () => 0,
    id: (a, b) => (a[ID] < b[ID] ? -1 : a[ID] > b[ID] ? 1 : a[SEED] - b[SEED]),
  };

  function matches(row, wanted) {
    const { listing } = evalkit.data;
    if (wanted.category && listing.categories[row[CATEGORY]] !== wanted.category) return false;
    if (wanted.status && !statesOf(row).includes(wanted.status)) return false;
    if (wanted.kind || wanted.blame) {
      const found = row[FINDINGS].some(([kind, blame]) =>
        (!wanted.kind || listing.kinds[kind] === wanted.kind) && (!wanted.blame || listing.blames[blame] === wanted.blame));
      if (!found) return false;
    }
    const text = `${row[ID]} ${row[PROMPT]}`.toLowerCase();
    return wanted.q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  function statesOf(row) {
    const states = evalkit.data.listing.states.filter((_, bit) => row[STATES] & (1 << bit));
    return states.length ? states : [CLEAN];
  }

  function select(name, choices, all) {
    const box = document.forms.filters.elements[name];
    if (all) box.append(h("option", { value: "" }, all));
    for (const [value, label] of choices) box.append(h("option", { value }, label));
  }

  /** Values and how many cases have each, most first. */
  function counted(valuesOf) {
    const counts = new Map();
    for (const row of evalkit.data.listing.rows) {
      for (const value of new Set(valuesOf(row))) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return [...counts].filter(([value]) => value).sort((a, b) => b[1] - a[1])
      .map(([value, n]) => [value, `${value} (${n.toLocaleString("en")})`]);
  }

  function start() {
    const form = document.forms.filters;
    const { listing } = evalkit.data;
    select("kind", counted((row) => row[FINDINGS].map(([kind]) => listing.kinds[kind])), "any");
    select("blame", counted((row) => row[FINDINGS].map(([, blame]) => listing.blames[blame])), "any");
    select("category", counted((row) => [listing.categories[row[CATEGORY]]]), "any");
    select("status", counted(statesOf), "any");
    select("sort", Object.entries(ORDERS));
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => changed(Object.fromEntries(new FormData(form))));
    form.addEventListener("reset", () => changed(blank()));
    const more = document.getElementById("more");
    more.addEventListener("click", draw);
    new IntersectionObserver((seen) => seen[0].isIntersecting && draw(), { rootMargin: "600px" }).observe(more);
  }

  const blank = () => ({ q: "", kind: "", blame: "", category: "", status: "", sort: "" });

  function changed(next) {
    evalkit.route.replace(next);
    show(next);
  }

  /** Apply `next` and draw the first rows. */
  function show(next) {
    if (drawn && JSON.stringify(next) === JSON.stringify(filters)) return;
    filters = next;
    const form = document.forms.filters;
    for (const [name, value] of Object.entries(next)) form.elements[name].value = value;
    const { rows } = evalkit.data.listing;
    const compare = COMPARE[next.sort] ?? COMPARE[""];
    shown = [...rows.keys()].filter((i) => matches(rows[i], next)).sort((a, b) => compare(rows[a], rows[b]) || a - b);
    document.getElementById("shown").textContent = shown.length === rows.length
      ? `${plural(rows.length, "case")}, ${ORDERS[next.sort] ?? ORDERS[""]}`
      : `${shown.length.toLocaleString("en")} of ${plural(rows.length, "case")}`;
    document.getElementById("rows").replaceChildren();
    drawn = 0;
    draw();
  }

  function draw() {
    const next = shown.slice(drawn, drawn + BATCH);
    document.getElementById("rows").append(...next.map(item));
    drawn += next.length;
    document.getElementById("more").hidden = drawn >= shown.length;
  }

  function item(position) {
    const row = rowOf(position);
    const category = evalkit.data.listing.categories[row[CATEGORY]];
    return h("li", null, h("a", { class: "row", href: evalkit.route.hash(filters, row[ID], row[SEED]), id: `row-${position}` },
      h("span", { class: "thumbs" }, thumb(row[STUDENT], "student"), thumb(row[TEACHER], "teacher")),
      h("span", { class: "what" },
        h("span", { class: "id" }, said(row[ID]), h("small", null, ` seed ${row[SEED]}`), category ? h("small", null, " · ", said(category)) : null),
        said(row[PROMPT], "prompt")),
      h("span", { class: "chips" }, row[FINDINGS].map(chip), faultsOf(row).map((s) => h("span", { class: "chip state" }, s))),
      severity(row[SEVERITY])));
  }

  function thumb(name, role) {
    if (!name) return h("span", { class: "thumb none" }, "–");
    return h("img", { class: "thumb", src: `pictures/${name}`, alt: role, title: role, loading: "lazy", decoding: "async" });
  }

  function chip([kind, blame, n]) {
    const { kinds, blames } = evalkit.data.listing;
    return h("span", { class: `chip blame-${blames[blame]}`, title: blames[blame] }, said(kinds[kind]), n > 1 ? ` ×${n}` : null);
  }

  /** A bar and its figure: how bad the worst finding is, 0 to 1. */
  function severity(value) {
    return h("span", { class: "severity", title: "severity of the worst finding, 0 to 1" },
      h("meter", { min: 0, max: 1, value, "aria-label": "severity" }), h("span", null, value ? value.toFixed(2) : "none"));
  }

  /** The cases before and after one in the list as it is filtered now. */
  function neighbours(position) {
    const place = shown.indexOf(position);
    return { place, count: shown.length, before: place > 0 ? shown[place - 1] : null, after: place >= 0 ? shown[place + 1] ?? null : null };
  }

  /** The position of a case in the run, or -1. */
  const find = (id, seed) => evalkit.data.listing.rows.findIndex((row) => row[ID] === id && (seed === null || String(row[SEED]) === seed));

  /** The hash that opens the case at `position` under the filters of now. */
  const link = (position) => evalkit.route.hash(filters, rowOf(position)[ID], rowOf(position)[SEED]);

  /** The picture of the student at `position`, or empty. */
  const picture = (position) => (rowOf(position)[STUDENT] ? `pictures/${rowOf(position)[STUDENT]}` : "");

  /** The hash of the list as it is filtered now. */
  const back = () => evalkit.route.hash(filters);

  return { start, show, filters: () => (drawn ? filters : blank()), neighbours, find, link, picture, back };
})();
