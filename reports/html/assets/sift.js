"use strict";
// Finds the cases that match the terms of a filter. No DOM here: terms are from evalkit.filter, columns from evalkit.data.

evalkit.sift = (() => {
  const OF_FINDING = { kind: 0, judge: 1, role: 2, blame: 3, grade: 4 }; // places in a group
  const COMPARE = {
    "=": (a, b) => a === b, "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  };

  /** The ranks of the rows of `listing` that fit all `terms`, in order. */
  function sift(terms, listing) {
    const tests = [...onFindings(terms, listing), ...terms.map((term) => ofCase(term, terms, listing)).filter(Boolean)];
    const ranks = [];
    for (let rank = 0; rank < listing.read; rank += 1) if (tests.every((test) => test(rank))) ranks.push(rank);
    return ranks;
  }

  /** A test of a row by one term that is not about findings. */
  function ofCase(term, terms, listing) {
    const { key, values, negated } = term;
    const any = (test) => (rank) => values.some((value) => test(rank, value)) !== negated;
    if (key === "cat" || key === "task" || key === "bucket") return any((rank, value) => listing[key][rank] === value);
    if (key === "is") return any((rank, value) => (listing.is[rank] & (1 << value)) !== 0);
    if (key === "seed" || key === "findings") return any((rank, value) => COMPARE[term.op](listing[key][rank], value));
    if (key === "word") return any((rank, value) => searched(rank, listing).includes(value));
    if (key === "score" || key === "status") return any(ofScore(term, roles(terms, listing), listing));
    return null;
  }

  function ofScore({ key, dimension, op }, wanted, listing) {
    const columns = [...wanted].map((role) => listing.scores[role][dimension]);
    if (key === "score") {
      return (rank, value) => columns.some((column) => typeof column[rank] === "number" && COMPARE[op](column[rank], value));
    }
    return (rank, value) => columns.some((column) => (typeof column[rank] === "number" ? "s" : column[rank]) === value);
  }

  /** The roles that a filter concerns: those it names, else the student, or the teacher if only it ran or is blamed. */
  function roles(terms, listing) {
    const named = terms.filter((term) => term.key === "role" && !term.negated).flatMap((term) => term.values);
    if (named.length) return new Set(named);
    const blamed = terms.filter((term) => term.key === "blame" && !term.negated).flatMap((term) => term.values);
    const teachers = blamed.some((blame) => listing.names.blame[blame][0] === "teacher-only");
    return teachers ? new Set(listing.names.role.keys()) : new Set([listing.scope]);
  }

  /**
   * Tests on findings: one finding must fit every plain term, and the worst of those that do must have the severity;
   * no finding may fit a negated term. A role alone asks for a finding; beside a figure or a severity it only says whose.
   */
  function onFindings(terms, listing) {
    const about = terms.filter((term) => term.key in OF_FINDING);
    const severities = terms.filter((term) => term.key === "sev");
    if (!about.length && !severities.length) return [];
    const scope = roles(terms, listing);
    const wanted = about.filter((term) => !term.negated);
    const unwanted = about.filter((term) => term.negated);
    const figures = terms.some(({ key }) => key === "sev" || key === "score" || key === "status");
    const needed = wanted.some((term) => term.key !== "role" || !figures);
    const fits = (group, term) => term.values.includes(group[OF_FINDING[term.key]]);
    const inScope = (group) => scope.has(group[OF_FINDING.role]);
    const good = listing.groups.map((group) => inScope(group) && wanted.every((term) => fits(group, term)));
    const bad = listing.groups.map((group) => unwanted.some((term) => (term.key === "role" || inScope(group)) && fits(group, term)));
    return [(rank) => {
      const found = listing.found[rank];
      let worst = -1;
      for (let i = 0; i < found.length; i += 3) {
        if (bad[found[i]]) return false;
        if (good[found[i]]) worst = Math.max(worst, found[i + 2]);
      }
      if (worst < 0 && needed) return false;
      const severity = Math.max(worst, 0) / 1000;
      return severities.every(({ op, values, negated }) => values.some((value) => COMPARE[op](severity, value)) !== negated);
    }];
  }

  /** The text that words are searched in, in lower case; joined when first needed. */
  function searched(rank, listing) {
    listing.searched ??= [];
    return (listing.searched[rank] ??= [listing.id[rank], listing.prompt[rank], ...listing.says[rank]].join("\n").toLowerCase());
  }

  return { sift };
})();
