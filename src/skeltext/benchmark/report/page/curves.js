// Training curves: accuracy above, loss below, one cursor through both whose values stand in the legend.
const SERIES = [
  ["aligned", "aligned", "unseen, aligned"],
  ["plain", "plain", "unseen, plain"],
  ["pseudo_aligned", "aligned pseudo", "pseudo-unseen, aligned"],
  ["pseudo_plain", "plain pseudo", "pseudo-unseen, plain"],
];
const RULES = [["last", "circle", "last epoch"], ["pseudo-unseen", "triangle", "pseudo-unseen"], ["oracle", "square", "oracle"]];
const LEFT = 46, RIGHT = 14, TALL = 270, LOW = 110, GAP = 34;

function niceTicks(top, count) {
  const rough = top / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, i) => i * step);
}

function axis(chart, ticks, width, y, label) {
  for (const tick of ticks) {
    chart.append(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }));
    chart.append(svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, label(tick)));
  }
}

// A line is broken where a value is missing; a value between two gaps becomes a short dash so that it is not lost.
function line(epochs, values, x, y) {
  let path = "", drawing = false;
  values.forEach((value, i) => {
    if (value !== null) path += `${drawing ? "L" : "M"}${x(epochs[i]).toFixed(1)} ${y(value).toFixed(1)}${drawing ? "" : "h.01"}`;
    drawing = value !== null;
  });
  return path;
}

function drawMarks(chart, run, x, y) {
  for (const kind of ["plain", "aligned"])
    for (const [rule, shape, name] of RULES) {
      const epoch = run.chosen[kind][rule], value = run.curves[kind][run.curves.epochs.indexOf(epoch)] ?? null;
      if (value === null) continue;
      const below = rule === "pseudo-unseen" ? 11 : 0;
      const tip = `${kind}, ${name}\nepoch ${epoch}: ${percent(value)}`;
      chart.append(mark(shape, x(epoch), y(value) + below, rule === "oracle" ? 8 : 5, { class: `mark ${kind} ${rule}`, "data-tip": tip }));
    }
}

function drawCurves(run, width) {
  const { epochs, loss } = run.curves, last = epochs.length - 1;
  if (last < 0) return html("p", {}, "No epoch was recorded for this run.");
  const told = SERIES.filter(([key]) => run.curves[key].some((value) => value !== null));
  const first = epochs[0], span = Math.max(epochs[last] - first, 1);
  const x = (epoch) => LEFT + ((epoch - first) / span) * (width - LEFT - RIGHT);
  const shares = niceTicks(Math.max(run.chance, ...told.flatMap(([key]) => run.curves[key])) || 1, 5);
  const losses = niceTicks(Math.max(...loss) || 1, 3);
  const low = TALL + GAP;
  const y = (value) => 14 + (TALL - 14) * (1 - value / shares[shares.length - 1]);
  const yLoss = (value) => low + LOW * (1 - Math.max(value, 0) / losses[losses.length - 1]);
  const chart = svg("svg", { width, height: low + LOW + 40, viewBox: `0 0 ${width} ${low + LOW + 40}`, tabindex: 0, role: "img",
    "aria-label": "Accuracy and loss per epoch; the arrow keys move through the epochs" });

  axis(chart, shares, width, y, (tick) => +(100 * tick).toFixed(1) + " %");
  axis(chart, losses, width, yLoss, (tick) => String(+tick.toPrecision(3)));
  for (const tick of niceTicks(epochs[last], width > 600 ? 10 : 5).filter((tick) => tick >= first && tick <= epochs[last] && tick % 1 === 0))
    chart.append(svg("text", { x: x(tick), y: low + LOW + 18, "text-anchor": "middle" }, String(tick)));
  chart.append(svg("text", { x: LEFT, y: low - 9 }, "training loss"), svg("text", { x: width - RIGHT, y: low + LOW + 35, "text-anchor": "end" }, "epoch"));
  chart.append(svg("line", { class: "guess", x1: LEFT, x2: width - RIGHT, y1: y(run.chance), y2: y(run.chance) }));
  for (const [key, look] of [...told].reverse()) chart.append(svg("path", { class: "curve " + look, d: line(epochs, run.curves[key], x, y) }));
  chart.append(svg("path", { class: "curve loss", d: line(epochs, loss, x, yLoss) }));
  const cursor = svg("line", { class: "cursor", y1: 8, y2: low + LOW });
  chart.append(cursor);
  drawMarks(chart, run, x, y);

  const [readout, tell] = legend(run, told);
  let at = last;
  const move = (i) => {
    at = Math.max(0, Math.min(last, i));
    cursor.setAttribute("x1", x(epochs[at]));
    cursor.setAttribute("x2", x(epochs[at]));
    tell(at);
  };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect(), asked = ((event.clientX - box.left) * width) / box.width;
    move(epochs.reduce((best, epoch, i) => (Math.abs(x(epoch) - asked) < Math.abs(x(epochs[best]) - asked) ? i : best), 0));
  });
  chart.addEventListener("pointerleave", () => move(last));
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move(at + step);
  });
  move(last);
  return html("figure", {}, readout, chart, ruleLegend(run));
}

// The legend, and a function that writes the values of epoch number i into it.
function legend(run, told) {
  const key = (look) => svg("svg", { class: "swatch key-line", viewBox: "0 0 26 18", "aria-hidden": "true" }, svg("line", { class: look, x1: 1, x2: 25, y1: 9, y2: 9 }));
  const epoch = html("b"), loss = html("b"), values = told.map(() => html("b"));
  const items = told.map(([, look, name], i) => html("span", {}, key("key " + look), name, values[i]));
  const readout = html("div", { class: "readout", "aria-live": "polite" }, html("span", {}, "epoch", epoch), ...items,
    html("span", {}, key("guess"), "guessing", html("b", {}, percent(run.chance))), html("span", {}, "loss", loss));
  return [readout, (at) => {
    epoch.textContent = run.curves.epochs[at];
    loss.textContent = run.curves.loss[at] === null ? "–" : run.curves.loss[at].toPrecision(3);
    told.forEach(([name], i) => { values[i].textContent = percent(run.curves[name][at]); });
  }];
}

function ruleLegend(run) {
  const taken = RULES.filter(([rule]) => run.chosen.plain[rule] !== null || run.chosen.aligned[rule] !== null);
  const items = taken.map(([rule, shape, name]) => html("span", {}, swatch(shape, { class: "mark key-mark " + rule }), name));
  return html("div", { class: "legend" }, html("span", {}, "Epoch taken by the rule:"), ...items);
}
