// Elements are made here and nowhere else: text always goes in as text, so no name can become markup.
function make(namespace, tag, attributes, children) {
  const node = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}
const html = (tag, attributes = {}, ...children) => make("http://www.w3.org/1999/xhtml", tag, attributes, children);
const svg = (tag, attributes = {}, ...children) => make("http://www.w3.org/2000/svg", tag, attributes, children);

const percent = (value) => (value === null ? "–" : (100 * value).toFixed(1) + " %");
const clips = (count) => (count === 1 ? "1 clip" : count + " clips");
const stepName = (step) => html("span", { class: "step", style: stepHues[step] }, step);
const compared = (run, step) => [...new Set([run.steps[0], step])]; // the chosen step beside the first
const shorten = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

// Whatever has data-tip shows it when pointed at or focused; Escape hides it.
function enableTips() {
  const tip = document.getElementById("tip");
  const show = (event) => {
    const target = event.target.closest("[data-tip]");
    tip.hidden = !target;
    if (!target) return;
    tip.textContent = target.dataset.tip;
    const box = target.getBoundingClientRect();
    const right = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const above = box.top > tip.offsetHeight + 12;
    tip.style.left = scrollX + Math.max(8, Math.min(box.left + box.width / 2 - tip.offsetWidth / 2, right)) + "px";
    tip.style.top = scrollY + (above ? box.top - tip.offsetHeight - 8 : box.bottom + 8) + "px";
  };
  document.addEventListener("pointerover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
}

// The marks of the page, around the origin; eight hues times three marks tell 24 classes apart without good colour sight.
const SHAPES = {
  circle: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0Z",
  triangle: "M0-1.25L1.15 .8L-1.15 .8Z",
  square: "M-.9-.9H.9V.9H-.9Z",
  diamond: "M0-1.35L1.1 0L0 1.35L-1.1 0Z",
  star: "M0-1.6L.47-.65L1.52-.49L.76.25L.94 1.29L0 .8L-.94 1.29L-.76.25L-1.52-.49L-.47-.65Z",
};
const HUES = 8;
const CLASS_SHAPES = ["circle", "triangle", "square"];
const hue = (index) => `--hue:var(--c${index % HUES})`;
const classShape = (index) => CLASS_SHAPES[Math.floor(index / HUES) % CLASS_SHAPES.length];
const mark = (shape, x, y, size, attributes) =>
  svg("path", { d: SHAPES[shape], transform: `translate(${x} ${y}) scale(${size})`, "vector-effect": "non-scaling-stroke", ...attributes });
const swatch = (shape, attributes) =>
  svg("svg", { class: "swatch", viewBox: "-10 -10 20 20", "aria-hidden": "true" }, mark(shape, 0, 0, 6, attributes));
