"use strict";
// Two pictures at one place: one over the other with a divider between them, or their difference.

evalkit.compare = (() => {
  const { h, bdi, roleName } = evalkit.dom;
  const name = (role) => h("strong", { class: `key-${role.role}` }, roleName(role.role));

  /** `upper` left of a divider that can be dragged or moved with the arrow keys, `lower` right of it. `state.divider` is kept. */
  function slider(roles, [upper, lower], state) {
    const above = evalkit.picture.layer(roles[upper], { labels: false, image: true });
    const below = evalkit.picture.layer(roles[lower], { labels: false, image: true });
    const handle = h("div", {
      class: "divider", role: "slider", tabindex: "0", "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": 100,
      "aria-label": `Divider: ${roles[upper].role} on the left, ${roles[lower].role} on the right`, onkeydown: pressed,
    });
    const view = evalkit.picture.view({
      label: `${roles[upper].role} over ${roles[lower].role}`, parts: [below, above, handle], roles: [lower, upper],
      head: h("figcaption", null, name(roles[upper]), " left of the divider, ", name(roles[lower]), " right of it",
        h("span", { class: "brief" }, "Drag anywhere on the picture, or focus the divider and use the arrow keys.", sizes(roles[upper], roles[lower]))),
    });
    const { canvas } = view;
    canvas.classList.add("is-slider");

    function move(to) {
      state.divider = Math.min(100, Math.max(0, to));
      above.node.style.clipPath = `inset(0 ${100 - state.divider}% 0 0)`;
      handle.style.left = `${state.divider}%`;
      handle.setAttribute("aria-valuenow", Math.round(state.divider));
      handle.setAttribute("aria-valuetext", `${Math.round(state.divider)} % ${roles[upper].role}`);
    }

    function pressed(event) {
      const step = event.shiftKey ? 10 : 1;
      const to = {
        ArrowLeft: state.divider - step, ArrowDown: state.divider - step, ArrowRight: state.divider + step, ArrowUp: state.divider + step,
        PageDown: state.divider - 10, PageUp: state.divider + 10, Home: 0, End: 100,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      move(to);
    }

    const drag = (event) => move(((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth) * 100);
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      drag(event);
    });
    canvas.addEventListener("pointermove", (event) => { if (canvas.hasPointerCapture(event.pointerId)) drag(event); });
    view.onreveal = (role, { box }) => { // move the divider so that the box is on the side of its picture
      const ends = [(box[0] / roles[role].size[0]) * 100 - 2, (box[2] / roles[role].size[0]) * 100 + 2];
      if (role === upper ? state.divider < ends[1] : state.divider > ends[0]) move(role === upper ? ends[1] : ends[0]);
    };
    move(state.divider);
    return view;
  }

  /** |a − b| of each colour channel, times `2 ** state.gain`: the browser blends, so no pixel has to be read. */
  function difference(roles, [a, b], state) {
    const blend = h("div", { class: "blend" },
      evalkit.picture.show(roles[b], { alt: "" }), evalkit.picture.show(roles[a], { class: "over", alt: `Difference of the ${roles[a].role}'s and the ${roles[b].role}'s picture` }));
    const boxes = [b, a].map((role) => evalkit.picture.layer(roles[role], { labels: false, image: false }));
    const factorText = h("output", null);
    const gain = h("input", { type: "range", min: 0, max: 6, step: 1, value: state.gain, oninput: amplify, "aria-label": "Amplify the difference" });
    const view = evalkit.picture.view({
      label: `Difference of ${roles[a].role} and ${roles[b].role}`, parts: [blend, ...boxes], roles: [b, a],
      head: h("figcaption", null, "Difference of ", name(roles[a]), " and ", name(roles[b]),
        h("label", { class: "gain" }, "Amplify ", gain, " ", factorText),
        h("span", { class: "brief" }, "Black is equal. Each colour channel shows how far the two are apart (sRGB values), times the factor, cut off at full brightness.",
          sizes(roles[a], roles[b]))),
    });

    function amplify() {
      state.gain = Number(gain.value);
      const factor = 2 ** state.gain;
      factorText.textContent = `×${factor}`;
      gain.setAttribute("aria-valuetext", `times ${factor}`);
      blend.style.filter = `brightness(${factor})`;
    }

    amplify();
    return view;
  }

  function sizes(a, b) {
    if (a.thumbnail || b.thumbnail) return h("strong", { class: "missing" }, " The baseline's picture is a thumbnail: it is blurred, and differs by that alone.");
    if (a.size.join() === b.size.join()) return null;
    return h("strong", { class: "missing" }, ` The sizes differ (${a.size.join("×")} and ${b.size.join("×")} px): both are stretched to one, so edges differ by that alone.`);
  }

  return { slider, difference };
})();
