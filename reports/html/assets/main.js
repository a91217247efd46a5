"use strict";
// Start-up, switching between list and case, and the keys.

(() => {
  const overview = document.getElementById("overview");
  const caseRoot = document.getElementById("case");
  const title = document.title;
  let scrolled = 0;
  let opened = -1;
  let turn = 0;

  const KEYS = {
    j: evalkit.caseView.next,
    ArrowRight: evalkit.caseView.next,
    k: evalkit.caseView.previous,
    ArrowLeft: evalkit.caseView.previous,
    z: evalkit.caseView.zoom,
    b: evalkit.caseView.boxes,
    m: evalkit.caseView.mode,
    Escape: () => { location.hash = evalkit.list.back(); },
  };

  async function follow() {
    const { filters, id, seed } = evalkit.route.current();
    const toSection = !location.hash.includes("=");
    turn += 1;
    const mine = turn;
    const listed = evalkit.list.show(toSection ? evalkit.list.filters() : filters);
    if (id === null) return showOverview(toSection);
    if (!overview.hidden) scrolled = window.scrollY;
    overview.hidden = true;
    caseRoot.hidden = false;
    document.body.classList.add("in-case");
    await listed;
    let position = evalkit.list.find(id, seed);
    if (position < 0 || evalkit.list.neighbours(position).after === null) {
      await evalkit.list.all(); // the next case may be in a part of the list that has not been read
      position = evalkit.list.find(id, seed);
    }
    if (mine !== turn) return undefined;
    if (position < 0) return evalkit.caseView.missing(`There is no case ${id} with seed ${seed ?? "any"} in this run.`);
    opened = position;
    return evalkit.caseView.show(position);
  }

  function showOverview(toSection) {
    const returning = overview.hidden;
    overview.hidden = false;
    caseRoot.hidden = true;
    caseRoot.replaceChildren();
    document.body.classList.remove("in-case");
    document.title = title;
    const section = toSection && document.getElementById(location.hash.slice(1));
    if (returning && (!section || section.id === "cases")) {
      window.scrollTo(0, scrolled);
      document.getElementById(`row-${opened}`)?.focus();
    } else if (section || !toSection) {
      (section || document.getElementById("cases")).scrollIntoView();
    }
  }

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "/" && caseRoot.hidden) {
      event.preventDefault();
      evalkit.filterbar.focus();
      return;
    }
    if (caseRoot.hidden) return;
    if (event.key.startsWith("Arrow") && event.target.closest(".frame")) return; // arrows scroll an enlarged picture
    if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]();
    else evalkit.caseView.map(event.key);
  }

  const expected = Number(document.getElementById("cases").dataset.count);
  if (evalkit.data.listing.total !== expected) {
    document.getElementById("shown").textContent = `data/index.js is missing or incomplete: the list of the ${expected} cases can't be shown.`;
    return;
  }
  evalkit.list.start();
  addEventListener("hashchange", follow);
  addEventListener("keydown", pressed);
  follow();
  // The first rows are being drawn: now there is time to read the others.
  requestAnimationFrame(() => setTimeout(() => evalkit.list.all()));
})();
