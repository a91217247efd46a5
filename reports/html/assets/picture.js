"use strict";
// Pictures with the boxes of their findings: one alone, or one over the other.

evalkit.picture = (() => {
  const { h, svg, bdi, plural } = evalkit.dom;
  const LABEL = 19;

  /**
   * One role's picture with its boxes. `labels`: with numbered buttons on the boxes; `image`: false for the boxes alone.
   * `onmark(number, on)` is called when a box is pointed at.
   */
  function layer(role, { labels, image }) {
    const overlay = svg("svg", { class: "overlay", preserveAspectRatio: "none", "aria-hidden": "true" });
    const self = { role, size: role.size, node: null, onsize() {}, onmark() {} };
    const marks = role.findings.map((finding, i) => marker(finding, i, (on) => self.onmark(i, on)));
    // Large boxes first, so that a small one inside a large one can still be pointed at.
    overlay.append(...[...marks].sort((a, b) => b.area - a.area).map((m) => m.shape));
    self.node = h("div", { class: "layer" }, image ? photo(self) : null, image ? evalkit.heat.over(role) : null, overlay,
      labels ? marks.map((m) => m.label) : null);

    function resize(width, height) {
      self.size = [width, height];
      overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
      self.onsize();
    }

    self.resize = resize;
    self.layout = (width, height) => { if (labels) place(marks, width / self.size[0], width, height); };
    self.highlight = (number, on) => {
      marks[number]?.shape.classList.toggle("is-active", on);
      marks[number]?.label.classList.toggle("is-active", on);
    };
    self.labelOf = (number) => (labels ? marks[number].label : null);
    if (role.size[0]) resize(...role.size);
    return self;
  }

  /** The picture as an element; where the browser can't show it, a sentence in its place. */
  function photo(self) {
    const { role } = self;
    const image = show(role, { alt: `Picture of the ${role.role}, ${plural(role.findings.length, "finding")}` });
    image.addEventListener("error", () => self.node.replaceChildren(
      h("p", { class: "no-picture" }, h("strong", null, "The browser can't show this picture. "), "Its file is ", h("code", null, role.picture))));
    // A thumbnail is shown at the size of the picture that it stands for, so that boxes fit.
    if (!role.thumbnail) image.addEventListener("load", () => self.resize(image.naturalWidth, image.naturalHeight));
    return image;
  }

  /** An image element of a role's picture. */
  const show = (role, attributes) => h("img", { src: `pictures/${role.picture}`, draggable: "false", ...attributes });

  function marker(finding, i, onmark) {
    const [x0, y0, x1, y1] = finding.box;
    const at = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
    const over = { onpointerenter: () => onmark(true), onpointerleave: () => onmark(false) };
    const shape = svg("g", { class: `box blame-${finding.blame}`, ...over },
      svg("rect", { class: "halo", ...at }), svg("rect", { class: "line", ...at }));
    const label = h("button", {
      type: "button", class: `label blame-${finding.blame}`, "aria-label": `Finding ${i + 1}: ${finding.message}`,
      onfocus: () => onmark(true), onblur: () => onmark(false), ...over,
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
      label.style.left = `${(left / width) * 100}%`; // in percent, so that they stay in place in print
      label.style.top = `${(top / height) * 100}%`;
    }
  }

  /**
   * A frame that scrolls, with `parts` (elements and layers, lowest first) filling a canvas of the first layer's size.
   * `roles` are the numbers of the layers' roles.
   */
  function view({ label, head, parts, roles }) {
    const layers = parts.filter((part) => part.layout);
    const tip = h("p", { class: "tip", hidden: true });
    const canvas = h("div", { class: "canvas" }, parts.map((part) => part.node ?? part), tip);
    const frame = h("div", { class: "frame", tabindex: "0", role: "group", "aria-label": label }, canvas);
    const self = { node: h("figure", { class: "pane" }, head, frame), frame, canvas, onsize() {}, onreveal() {} };
    const [base] = layers;
    const at = (role) => layers[roles.indexOf(role)];
    let held = null; // a finding that was clicked stays marked when the pointer leaves its entry

    layers.forEach((one, i) => {
      one.onsize = () => self.onsize();
      one.onmark = (number, on) => self.mark(roles[i], number, on);
    });

    self.layout = (scale, pixels) => {
      const [width, height] = base.size.map((side) => side * scale);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      canvas.style.aspectRatio = `${base.size[0]} / ${base.size[1]}`; // a printed page has another width
      canvas.classList.toggle("pixels", pixels);
      for (const one of layers) one.layout(width, height);
    };
    self.mark = (role, number, on) => {
      const one = at(role);
      const key = `${role} ${number}`;
      if (!one || (!on && key === held)) return;
      if (on && held !== null && key !== held) release();
      one.highlight(number, on);
      tip.hidden = !on;
      if (on) point(one, number);
    };
    self.reveal = (role, number) => {
      const one = at(role);
      if (!one) return false;
      const [left, top] = corner(one, one.role.findings[number]);
      self.onreveal(role, one.role.findings[number]);
      frame.scrollIntoView({ block: "nearest" });
      const { box } = one.role.findings[number];
      const [width, height] = [(box[2] - box[0]) / one.size[0], (box[3] - box[1]) / one.size[1]];
      frame.scrollTo(
        left - Math.max(LABEL, (frame.clientWidth - width * canvas.clientWidth) / 2),
        top - Math.max(LABEL, (frame.clientHeight - height * canvas.clientHeight) / 2));
      (one.labelOf(number) ?? frame).focus({ preventScroll: true });
      self.mark(role, number, true);
      held = `${role} ${number}`;
      return true;
    };
    Object.defineProperty(self, "size", { get: () => base.size });

    function release() {
      const [role, number] = held.split(" ").map(Number);
      held = null;
      at(role).highlight(number, false);
    }

    const corner = (one, { box }) => [(box[0] / one.size[0]) * canvas.clientWidth, (box[1] / one.size[1]) * canvas.clientHeight];

    function point(one, number) {
      const finding = one.role.findings[number];
      const [left, top] = corner(one, finding);
      tip.replaceChildren(h("strong", null, finding.kind), ` · ${finding.grade} · ${finding.blame} · ${finding.size}`, h("br"), bdi(finding.message));
      tip.style.maxWidth = `${Math.min(320, canvas.clientWidth)}px`;
      tip.style.left = `${Math.max(0, Math.min(left, canvas.clientWidth - tip.offsetWidth))}px`;
      const above = top - LABEL - tip.offsetHeight - 4;
      tip.style.top = `${above >= 0 ? above : top + 8}px`;
    }

    return self;
  }

  return { layer, view, show };
})();
