"use strict";
// The view of one case: pictures, findings, texts, evidence, scores, provenance.

evalkit.caseView = (() => {
  const { h, bdi } = evalkit.dom;
  let stage = null;
  let here = { before: null, after: null };
  let wanted = -1;

  /** Show the case at `position` of the run. */
  async function show(position) {
    wanted = position;
    here = evalkit.list.neighbours(position);
    const root = document.getElementById("case");
    try {
      const record = await evalkit.data.caseAt(position);
      if (wanted !== position) return;
      stage = evalkit.stage.build([...record.roles, ...record.edited]);
      root.replaceChildren(...view(record, position));
      document.title = `${record.id} · evalkit`;
      root.querySelector("h1").focus({ preventScroll: true });
      window.scrollTo(0, 0);
      if (here.after !== null) new Image().src = evalkit.list.picture(here.after) || "data:,";
    } catch (error) {
      missing(error.message);
    }
  }

  /** Say that there is nothing to show. */
  function missing(why) {
    stage = null;
    document.getElementById("case").replaceChildren(
      h("div", { class: "bar" }, backLink()), h("h1", { tabindex: "-1" }, "This case can't be shown"), h("p", null, why));
  }

  function view(record, position) {
    return [
      bar(record),
      change(record),
      prompt(record),
      stage.node,
      evalkit.findings.build(record.roles, stage),
      evalkit.tables.texts(record.roles),
      evalkit.evidence.section(record.roles),
      h("section", { "aria-labelledby": "case-scores" }, h("h2", { id: "case-scores" }, "Scores"), evalkit.tables.scores(record.roles)),
      h("section", { "aria-labelledby": "case-origin" }, h("h2", { id: "case-origin" }, "Provenance"),
        evalkit.tables.provenance(record.roles), command(record)),
    ].filter(Boolean);
  }

  const backLink = () => h("a", { class: "button", href: evalkit.list.back() }, "← All cases");

  function bar(record) {
    const { place, count, before, after } = here;
    return h("div", { class: "bar" }, backLink(),
      h("h1", { tabindex: "-1" }, bdi(record.id), h("small", null, ` seed ${record.seed}`)),
      h("p", { class: "place" }, place >= 0 ? `${(place + 1).toLocaleString("en")} of ${count.toLocaleString("en")}` : "not in the filtered list"),
      h("nav", { class: "steps", "aria-label": "Cases" }, step("← Previous", before, "prev"), step("Next →", after, "next")));
  }

  function step(label, position, rel) {
    if (position === null) return h("span", { class: "button off", "aria-disabled": "true" }, label);
    return h("a", { class: "button", rel, href: evalkit.list.link(position) }, label);
  }

  /** Whether the case fails, the failed gates that counted it, and how it compares with the baseline. */
  function change({ change: compared, flaky, failing, gates }) {
    if (!compared && !flaky && !failing) return null;
    const [bucket, reason] = compared ?? [];
    return h("p", { class: "change" },
      failing ? h("span", { class: "bucket-name is-failing" }, "failing") : null,
      gates.map(([rule, measured]) => h("span", { class: "counted" }, "counted by the failed gate “", bdi(rule), "”", measured ? [": ", bdi(measured)] : null)),
      bucket ? h("span", { class: `bucket-name is-${bucket.replace(" ", "-")}` }, bucket) : null,
      reason ? bdi(reason) : null,
      flaky ? h("span", { class: "bucket-name is-flaky" }, "known to be unstable: left out of the gates") : null);
  }

  function prompt(record) {
    const about = [record.category, record.task, `asked for ${record.size[0]}×${record.size[1]} px`, ...record.tags].filter(Boolean);
    return h("div", { class: "asked" },
      h("p", { class: "prompt", dir: "auto" }, record.prompt),
      h("p", { class: "about" }, about.map((text, i) => [i ? " · " : "", bdi(text)]).flat(),
        record.source ? [" · edits source ", h("code", null, record.source.slice(0, 12))] : null));
  }

  function command(record) {
    const text = h("code", { dir: "auto" }, record.command);
    const copy = h("button", { type: "button", onclick: () => copyText(copy, text) }, "Copy");
    return h("div", { class: "command" },
      h("p", { class: "note" }, "The command that runs this case again; work that is finished comes from the cache:"),
      h("pre", null, text), copy);
  }

  async function copyText(button, node) {
    try {
      await navigator.clipboard.writeText(node.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(node); // no clipboard without permission: leave it selected
      button.textContent = "Selected: press Ctrl+C";
    }
  }

  const go = (position) => { if (position !== null) location.hash = evalkit.list.link(position); };

  return {
    show,
    missing,
    next: () => go(here.after),
    previous: () => go(here.before),
    zoom: () => stage?.cycleZoom(),
    mode: () => stage?.cycleMode(),
    map: (key) => stage?.toggleMap(key),
    boxes: () => stage?.toggleBoxes(),
  };
})();
