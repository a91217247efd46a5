"use strict";
// The labelling page: one question about one picture at a time. Texts of the run only ever become text nodes.

(() => {
  const $ = (id) => document.getElementById(id);
  const read = (id) => JSON.parse($(id).textContent);
  const sheet = read("sheet");
  const steps = sheet.items.flatMap((item) => item.questions.map((question) => ({ item, question: sheet.questions[question] })));
  const KEPT = `evalkit-labels-${sheet.page}`;
  const state = { rater: "", at: 0, answers: {} };
  const undone = []; // for undo: [step, the previous answer]
  let since = performance.now();
  let unsaved = false;

  // ---------------------------------------------------------------- kept in this browser, where it allows that

  function recall() {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(KEPT));
    } catch {
      return;
    }
    if (typeof kept !== "object" || kept === null || typeof kept.answers !== "object" || kept.answers === null) return;
    for (const [key, answer] of Object.entries(kept.answers)) {
      const step = steps[key];
      const values = step?.question.answers.map((each) => each.value) ?? [];
      const blank = answer?.value === null && typeof answer.comment === "string";
      if (blank || values.includes(answer?.value)) state.answers[key] = answer;
    }
    if (typeof kept.rater === "string") state.rater = kept.rater.slice(0, 200);
    if (Number.isInteger(kept.at) && steps[kept.at]) state.at = kept.at;
  }

  function keep() {
    try {
      localStorage.setItem(KEPT, JSON.stringify(state));
    } catch {
      warn("This browser keeps nothing for this page: save your labels as a file before you close it.");
    }
  }

  function warn(text) {
    $("notice").textContent = text;
    $("notice").hidden = false;
  }

  const say = (text) => { $("status").textContent = text; };
  const answered = () => Object.values(state.answers).filter((answer) => answer.value !== null).length;

  // ------------------------------------------------------------------------------------------------- what is shown

  function element(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function picture(sha, caption, kind, shown) {
    const image = element("img", { alt: caption || "The picture", src: read(`picture-${sha}`) });
    const words = caption ? [element("figcaption", {}, caption)] : [];
    const frame = element("div", { class: "frame", tabindex: "0", role: "region", "aria-label": `${caption || "Picture"}, scrolls when enlarged` }, image);
    return element("figure", { class: kind, "data-shown": shown }, ...words, frame);
  }

  let drawn = null;
  function show() {
    const { item, question } = steps[state.at];
    const answer = state.answers[state.at];
    if (drawn !== item) {
      const pair = item.pictures.length === 2;
      const figures = item.pictures.map((one, i) => picture(one.sha256, pair ? "AB"[i] : item.source ? "The edited picture" : "", "", String(i)));
      if (item.source) figures.unshift(picture(item.source, "Before the edit", "source", "source"));
      $("pictures").replaceChildren(...figures);
      $("pictures").classList.toggle("pair", pair);
      $("prompt").textContent = item.prompt;
      $("texts").replaceChildren(...item.texts.map((text) => element("li", {}, element("bdi", {}, text))));
      $("texts-part").hidden = item.texts.length === 0;
      if ($("pictures").classList.contains("enlarged")) zoom();
      drawn = item;
    }
    $("where").textContent = `Question ${state.at + 1} of ${steps.length}`;
    $("asked").textContent = question.asked;
    $("description").textContent = question.description;
    $("dimension").textContent = question.dimension;
    $("answers").replaceChildren(...question.answers.map((each) => {
      const button = element("button", { type: "button", "data-value": String(each.value), "aria-pressed": String(answer?.value === each.value) },
        element("kbd", {}, each.key), element("span", {}, each.words));
      button.addEventListener("click", () => give(each.value));
      return button;
    }));
    $("comment").value = answer?.comment ?? "";
    $("back").disabled = state.at === 0;
    $("next").disabled = state.at === steps.length - 1;
    $("undo").disabled = undone.length === 0;
    const n = answered();
    $("count").textContent = `${n} of ${steps.length} answered`;
    $("progress").value = n;
    since = performance.now();
  }

  // --------------------------------------------------------------------------------------------------------- doing

  function give(value) {
    const before = state.answers[state.at];
    const seconds = (before?.seconds ?? 0) + (performance.now() - since) / 1000;
    undone.push([state.at, before]);
    state.answers[state.at] = { value, comment: before?.comment ?? "", seconds: Math.round(seconds * 10) / 10 };
    unsaved = true;
    const given = steps[state.at].question.answers.find((each) => each.value === value);
    const left = steps.findIndex((_, i) => (state.answers[i]?.value ?? null) === null);
    if (left < 0) say("Everything is answered: save your labels.");
    else if (state.at === steps.length - 1) say(`Answered: ${given.words}. Question ${left + 1} was left out.`);
    else say(`Answered: ${given.words}.`);
    state.at = Math.min(state.at + 1, steps.length - 1);
    keep();
    show();
  }

  function go(by) {
    const at = Math.min(Math.max(state.at + by, 0), steps.length - 1);
    if (at === state.at) return;
    state.at = at;
    say("");
    keep();
    show();
  }

  function undo() {
    const last = undone.pop();
    if (!last) return;
    const [at, before] = last;
    if (before === undefined) delete state.answers[at];
    else state.answers[at] = before;
    state.at = at;
    unsaved = true;
    say("Taken back.");
    keep();
    show();
  }

  function comment() {
    const before = state.answers[state.at];
    state.answers[state.at] = { value: before?.value ?? null, comment: $("comment").value, seconds: before?.seconds ?? null };
    unsaved = true;
    keep();
  }

  /** Show the picture pixel by pixel; a picture that already is, three times as large. */
  function zoom() {
    const on = !$("pictures").classList.contains("enlarged");
    for (const image of $("pictures").querySelectorAll("img")) {
      if (on) image.width = image.naturalWidth * (image.clientWidth < image.naturalWidth ? 1 : 3);
      else image.removeAttribute("width");
    }
    $("pictures").classList.toggle("enlarged", on);
    $("zoom").setAttribute("aria-pressed", String(on));
  }

  function labels() {
    return Object.entries(state.answers).filter(([, answer]) => answer.value !== null).map(([key, answer]) => {
      const { item, question } = steps[key];
      return {
        case_id: item.case_id, seed: item.seed, dimension: question.dimension, kind: question.kind,
        pictures: item.pictures, value: answer.value, comment: answer.comment, seconds: answer.seconds,
      };
    });
  }

  function save() {
    const rater = state.rater.trim();
    if (!rater) {
      $("rater").focus();
      say("Please enter your name first: it tells the labels of several people apart.");
      return;
    }
    if (answered() === 0) {
      say("Nothing is answered yet.");
      return;
    }
    const content = {
      $schema: sheet.schema, format_version: sheet.format, rater, benchmark: sheet.benchmark, run_digest: sheet.run_digest,
      created: new Date().toISOString(), sampling: sheet.sampling, labels: labels(),
    };
    const address = URL.createObjectURL(new Blob([`${JSON.stringify(content, null, 1)}\n`], { type: "application/json" }));
    const name = `labels-${rater.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60)}.json`;
    const link = element("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    unsaved = false;
    say(`${content.labels.length} labels saved as ${name}.`);
  }

  const KEYS = {
    ArrowLeft: () => go(-1), ArrowRight: () => go(1), u: undo, Backspace: undo, z: zoom, e: save,
    c: () => $("comment").focus(),
  };

  function pressed(event) {
    const typing = event.target.closest?.("input, textarea");
    if (typing) {
      if (event.key === "Escape" || event.key === "Enter") typing.blur();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      undo();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key.startsWith("Arrow") && event.target.closest?.(".frame") && $("pictures").classList.contains("enlarged")) return;
    const answer = steps[state.at].question.answers.find((each) => each.key === event.key.toLowerCase());
    const act = answer ? () => give(answer.value) : KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  recall();
  $("rater").value = state.rater;
  $("rater").addEventListener("input", () => { state.rater = $("rater").value; say(""); keep(); });
  $("comment").addEventListener("input", comment);
  $("back").addEventListener("click", () => go(-1));
  $("next").addEventListener("click", () => go(1));
  $("undo").addEventListener("click", undo);
  $("zoom").addEventListener("click", zoom);
  $("export").addEventListener("click", save);
  addEventListener("keydown", pressed);
  addEventListener("beforeunload", (event) => { if (unsaved && !$("notice").hidden) event.preventDefault(); });
  if (answered() > 0) say("Going on where you stopped.");
  show();
})();
