"use strict";
// The data of the report. In a folder, files under data/ are scripts that call evalkit.data.index, rows or chunk,
// because a page opened from file:// may not fetch JSON; they are read when needed. In a report that is one file,
// the same data and the pictures are in script blocks of the page; the ids of data blocks begin with data/.

window.evalkit = {};

evalkit.data = (() => {
  const CHUNKS_KEPT = 6;
  const DATA_PATH = /^data\/(cases|rows)-\d{4,}\.js$/;
  const TYPES = { png: "image/png", jpg: "image/jpeg", webp: "image/webp" };
  const PLAIN = ["at", "id", "seed", "cat", "task", "bucket", "is", "student", "teacher", "baseline", "found"];
  const details = new Map();
  const loading = new Map();
  const policy = window.trustedTypes?.createPolicy("evalkit", { createScriptURL: onlyData });
  const listing = {
    total: 0, failing: 0, files: 0, chunk: 1, names: {}, groups: [], dimensions: [], read: 0,
    prompt: [], says: [], gates: [], severity: [], own: [], worst: [], findings: [], scores: [[], []], rankAt: new Map(),
  };
  for (const name of PLAIN) listing[name] = [];
  const columns = new Map();
  let whole = null;

  function onlyData(path) {
    if (!DATA_PATH.test(path)) throw new TypeError(`not a data file of this report: ${path}`);
    return path;
  }

  /** Take what concerns all cases; called by data/index.js. */
  function index(value) {
    Object.assign(listing, value);
    listing.scores = [0, 1].map(() => listing.dimensions.map(() => []));
  }

  /** Take rows of the list, in columns; called by the files of the list. They are joined in order of their numbers. */
  function rows(number, value) {
    columns.set(number, value);
    for (let next = joined(); columns.has(next); next = joined()) {
      join(columns.get(next));
      columns.set(next, null);
    }
  }

  function joined() {
    let number = 0;
    while (columns.get(number) === null) number += 1;
    return number;
  }

  function join(part) {
    const first = listing.read;
    const { groups } = listing;
    const own = (group) => whose(group) === "student-only" || whose(group) === "worsened" || whose(group) === "unknown";
    part.found.forEach((_, i) => {
      for (const name of PLAIN) listing[name].push(Array.isArray(part[name]) ? part[name][i] : part[name]); // a single value holds for all rows
    });
    for (const text of part.prompt) listing.prompt.push(part.texts[text]);
    for (const texts of part.says) listing.says.push(texts.map((text) => part.texts[text]));
    for (const texts of part.gates) listing.gates.push(texts.map((text) => part.texts[text]));
    for (const found of part.found) {
      let [severity, owned, number, grade] = [0, 0, 0, -1];
      for (let i = 0; i < found.length; i += 3) {
        const group = groups[found[i]];
        if (listing.names.role[group[2]][0] !== "student") continue;
        severity = Math.max(severity, found[i + 2]);
        if (own(group)) owned = Math.max(owned, found[i + 2]);
        number += found[i + 1];
        if (grade < 0 || group[4] < grade) grade = group[4]; // grades are numbered from the worst
      }
      listing.severity.push(severity / 1000);
      listing.own.push(owned / 1000);
      listing.findings.push(number);
      listing.worst.push(grade);
    }
    part.scores.forEach((dimensions, role) => listing.dimensions.forEach((_, d) => {
      const column = listing.scores[role][d];
      for (let i = 0; i < part.found.length; i += 1) column.push(dimensions[d] ? dimensions[d][i] : null);
    }));
    listing.read += part.found.length;
    for (let rank = first; rank < listing.read; rank += 1) listing.rankAt.set(listing.at[rank], rank);
  }

  const whose = (group) => listing.names.blame[group[3]][0];

  /** Whether the case of a row fails: by a finding, or because a failed gate counted it. */
  const fails = (rank) => (listing.is[rank] & (1 << listing.failing)) !== 0;

  /** Take the details of some cases; called by their files. */
  function chunk(number, cases) {
    details.set(number, cases);
  }

  /** The text of a block of the page, or `null`: a report in a folder has none. */
  const block = (name) => document.getElementById(name)?.textContent ?? null;
  const blockJson = (name) => { const text = block(name); return text === null ? null : JSON.parse(text); };
  const inOneFile = () => document.getElementById("data/index") !== null;

  function read(path) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = policy ? policy.createScriptURL(path) : onlyData(path);
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${path} is missing from the report folder or can't be read`));
      document.head.append(script);
      script.remove();
    });
  }

  /** Read all rows that are still missing; the promise resolves when the list is complete. */
  function rest() {
    whole ??= Promise.all(missing().map(async (number) => {
      if (inOneFile()) rows(number, blockJson(`data/rows/${number}`));
      else await read(`data/rows-${String(number).padStart(4, "0")}.js`);
    })).catch((error) => { whole = null; throw error; });
    return whole;
  }

  const missing = () => [...Array(listing.files).keys()].filter((number) => !columns.has(number));
  const complete = () => listing.read === listing.total;

  function load(number) {
    if (!loading.has(number)) {
      loading.set(number, read(`data/cases-${String(number).padStart(4, "0")}.js`).then(
        () => details.get(number), (error) => { loading.delete(number); throw error; }));
      forgetOldest();
    }
    return loading.get(number);
  }

  function forgetOldest() {
    if (loading.size <= CHUNKS_KEPT) return;
    const [oldest] = loading.keys();
    loading.delete(oldest);
    details.delete(oldest);
  }

  /** What the view of the case at `position` of the run draws. */
  async function caseAt(position) {
    if (!inOneFile()) return (await load(Math.floor(position / listing.chunk)))[position % listing.chunk];
    const record = blockJson(`data/case/${position}`);
    if (!record) throw new Error("The details of this case were left out of this file, to keep it small. The report folder has them.");
    for (const role of record.roles) {
      if (role.picture && !address(`pictures/${role.picture}`)) {
        role.picture = "";
        role.missing = "left out of this file, to keep it small; the report folder has it";
      }
    }
    return record;
  }

  /** The details of a case if they have been read, else `null`. */
  const known = (position) => details.get(Math.floor(position / listing.chunk))?.[position % listing.chunk] ?? null;

  /** The address of the picture at `path` of the report folder; a data URL in a report of one file, empty if left out. */
  function address(path) {
    if (!inOneFile()) return path;
    const picture = block(path);
    return picture === null ? "" : `data:${TYPES[path.split(".").pop()]};base64,${picture}`;
  }

  if (inOneFile()) {
    index(blockJson("data/index"));
    if (listing.total) rows(0, blockJson("data/rows/0"));
  }

  return { index, rows, chunk, rest, complete, caseAt, known, address, fails, listing };
})();
