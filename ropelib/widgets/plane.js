// The plane of the rotation visualiser: arrows before and after their turn, the arcs they turned by, and handles.

const EDGE = 190; // where the longest arrow ends, in units of the drawing
const SPAN = 1.6; // its length, unless Python gives a longer one
const SIDES = [
  { name: "q", word: "query", at: "m" },
  { name: "k", word: "key", at: "n" },
];

function arrow(style) {
  const shaft = element("line", { "stroke-width": style.width, "stroke-dasharray": style.dash, stroke: style.color });
  const head = element("polygon", { fill: style.color });
  const label = element("text", { "text-anchor": "middle", "dominant-baseline": "central", class: "rope-halo" });
  const place = (x, y) => {
    const [length, back] = [Math.hypot(x, y) || 1e-9, style.width * 4];
    const [ux, uy, tipX, tipY] = [x / length, -y / length, x, -y];
    const [baseX, baseY] = [tipX - back * ux, tipY - back * uy];
    setAttributes(shaft, { x1: 0, y1: 0, x2: baseX, y2: baseY });
    const side = back * 0.42;
    setAttributes(head, {
      points: `${tipX},${tipY} ${baseX - side * uy},${baseY + side * ux} ${baseX + side * uy},${baseY - side * ux}`,
    });
    setAttributes(label, { x: tipX + 24 * ux, y: tipY + 24 * uy });
  };
  return { nodes: [shaft, head, label], label, place };
}

// Points of an arc from one angle on; of many turns only the last whole one and the rest.
function arc(radius, from, angle) {
  const size = Math.abs(angle);
  const swept = Math.sign(angle) * (size > 2 * Math.PI ? 2 * Math.PI + (size % (2 * Math.PI)) : size);
  const steps = 2 + Math.ceil(Math.abs(swept) * 10);
  return Array.from({ length: steps }, (_, step) => {
    const at = from + (swept * step) / (steps - 1);
    return `${(radius * Math.cos(at)).toFixed(1)},${(-radius * Math.sin(at)).toFixed(1)}`;
  });
}

// onMove(name, tip, isTurned): the reader has put the tip of an arrow somewhere, in the plane's coordinates.
function plane(onMove) {
  const svg = element("svg", { viewBox: "-225 -225 450 450", class: "rope-plane" });
  const faint = { stroke: "var(--rope-reference)", fill: "none", "stroke-width": 1 };
  const circle = element("circle", { "stroke-dasharray": "2 5", ...faint });
  const wedge = element("polygon", { fill: "var(--rope-other)", "fill-opacity": 0.35 });
  const axes = [{ x1: -220, x2: 220 }, { y1: -220, y2: 220 }].map((ends) => element("line", { ...ends, ...faint }));
  svg.append(...axes, circle, wedge);
  const parts = SIDES.flatMap(({ name, word }, side) =>
    [false, true].map((isTurned) => {
      const color = `var(--rope-${word})`;
      const drawn = arrow(isTurned ? { width: 5, dash: "none", color } : { width: 2.5, dash: "7 6", color });
      const trail = element("path", { fill: "none", stroke: color, "stroke-width": 2 });
      const handle = element("circle", { r: 22, class: "rope-drag rope-handle", tabindex: 0, role: "slider" });
      setAttributes(handle, { "aria-valuemin": 0, "aria-valuemax": 10 });
      svg.append(trail, ...drawn.nodes);
      return { name, word, side, isTurned, drawn, trail, handle };
    }),
  );
  svg.append(...parts.map((part) => part.handle));
  let [span, unit] = [SPAN, 0];
  const moved = (part, tip) => onMove(part.name, tip, part.isTurned, span);
  parts.forEach((part) => moveByHand(svg, part, (tip) => moved(part, tip), () => unit));
  const place = (vectors, { turned, angles, between }) => {
    span = Math.max(span, Math.hypot(...vectors.q), Math.hypot(...vectors.k));
    unit = EDGE / span;
    setAttributes(circle, { r: unit });
    for (const part of parts) {
      const tip = part.isTurned ? turned[part.name] : vectors[part.name];
      part.drawn.place(unit * tip[0], unit * tip[1]);
      part.tip = tip;
      const text = `(${fixed(tip[0], 2)}, ${fixed(tip[1], 2)})`;
      const label = `${part.word} arrow${part.isTurned ? ", turned" : ""}; arrow keys move its tip`;
      const value = { "aria-valuetext": text, "aria-valuenow": Math.hypot(...tip).toFixed(2), "aria-label": label };
      setAttributes(part.handle, { cx: unit * tip[0], cy: -unit * tip[1], ...value });
      const apart = unit * Math.hypot(...tip.map((value, axis) => value - turned[part.name][axis]));
      setText(part.drawn.label, part.isTurned ? `R ${part.name}` : apart > 30 ? part.name : "");
      const start = Math.atan2(vectors[part.name][1], vectors[part.name][0]);
      const trail = part.isTurned ? `M${arc(72 + 14 * part.side, start, angles[part.name]).join("L")}` : "";
      setAttributes(part.trail, { d: trail });
    }
    wedge.setAttribute("points", `0,0 ${arc(50, Math.atan2(turned.q[1], turned.q[0]), between).join(" ")}`);
  };
  return { svg, place };
}

function moveByHand(svg, part, move, unit) {
  const { handle } = part;
  // Inside an SVG, touch-action alone does not keep Chromium from scrolling the page under the finger.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    move([x / unit(), -y / unit()]);
  });
  handle.addEventListener("keydown", (event) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.25 : 0.05;
    move([part.tip[0] + step * way[0], part.tip[1] + step * way[1]]);
  });
}
