"use strict";
// The state of the page, that is filter, order and the open case, kept in the URL's hash so that any view can be linked.

evalkit.route = (() => {
  const FILTERS = ["q", "sort"];
  const TERMS = ["kind", "blame", "category", "status"]; // parameters of their own in older links

  function current() {
    const hash = location.hash.slice(1);
    const params = new URLSearchParams(hash.includes("=") ? hash : "");
    const filters = Object.fromEntries(FILTERS.map((name) => [name, params.get(name) ?? ""]));
    const terms = TERMS.filter((name) => params.get(name)).map((name) => `${name}:${evalkit.filter.quoted(params.get(name))}`);
    filters.q = [filters.q, ...terms].filter(Boolean).join(" ");
    return { filters, id: params.get("case"), seed: params.get("seed") };
  }

  function hash(filters, id, seed) {
    const params = new URLSearchParams();
    if (id !== undefined) {
      params.set("case", id);
      params.set("seed", seed);
    }
    for (const name of FILTERS) if (filters[name]) params.set(name, filters[name]);
    return params.size ? `#${params}` : "#cases";
  }

  /** Put filters into the URL without a new entry in the history: typing must not fill the history. */
  function replace(filters) {
    history.replaceState(null, "", hash(filters));
  }

  return { current, hash, replace };
})();
