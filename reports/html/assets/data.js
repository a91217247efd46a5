"use strict";
// The data of the report. Files under data/ are scripts that call evalkit.data.index or evalkit.data.chunk,
// because a page opened from file:// may not fetch JSON.

window.evalkit = {};

evalkit.data = (() => {
  const CHUNKS_KEPT = 6;
  const CHUNK_PATH = /^data\/cases-\d{4,}\.js$/;
  const arrived = new Map();
  const loading = new Map();
  const policy = window.trustedTypes?.createPolicy("evalkit", { createScriptURL: onlyChunks });
  let listing = { rows: [], chunk: 1, kinds: [], blames: [], categories: [], states: [], dimensions: [] };

  function onlyChunks(path) {
    if (!CHUNK_PATH.test(path)) throw new TypeError(`not a data file of this report: ${path}`);
    return path;
  }

  function index(value) {
    listing = value;
  }

  function chunk(number, cases) {
    arrived.set(number, cases);
  }

  function load(number) {
    if (!loading.has(number)) {
      loading.set(number, new Promise((resolve, reject) => {
        const path = `data/cases-${String(number).padStart(4, "0")}.js`;
        const script = document.createElement("script");
        script.src = policy ? policy.createScriptURL(path) : onlyChunks(path);
        script.onload = () => resolve(arrived.get(number));
        script.onerror = () => {
          loading.delete(number);
          reject(new Error(`${path} is missing from the report folder or can't be read`));
        };
        document.head.append(script);
        script.remove();
      }));
      forgetOldest();
    }
    return loading.get(number);
  }

  function forgetOldest() {
    if (loading.size <= CHUNKS_KEPT) return;
    const [oldest] = loading.keys();
    loading.delete(oldest);
    arrived.delete(oldest);
  }

  async function caseAt(position) {
    const cases = await load(Math.floor(position / listing.chunk));
    return cases[position % listing.chunk];
  }

  return { index, chunk, caseAt, get listing() { return listing; } };
})();
