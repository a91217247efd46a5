"use strict";
// Pictures side by side at one scale, with the findings' boxes drawn on them to the pixel.

evalkit.stage = (() => {
  const { h, svg, said, plural, roleName } = evalkit.dom;
  const ZOOMS = [["fit", "Fit"], ["1", "1:1"], ["2", "2×"], ["4", "4×"]];
  const LABEL = 19;

  /** The stage of one case: `node` to show, and what the keys and the list of findings do to it. */
  function build(roles) {
    let zoom = "fit";
    const panes = roles.map(pane);
    const buttons = ZOOMS.map(([value, label]) =>
      h("button", { type: "button", "aria-pressed": "false", "data-zoom": value, onclick: () => setZoom(value) }, label));
    const boxes = h("input", { type: "checkbox", checked: true, onchange: () => node.classList.toggle("no-boxes", !boxes.checked) });
    const node = h("div", { class: "stage" },
      h("div", { class: "tools" },
        h("div", { class: "zoom", role: "group", "aria-label": "Zoom" }, buttons),
        h("label", { class: "toggle" }, boxes, " Boxes"),
        h("p", { class: "keys" }, [["j", "next"], ["k", "previous"], ["z", "zoom"], ["b", "boxes"], ["Esc", "list"]].map(([key, what]) =>
          [h("kbd", null, key), ` ${what} `]).flat()),
        legend(roles)),
      h("div", { class: "panes" }, panes.map((p) => p.node)));

    function follow(leader) {
      const { scrollLeft, scrollTop } = leader.frame;
      for (const { frame } of panes) frame.scrollTo(scrollLeft, scrollTop);
    }

    function setZoom(value) {
      zoom = value;
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.zoom === zoom));
      layout();
    }

    function layout() {
      const scale = zoom === "fit" ? fit() : Number(zoom) / (window.devicePixelRatio || 1);
      for (const p of panes) p.layout(scale, zoom);
    }

    /** The largest scale at which every picture fits its pane; enlarged by whole factors only, so pixels stay square. */
    function fit() {
      const scales = panes.filter((p) => p.size[0]).map((p) =>
        Math.min(p.frame.clientWidth / p.size[0], (window.innerHeight * 0.74) / p.size[1]));
      const scale = Math.min(...scales, 8);
      return scale > 1 ? Math.floor(scale) : scale;
    }

    for (const one of panes) {
      one.onsize = layout;
      one.frame.addEventListener("scroll", () => follow(one));
    }
    new ResizeObserver(() => requestAnimationFrame(layout)).observe(node); // laid out in the observer it would observe itself
    setZoom("fit");

    return {
      node,
      cycleZoom() {
        const names = ZOOMS.map(([value]) => value);
        setZoom(names[(names.indexOf(zoom) + 1) % names.length]);
      },
      toggleBoxes: () => boxes.click(),
      mark: (role, number, on) => panes[role].mark(number, on),
      reveal: (role, number) => panes[role].reveal(number),
    };
  }

  function pane(role) {
    const head = h("figcaption", null,
      h("strong", { class: `key-${role.role}` }, roleName(role.role)), " ", said(role.generator),
      h("span", { class: "brief" }, role.brief));
    const frame = h("div", { class: "frame", tabindex: "0", role: "group", "aria-label": `${role.role}: picture and boxes` });
    const self = { node: h("figure", { class: "pane" }, head, frame), frame, size: [0, 0], onsize() {}, layout() {}, mark() {}, reveal() {} };
    if (role.picture) draw(self, role);
    else frame.append(h("p", { class: "no-picture" }, h("strong", null, "No picture. "), said(role.missing)));
    return self;
  }

  function draw(self, role) {
    const image = h("img", { src: `pictures/${role.picture}`, alt: `Picture of the ${role.role}, ${plural(role.findings.length, "finding")}` });
    const overlay = svg("svg", { class: "overlay", preserveAspectRatio: "none", "aria-hidden": "true" });
    const tip = h("p", { class: "tip", hidden: true });
    const canvas = h("div", { class: "canvas" }, image, overlay);
    const marks = role.findings.map((finding, i) => marker(finding, i, self));
    // Large boxes first, so that a small one inside a large one can still be pointed at.
    overlay.append(...[...marks].sort((a, b) => b.area - a.area).map((m) => m.shape));
    canvas.append(...marks.map((m) => m.label), tip);
    self.frame.append(canvas);
    image.addEventListener("error", () => canvas.replaceChildren(
      h("p", { class: "no-picture" }, h("strong", null, "The browser can't show this picture. "), "Its file is ", h("code", null, role.picture))));
    image.addEventListener("load", () => resize(image.naturalWidth, image.naturalHeight));

    function resize(width, height) {
      self.size = [width, height];
      overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
      self.onsize();
    }

    self.layout = (scale, zoom) => {
      const [width, height] = self.size;
      canvas.style.width = `${width * scale}px`;
      canvas.style.height = `${height * scale}px`;
      canvas.classList.toggle("pixels", zoom !== "fit" || scale >= 1);
      place(marks, scale, width * scale, height * scale);
    };
    self.mark = (number, on) => {
      marks[number]?.shape.classList.toggle("is-active", on);
      marks[number]?.label.classList.toggle("is-active", on);
      tip.hidden = !on;
      if (on) pointTip(tip, marks[number], canvas);
    };
    self.reveal = (number) => {
      const { label } = marks[number];
      self.frame.scrollIntoView({ block: "nearest" });
      self.frame.scrollTo(label.offsetLeft - self.frame.clientWidth / 2, label.offsetTop - self.frame.clientHeight / 2);
      label.focus({ preventScroll: true });
    };
    if (role.size[0]) resize(...role.size);
  }

  function marker(finding, i, self) {
    const [x0, y0, x1, y1] = finding.box;
    const at = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
    const over = { onpointerenter: () => self.mark(i, true), onpointerleave: () => self.mark(i, false) };
    const shape = svg("g", { class: `box blame-${finding.blame}`, ...over },
      svg("rect", { class: "halo", ...at }), svg("rect", { class: "line", ...at }));
    const label = h("button", {
      type: "button", class: `label blame-${finding.blame}`, "aria-label": `Finding ${i + 1}: ${finding.message}`,
      onfocus: () => self.mark(i, true), onblur: () => self.mark(i, false), ...over,
    }, String(i + 1));
    return { finding, shape, label, area: at.width * at.height };
  }

  /** Number labels on the top left corners of their boxes, moved right where another one already stands. */
  function place(marks, scale, width, height) {
    const taken = [];
    for (const { finding, label } of marks) {
      let left = Math.max(0, Math.min(finding.box[0] * scale - 1, width - LABEL));
      const top = Math.max(0, finding.box[1] * scale - LABEL + 1);
      while (taken.some(([l, t]) => Math.abs(l - left) < LABEL && Math.abs(t - top) < LABEL) && left < width - LABEL) left += LABEL;
      taken.push([left, top]);
      label.style.left = `${(left / width) * 100}%`; // shares, so that they stay in place on paper
      label.style.top = `${(top / height) * 100}%`;
    }
  }

  function pointTip(tip, { finding, label }, canvas) {
    tip.replaceChildren(h("strong", null, finding.kind), ` · ${finding.blame} · ${finding.size}`, h("br"), said(finding.message));
    tip.style.maxWidth = `${Math.min(320, canvas.clientWidth)}px`;
    tip.style.left = `${Math.max(0, Math.min(label.offsetLeft, canvas.clientWidth - tip.offsetWidth))}px`;
    const below = label.offsetTop + LABEL + 4;
    const above = label.offsetTop - tip.offsetHeight - 4;
    tip.style.top = `${above >= 0 ? above : below}px`;
  }

  function legend(roles) {
    const used = ["student-only", "both", "teacher-only", "unknown"].filter((blame) =>
      roles.some((role) => role.findings.some((finding) => finding.blame === blame)));
    const words = { "student-only": "student only", both: "both", "teacher-only": "teacher only", unknown: "twin not judged" };
    return h("ul", { class: "legend", "aria-label": "Whose defect" }, used.map((blame) => h("li", null,
      svg("svg", { class: `box blame-${blame}`, width: 26, height: 10, "aria-hidden": "true" }, svg("line", { class: "line", x1: 1, x2: 25, y1: 5, y2: 5 })),
      ` ${words[blame]}`)));
  }

  return { build };
})();
