"use strict";
// The list of findings of a case: each with the same region of every picture, enlarged.

evalkit.findings = (() => {
  const { h, svg, bdi, plural, roleName } = evalkit.dom;
  const FIRST = 24;
  const CROP = { width: 200, height: 92 };

  /** The findings of every picture, each picture's under its own heading. */
  function build(roles, stage) {
    const all = roles.reduce((sum, role) => sum + role.findings.length + role.more_findings, 0);
    return h("section", { "aria-labelledby": "case-findings" },
      h("h2", { id: "case-findings" }, all ? plural(all, "finding") : "No findings"),
      roles.map((role, r) => (role.findings.length ? group(roles, role, r, stage) : null)));
  }

  function group(roles, role, r, stage) {
    const list = h("ol", { class: "findings" }, role.findings.slice(0, FIRST).map(entry));
    const left = role.findings.length - FIRST;
    const more = left > 0 ? h("button", { type: "button", onclick: () => { list.append(...role.findings.slice(FIRST).map((finding, i) => entry(finding, FIRST + i))); more.remove(); } },
      `Show the other ${left}`) : null;
    return h("div", { class: "findings-of" }, h("h3", { class: `key-${role.role}` }, `On the ${role.role}’s picture`), list, more,
      role.more_findings ? h("p", { class: "note" }, `${plural(role.more_findings, "milder finding")} not listed here; run.sqlite has them all.`) : null);

    function entry(finding, i) {
      const over = { onpointerenter: () => stage.mark(r, i, true), onpointerleave: () => stage.mark(r, i, false) };
      return h("li", { class: "finding", ...over },
        h("button", { type: "button", class: `number blame-${finding.blame}`, "aria-label": `Show finding ${i + 1} in the picture`, onclick: () => stage.reveal(r, i) }, String(i + 1)),
        h("div", { class: "finding-text" },
          h("p", { class: "message" }, bdi(finding.message)),
          h("p", { class: "about" },
            bdi(finding.kind), " · ", h("span", { class: `grade is-${finding.grade}` }, finding.grade), ` · ${finding.blame} · `, bdi(finding.size),
            ` · severity ${finding.severity.toFixed(2)} · `, bdi(finding.judge), finding.target ? [" · about ", bdi(finding.target)] : null),
          finding.evidence ? h("details", null, h("summary", null, "Evidence"), evalkit.evidence.build(finding.evidence)) : null),
        h("div", { class: "crops" }, roles.map((other) => crop(other, finding, role))));
    }
  }

  /** The region of a finding in the picture of `role`; it is scaled where the two pictures differ in size. */
  function crop(role, finding, judged) {
    if (!role.picture || !role.size[0] || !judged.size[0]) return h("p", { class: "crop none" }, "no picture");
    const [sx, sy] = [role.size[0] / judged.size[0], role.size[1] / judged.size[1]];
    const [x0, y0, x1, y1] = finding.box;
    const box = { x: x0 * sx, y: y0 * sy, width: (x1 - x0) * sx, height: (y1 - y0) * sy };
    const view = around(box, role.size);
    return h("figure", { class: "crop" },
      svg("svg", { viewBox: view.join(" "), width: CROP.width, height: CROP.height, role: "img", "aria-label": `${role.role}, enlarged` },
        svg("image", { href: `pictures/${role.picture}`, width: role.size[0], height: role.size[1], preserveAspectRatio: "none" }),
        role === judged ? svg("g", { class: `box blame-${finding.blame}` }, svg("rect", { class: "line", ...box })) : null),
      h("figcaption", null, roleName(role.role)));
  }

  /** A view box of the crop's proportions around the box, with some of its surroundings, inside the picture if it fits. */
  function around({ x, y, width, height }, [pictureWidth, pictureHeight]) {
    const ratio = CROP.width / CROP.height;
    const tall = Math.max(height * 1.5, (width * 1.25) / ratio, 24);
    const wide = tall * ratio;
    const left = inside(x + width / 2 - wide / 2, wide, pictureWidth);
    const top = inside(y + height / 2 - tall / 2, tall, pictureHeight);
    return [left, top, wide, tall].map((v) => Number(v.toFixed(2)));
  }

  const inside = (start, length, whole) => (length > whole ? (whole - length) / 2 : Math.max(0, Math.min(start, whole - length)));

  return { build };
})();
