"use strict";
// The list of cases: those that fit the filter, in order, rows are drawn when the reader scrolls to them.

evalkit.list = (() => {
  const { h, bdi, plural } = evalkit.dom;
  const { listing } = evalkit.data;
  const BATCH = 50;
  const FAULTS = 3; // the first states are faults: no picture, or a judge that failed. An abstention is no fault
  const BADGES = ["regressed", "fixed", "new failure", "still failing"];
  const compared = () => listing.names.bucket.length > 0;
  const ORDERS = () => ({
    __proto__: null, // keys come from the address, so nothing may be inherited
    "": compared() ? "regressions first" : "worst first",
    ...(compared() ? { worst: "worst first" } : {}),
    own: "worst that the teacher got right",
    count: "most findings",
    suite: "suite order",
    id: "id",
  });
  const faulty = (rank) => (listing.is[rank] & ((1 << FAULTS) - 1) ? 1 : 0);
  const failing = (rank) => (evalkit.data.fails(rank) ? 1 : 0);
  const graded = (rank) => (listing.worst[rank] < 0 ? listing.names.grade.length : listing.worst[rank]);
  const worse = (a, b) => failing(b) - failing(a) || graded(a) - graded(b) || listing.severity[b] - listing.severity[a] || faulty(b) - faulty(a) || listing.findings[b] - listing.findings[a];
  // Rows come in the order of "", so that it needs no sorting.
  const COMPARE = {
    __proto__: null,
    worst: worse,
    own: (a, b) => listing.own[b] - listing.own[a] || faulty(b) - faulty(a),
    count: (a, b) => listing.findings[b] - listing.findings[a] || listing.severity[b] - listing.severity[a],
    suite: () => 0,
    id: (a, b) => (listing.id[a] < listing.id[b] ? -1 : listing.id[a] > listing.id[b] ? 1 : listing.seed[a] - listing.seed[b]),
  };

  let ranks = []; // of the rows of the listing that the list shows
  let drawn = 0;
  let filters = null;
  let asked = 0;

  function start() {
    evalkit.filterbar.start(ORDERS(), (next) => { evalkit.route.replace(next); show(next); });
    const more = document.getElementById("more");
    more.addEventListener("click", draw);
    new IntersectionObserver((entries) => entries[0].isIntersecting && draw(), { rootMargin: "600px" }).observe(more);
  }

  const blank = () => ({ q: "", sort: "" });
  const same = (next) => filters !== null && next.q === filters.q && next.sort === filters.sort;
  const untouched = () => filters.q.trim() === "" && !COMPARE[filters.sort];

  /** Apply `next` and draw the first rows; resolves when the list is complete; other sorting or a filter needs all rows. */
  async function show(next) {
    if (same(next)) return;
    filters = next;
    asked += 1;
    const mine = asked;
    if (!untouched() && !evalkit.data.complete()) {
      say(`Reading the other ${(listing.total - listing.read).toLocaleString("en")} cases…`);
      if (!(await all()) || mine !== asked) return;
    }
    const { terms, errors } = evalkit.filter.parse(next.q, { ...listing.names, dimensions: listing.dimensions });
    evalkit.filterbar.show(next, errors);
    ranks = evalkit.sift.sift(terms, listing);
    const compare = COMPARE[next.sort];
    if (compare) ranks.sort((a, b) => compare(a, b) || listing.at[a] - listing.at[b]);
    tell();
    document.getElementById("rows").replaceChildren();
    drawn = 0;
    draw();
  }

  /** Read all rows and continue the list if it is unfiltered and in its first order. False if reading fails. */
  async function all() {
    try {
      await evalkit.data.rest();
    } catch (error) {
      say(`The list is not complete: ${error.message}`);
      return false;
    }
    if (filters !== null && untouched()) {
      ranks = [...Array(listing.read).keys()];
      tell();
      more();
    }
    return true;
  }

  const say = (text) => { document.getElementById("shown").textContent = text; };

  function tell() {
    const count = numberShown();
    say(count === listing.total ? `${plural(count, "case")}, ${ORDERS()[filters.sort] ?? ORDERS()[""]}` : `${count.toLocaleString("en")} of ${plural(listing.total, "case")}`);
    document.dispatchEvent(new Event("evalkit:list")); // the gallery shows the same cases
  }

  const numberShown = () => (untouched() ? listing.total : ranks.length);

  function draw() {
    const next = ranks.slice(drawn, drawn + BATCH);
    document.getElementById("rows").append(...next.map(item));
    drawn += next.length;
    more();
  }

  const more = () => { document.getElementById("more").hidden = drawn >= ranks.length; };

  function item(rank) {
    const category = listing.names.cat[listing.cat[rank]][0];
    const href = evalkit.route.hash(filters, listing.id[rank], listing.seed[rank]);
    return h("li", null, h("a", { class: "row", href, id: `row-${listing.at[rank]}` },
      h("span", { class: "thumbs" }, thumb(listing.student[rank], "student"), thumb(listing.teacher[rank], "teacher")),
      h("span", { class: "what" },
        h("span", { class: "id" }, bdi(listing.id[rank]), h("small", null, ` seed ${listing.seed[rank]}`), category ? h("small", null, " · ", bdi(category)) : null),
        bdi(listing.prompt[rank], "prompt")),
      h("span", { class: "chips" }, badges(rank), chips(rank)),
      severity(listing.severity[rank], listing.names.grade[listing.worst[rank]]?.[0])));
  }

  /** Whether the case fails, its bucket against the baseline, its faults, and the failed gates that counted it. */
  function badges(rank) {
    const bucket = listing.names.bucket[listing.bucket[rank]]?.[0];
    const states = listing.names.is.map(([name]) => name).filter((name, bit) => (bit < FAULTS || name === "flaky") && listing.is[rank] & (1 << bit));
    const told = ["regressed", "new failure", "still failing"].includes(bucket); // these buckets say that it fails
    return [
      ...(evalkit.data.fails(rank) && !told ? [h("span", { class: "badge is-failing" }, "failing")] : []),
      ...(BADGES.includes(bucket) ? [h("span", { class: `badge is-${bucket.replace(" ", "-")}` }, bucket)] : []),
      ...states.map((state) => h("span", { class: "chip state" }, state)),
      ...listing.gates[rank].map((rule) => h("span", { class: "chip gate-chip", title: "a failed gate counted this case" }, bdi(rule))),
    ];
  }

  /** The findings by kind and blame: the student's, and those that only the teacher has. */
  function chips(rank) {
    const { kind, role, blame } = listing.names;
    const counts = new Map();
    const found = listing.found[rank];
    for (let i = 0; i < found.length; i += 3) {
      const group = listing.groups[found[i]];
      const whose = blame[group[3]][0];
      if (role[group[2]][0] !== "student" && whose !== "teacher-only" && role[listing.scope][0] === "student") continue;
      const key = `${group[0]} ${whose}`;
      counts.set(key, { name: kind[group[0]][0], whose, n: (counts.get(key)?.n ?? 0) + found[i + 1], worst: Math.min(group[4], counts.get(key)?.worst ?? group[4]) });
    }
    return [...counts.values()].sort((a, b) => a.worst - b.worst).map(({ name, whose, n, worst }) => {
      const grade = listing.names.grade[worst][0];
      return h("span", { class: `chip blame-${whose} grade-${grade}`, title: `${grade}, ${whose}` }, bdi(name), n > 1 ? ` ×${n}` : null);
    });
  }

  /** The address of a thumbnail, or empty. Small pictures are their own, and are named with their suffix. */
  const smallPicture = (name) => name && evalkit.data.address(name.includes(".") ? `pictures/${name}` : `thumbs/${name}.webp`);

  function thumb(name, role) {
    const src = smallPicture(name);
    if (!src) return h("span", { class: "thumb none", title: `no picture of the ${role}` }, "–");
    return h("img", { class: "thumb", src, alt: role, title: role, loading: "lazy", decoding: "async", width: 72, height: 72 });
  }

  /** A bar and its figure: how bad the worst finding is, 0 to 1, and its grade in words. */
  function severity(value, grade) {
    return h("span", { class: "severity", title: "severity of the worst finding, 0 to 1" },
      h("meter", { min: 0, max: 1, value, "aria-label": "severity" }), h("span", null, value || grade ? `${grade} ${value.toFixed(2)}` : "none"));
  }

  const rankOf = (position) => listing.rankAt.get(position);

  /** The cases before and after one in the list as it is filtered now. */
  function neighbours(position) {
    const place = ranks.indexOf(rankOf(position));
    const at = (i) => listing.at[ranks[i]] ?? null;
    return { place, count: numberShown(), before: place > 0 ? at(place - 1) : null, after: place >= 0 ? at(place + 1) : null };
  }

  /** The position of a case in the run, or -1; among the rows that are read. */
  function find(id, seed) {
    for (let rank = 0; rank < listing.read; rank += 1) {
      if (listing.id[rank] === id && (seed === null || String(listing.seed[rank]) === seed)) return listing.at[rank];
    }
    return -1;
  }

  /** The hash that opens the case at `position` under the filters of now. */
  const link = (position) => evalkit.route.hash(filters, listing.id[rankOf(position)], listing.seed[rankOf(position)]);

  /** The address of the student's picture at `position`, where its details are read already; or empty. */
  function picture(position) {
    const name = evalkit.data.known(position)?.roles[0]?.picture;
    return name ? evalkit.data.address(`pictures/${name}`) : "";
  }

  /** The hash of the list as it is filtered now. */
  const back = () => evalkit.route.hash(filters);

  /** The cases of the list as it is filtered and ordered now, with their small pictures, as far as they are read. */
  const gallery = () => ranks.map((rank) => ({
    position: listing.at[rank],
    id: listing.id[rank],
    seed: listing.seed[rank],
    severity: listing.severity[rank],
    failing: evalkit.data.fails(rank),
    pictures: {
      get student() { return smallPicture(listing.student[rank]); },
      get teacher() { return smallPicture(listing.teacher[rank]); },
      get baseline() { return smallPicture(listing.baseline[rank]); },
    },
  }));

  return { start, show, all, filters: () => filters ?? blank(), neighbours, find, link, picture, back, gallery };
})();
