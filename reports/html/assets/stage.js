"use strict";
// The pictures of a case: side by side at one scale, one over the other, or their difference.

evalkit.stage = (() => {
  const { h, svg, bdi, roleName } = evalkit.dom;
  const ZOOMS = [["fit", "Fit"], ["1", "1:1"], ["2", "2×"], ["4", "4×"]];
  const MODES = [["side", "Side by side"], ["slider", "Slider"], ["difference", "Difference"]];
  const kept = { mode: "side", divider: 50, gain: 2 }; // kept from one case to the next

  /** The stage of one case: `node` to show, and what the keys and the list of findings do to it. */
  function build(roles) {
    let zoom = "fit";
    const panes = roles.map(pane);
    const pairs = pairsOf(roles);
    let pair = pairs[0];
    let compared = null;

    const zooms = choice("Zoom", ZOOMS, setZoom);
    const modes = pairs.length ? choice("Show", MODES, setMode) : null;
    const which = pairs.length > 1 ? h("select", { "aria-label": "Pictures to compare", onchange: () => { pair = pairs[which.value]; setMode(kept.mode); } },
      pairs.map(([a, b], i) => h("option", { value: i }, `${roles[a].role} and ${roles[b].role}`))) : null;
    const boxes = h("input", { type: "checkbox", checked: true, onchange: () => node.classList.toggle("no-boxes", !boxes.checked) });
    const maps = titles(roles).map(heat);
    let shownMap = null; // its title
    const sideways = h("div", { class: `panes of-${panes.length}` }, panes.map((p) => p.node));
    const place = h("div", { class: "compared" });
    const node = h("div", { class: "stage" },
      h("div", { class: "tools" }, modes?.node, which, zooms.node,
        h("label", { class: "toggle" }, boxes, " Boxes"),
        maps.map((map) => h("label", { class: "toggle" }, map.box, " ", bdi(map.title))),
        legend(roles)),
      maps.map((map) => map.scale), sideways, place,
      h("p", { class: "keys" }, [["j", "next case"], ["k", "previous"], ["m", "show"], ["z", "zoom"], ["b", "boxes"], ...maps.filter((map) => map.key).map((map) => [map.key, map.title]), ["Esc", "list"]].map(([key, what]) =>
        [h("kbd", null, key), ` ${what} `]).flat()));

    const views = () => (compared ? [compared] : panes);

    /** The switch of the maps with one title, their scale, and the key that does the same. */
    function heat([title, key]) {
      return { title, key, box: h("input", { type: "checkbox", onchange: () => showMap(title) }), scale: evalkit.heat.legend(title, roles) };
    }

    /** Show the maps with this title, or hide them if they are shown; two maps at once would cover each other. */
    function showMap(title) {
      shownMap = shownMap === title ? null : title;
      for (const map of maps) {
        map.box.checked = map.title === shownMap;
        map.scale.hidden = !map.box.checked;
      }
      applyMap();
    }

    function applyMap() {
      for (const canvas of node.querySelectorAll("canvas.heat")) canvas.classList.toggle("is-shown", canvas.dataset.map === shownMap);
    }

    function setMode(value) {
      kept.mode = value;
      modes?.press(value);
      compared = value === "side" || !pairs.length ? null : evalkit.compare[value](roles, pair, kept);
      if (compared) compared.onsize = layout;
      place.replaceChildren(...(compared ? [compared.node] : []));
      sideways.hidden = compared !== null;
      if (which) which.hidden = compared === null;
      applyMap();
      layout();
    }

    function setZoom(value) {
      zoom = value;
      zooms.press(value);
      layout();
    }

    function layout() {
      const factor = zoom === "fit" ? fit() : Number(zoom) / (window.devicePixelRatio || 1);
      for (const view of views()) view.layout?.(factor, zoom !== "fit" || factor >= 1);
    }

    /** The largest scale at which every picture fits its pane; enlarged by whole factors only, so pixels stay square. */
    function fit() {
      const scales = views().filter((view) => view.size?.[0]).map((view) =>
        Math.min(view.frame.clientWidth / view.size[0], (window.innerHeight * 0.74) / view.size[1]));
      const factor = Math.min(...scales, 8);
      return factor > 1 ? Math.floor(factor) : factor;
    }

    function follow(leader) {
      const { scrollLeft, scrollTop } = leader.frame;
      for (const { frame } of panes) frame.scrollTo(scrollLeft, scrollTop);
    }

    for (const one of panes) {
      one.onsize = layout;
      one.frame.addEventListener("scroll", () => follow(one));
    }
    new ResizeObserver(() => requestAnimationFrame(layout)).observe(node); // a layout inside the observer would trigger it again
    setZoom("fit");
    setMode(kept.mode);

    return {
      node,
      cycleZoom: () => setZoom(after(ZOOMS, zoom)),
      cycleMode: () => setMode(pairs.length ? after(MODES, kept.mode) : "side"),
      toggleBoxes: () => boxes.click(),
      /** Show or hide the map that `key` belongs to, if there is one. */
      toggleMap: (key) => maps.find((map) => map.key === key)?.box.click(),
      mark(role, number, on) { for (const view of views()) view.mark?.(role, number, on); },
      reveal(role, number) {
        if (!views().some((view) => view.reveal?.(role, number))) {
          setMode("side"); // that picture is not one of the two compared
          panes[role].reveal?.(role, number);
        }
      },
    };
  }

  const after = (choices, value) => choices[(choices.findIndex(([one]) => one === value) + 1) % choices.length][0];

  /** A group of buttons, exactly one of which is pressed. */
  function choice(label, choices, onchoice) {
    const buttons = choices.map(([value, text]) => h("button", { type: "button", "aria-pressed": "false", "data-value": value, onclick: () => onchoice(value) }, text));
    return {
      node: h("div", { class: "choice", role: "group", "aria-label": label }, buttons),
      press(value) { for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === value)); },
    };
  }

  /** [title, key] of the maps of all roles, each title once. */
  const titles = (roles) => [...new Map(roles.flatMap((role) => role.maps.map((map) => [map.title, map.key])))];

  /** The numbers of any two roles that have a picture. */
  function pairsOf(roles) {
    const drawn = roles.map((_, i) => i).filter((i) => roles[i].picture);
    return drawn.flatMap((a, i) => drawn.slice(i + 1).map((b) => [a, b]));
  }

  /** One role's picture in a frame of its own, or why there is none. */
  function pane(role, number) {
    const head = h("figcaption", null,
      h("strong", { class: `key-${role.role}` }, roleName(role.role)), " ", bdi(role.generator), h("span", { class: "brief" }, role.brief));
    const label = `${role.role}: picture and boxes`;
    if (role.picture) {
      return evalkit.picture.view({ label, head, parts: [evalkit.picture.layer(role, { labels: true, image: true })], roles: [number] });
    }
    const frame = h("div", { class: "frame" }, h("p", { class: "no-picture" }, h("strong", null, "No picture. "), bdi(role.missing)));
    return { node: h("figure", { class: "pane" }, head, frame), frame };
  }

  function legend(roles) {
    const used = ["student-only", "worsened", "both", "teacher-only", "unknown"].filter((blame) =>
      roles.some((role) => role.findings.some((finding) => finding.blame === blame)));
    const words = { "student-only": "student only", worsened: "worsened: the teacher has it, clearly smaller", both: "both", "teacher-only": "teacher only", unknown: "twin not judged" };
    return h("ul", { class: "legend", "aria-label": "Whose defect" }, used.map((blame) => h("li", null,
      svg("svg", { class: `box blame-${blame}`, width: 26, height: 10, "aria-hidden": "true" }, svg("line", { class: "line", x1: 1, x2: 25, y1: 5, y2: 5 })),
      ` ${words[blame]}`)));
  }

  return { build };
})();
