"use strict";
// The grammar of the filter: text to terms, with an error for each part that can't be understood. No DOM here.
//
//   text   = { term }            term   = ["!"] ( key op values | phrase | word )
//   op     = ":" "=" "!=" "<" "<=" ">" ">="      values = value { "," value }      value = bare | phrase
//   phrase = '"' … '"', with \" and \\ inside

evalkit.filter = (() => {
  // Keys are words that the reader typed: without a prototype, `constructor` is not one of them.
  const ALIASES = { __proto__: null, category: "cat", severity: "sev", change: "bucket", status: "is", text: "word" };
  const NAMED = ["kind", "judge", "blame", "grade", "role", "cat", "task", "bucket", "is"];
  const NUMBERS = ["sev", "seed", "findings"];
  const NOUNS = { __proto__: null, cat: "category", is: "state" };
  const STATUSES = { __proto__: null, error: "e", unscored: "u", skipped: "k", "not-applicable": "n", scored: "s" };
  const KEY = /[\p{L}_][^\s:<>=!",]*(?=[:<>=]|!=)/uy;
  const OPERATOR = /<=|>=|!=|[:<>=]/y;
  const BARE = /[^\s,"]+/y;
  const WORD = /[^\s]+/y;
  const PLAIN = /^[^\s,":<>=!\\][^\s,"\\]*$/;

  /** How values are compared: no case, and a hyphen for a space, so that `new-failure` needs no quotes. */
  const plain = (text) => text.toLowerCase().replace(/[\s_-]+/g, "-");

  /**
   * Terms and errors of `text`. `known` holds the values of each named key as [name, …] pairs, and `dimensions` as
   * [judge, name, …]. A term is {key, op, values, negated, at, end}; `values` are numbers: of names, or to compare
   * with; for `word` they are texts in lower case. An error is {at, end, part, message}.
   */
  function parse(text, known) {
    const terms = [];
    const errors = [];
    for (const raw of scan(text)) {
      try {
        terms.push({ ...meaning(raw, known), negated: raw.negated, at: raw.at, end: raw.end });
      } catch (problem) {
        if (!(problem instanceof Misunderstood)) throw problem;
        errors.push({ at: raw.at, end: raw.end, part: text.slice(raw.at, raw.end), message: problem.message });
      }
    }
    return { terms, errors };
  }

  class Misunderstood extends Error {}

  /** The terms of `text` as they are written: {negated, key, op, values, at, end}; a word has no key. */
  function scan(text) {
    const found = [];
    let at = 0;
    const take = (pattern) => {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (match) at += match[0].length;
      return match ? match[0] : null;
    };
    for (take(/\s+/y); at < text.length; take(/\s+/y)) {
      const start = at;
      const negated = take(/!(?=\S)/y) !== null;
      const key = take(KEY);
      if (key === null) {
        const value = text[at] === '"' ? phrase() : take(WORD);
        found.push({ negated, key: null, op: "", values: [value], at: start, end: at });
        continue;
      }
      const written = take(OPERATOR);
      const op = written === "!=" ? "=" : written;
      const values = [];
      do {
        if (text[at] === '"') values.push(phrase());
        else values.push(take(BARE) ?? "");
      } while (take(/,/y) !== null);
      found.push({ negated: negated !== (written === "!="), key, op, values, at: start, end: at });
    }
    return found;

    /** A quoted text; one that is not closed (yet) goes to the end. */
    function phrase() {
      let value = "";
      for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
        if (text[at] === "\\" && at + 1 < text.length) at += 1;
        value += text[at];
      }
      at += 1;
      at = Math.min(at, text.length);
      return value;
    }
  }

  function meaning(raw, known) {
    if (raw.key === null) return { key: "word", op: ":", values: [raw.values[0].toLowerCase()] };
    const lower = raw.key.toLowerCase();
    const key = ALIASES[lower] ?? lower;
    const given = raw.values.filter((value) => value !== "");
    if (key !== "word" && !NAMED.includes(key) && !NUMBERS.includes(key)) return ofDimension(raw, given, known);
    if (!given.length) throw new Misunderstood(`“${raw.key}${raw.op}” needs a value`);
    if (key === "word") return { key, op: ":", values: given.map((value) => value.toLowerCase()) };
    if (NUMBERS.includes(key)) return { key, op: raw.op === ":" ? "=" : raw.op, values: numbers(raw, given) };
    if (raw.op !== ":" && raw.op !== "=") throw new Misunderstood(`“${raw.key}” is not a number: write ${raw.key}:… instead of ${raw.key}${raw.op}…`);
    return { key, op: ":", values: given.flatMap((value) => named(key, value, known[key] ?? [])) };
  }

  function numbers(raw, given) {
    const values = given.map((value) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : NaN));
    const wrong = values.findIndex(Number.isNaN);
    if (wrong >= 0) throw new Misunderstood(`“${given[wrong]}” is not a number`);
    if (values.length > 1 && /[<>]/.test(raw.op)) throw new Misunderstood(`“${raw.op}” takes one number`);
    return values;
  }

  /** The numbers of the names that are `value`, or else begin with it. */
  function named(key, value, names) {
    const wanted = plain(value);
    const fits = (test) => [...names.keys()].filter((i) => test(plain(names[i][0])));
    const exact = fits((name) => name === wanted);
    const found = exact.length ? exact : fits((name) => name.startsWith(wanted));
    if (found.length) return found;
    if (key === "bucket" && !names.length) throw new Misunderstood("this run is compared with no baseline, so it has no buckets");
    const there = names.filter(([name]) => name).map(([name]) => plain(name));
    throw new Misunderstood(there.length ? `no ${NOUNS[key] ?? key} is called “${value}”; there ${list(there)}` : `this run has no ${NOUNS[key] ?? key}`);
  }

  const list = (names) => `${names.length === 1 ? "is" : "are"} ${names.slice(0, 8).join(", ")}${names.length > 8 ? `, and ${names.length - 8} more` : ""}`;

  function ofDimension(raw, given, { dimensions = [] }) {
    const wanted = plain(raw.key);
    const full = ([judge, name]) => plain(`${judge}.${name}`);
    const tests = [(d) => full(d) === wanted, (d) => plain(d[1]) === wanted, (d) => full(d).startsWith(wanted), (d) => plain(d[1]).startsWith(wanted)];
    const found = tests.map((test) => [...dimensions.keys()].filter((i) => test(dimensions[i]))).find((some) => some.length) ?? [];
    if (!found.length) {
      const hint = raw.op === ":" ? "; put text with a colon in quotes" : "";
      throw new Misunderstood(`there is no “${raw.key}” to filter by${hint}`);
    }
    if (found.length > 1) throw new Misunderstood(`“${raw.key}” is more than one figure: ${found.map((i) => full(dimensions[i])).slice(0, 4).join(", ")}`);
    if (!given.length) throw new Misunderstood(`“${raw.key}${raw.op}” needs a value`);
    const statuses = given.map((value) => STATUSES[value.toLowerCase()]);
    if (raw.op === ":" && statuses.every(Boolean)) return { key: "status", dimension: found[0], op: ":", values: statuses };
    return { key: "score", dimension: found[0], op: raw.op === ":" ? "=" : raw.op, values: numbers(raw, given) };
  }

  /** `value` as it must be written in a filter. */
  const quoted = (value) => (PLAIN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`);

  const isTerm = (raw, key) => !raw.negated && raw.key !== null && (ALIASES[raw.key.toLowerCase()] ?? raw.key.toLowerCase()) === key;

  /** Whether `text` asks for `value` of `key`. */
  const has = (text, key, value) => scan(text).some((raw) => isTerm(raw, key) && raw.values.some((v) => plain(v) === plain(value)));

  /** `text` with `value` of `key` asked for, or removed if it was asked for; several values of one key mean “or”. */
  function toggle(text, key, value) {
    const raw = scan(text).find((term) => isTerm(term, key));
    if (!raw) return `${text.trim()} ${key}:${quoted(value)}`.trim();
    const others = raw.values.filter((v) => v && plain(v) !== plain(value));
    const values = others.length === raw.values.filter(Boolean).length ? [...others, value] : others;
    const term = values.length ? `${key}:${values.map(quoted).join(",")}` : "";
    return `${text.slice(0, raw.at)}${term}${text.slice(raw.end)}`.replace(/ {2,}/g, " ").trim();
  }

  return { parse, has, toggle, quoted };
})();
