// Training curves: accuracy above, loss below, one cursor through both whose values stand in the legend.
const DASHES = ["none", "8 4", "2 4", "11 4 2 4", "5 3", "11 4 2 4 2 4"]; // a step is known by its dashes without its color, too
const KINDS = [["unseen", "unseen"], ["pseudoUnseen", "pseudo-unseen"]];
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

// The look of a line: color and dashes are those of the step; after as many steps as there are both begin to mix anew.
function look(step) {
  const number = Object.keys(stepHues).indexOf(step), turn = Math.floor(number / DASHES.length);
  return { style: stepHues[step], "stroke-dasharray": DASHES[(number + turn) % DASHES.length] };
}

function drawMarks(chart, run, x, y) {
  for (const step of run.steps)
    for (const [rule, shape, name] of RULES) {
      const epoch = run.chosen[step][rule], value = run.curves.unseen[step][run.curves.epochs.indexOf(epoch)] ?? null;
      if (value === null) continue;
      const below = rule === "pseudo-unseen" ? 11 : 0;
      const tip = `${step}, ${name}\nepoch ${epoch}: ${percent(value)}`;
      chart.append(mark(shape, x(epoch), y(value) + below, rule === "oracle" ? 8 : 5, { class: `mark ${rule}`, style: stepHues[step], "data-tip": tip }));
    }
}

function drawCurves(run, _step, width) {
  const { epochs, loss } = run.curves, last = epochs.length - 1;
  if (last < 0) return html("p", {}, "No epoch was recorded for this run.");
  const lines = KINDS.flatMap(([kind]) => run.steps.map((step) => ({ kind, step, values: run.curves[kind][step] ?? [] })))
    .filter(({ values }) => values.some((value) => value !== null));
  const first = epochs[0], span = Math.max(epochs[last] - first, 1);
  const x = (epoch) => LEFT + ((epoch - first) / span) * (width - LEFT - RIGHT);
  const shares = niceTicks(Math.max(run.chance, ...lines.flatMap(({ values }) => values)) || 1, 5);
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
  for (const { kind, step, values } of [...lines].reverse()) chart.append(svg("path", { ...look(step), class: `curve ${kind}`, d: line(epochs, values, x, y) }));
  chart.append(svg("path", { class: "curve loss", d: line(epochs, loss, x, yLoss) }));
  const cursor = svg("line", { class: "cursor", y1: 8, y2: low + LOW });
  chart.append(cursor);
  drawMarks(chart, run, x, y);

  const [readout, tell] = legend(run, lines);
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
    const shift = { ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last }[event.key];
    if (shift === undefined) return;
    event.preventDefault();
    move(at + shift);
  });
  move(last);
  return html("figure", {}, readout, chart, ruleLegend(run));
}

// The legend, a table with a row per step, and a function that writes the values of epoch number i into it.
function legend(run, lines) {
  const key = (attributes) => svg("svg", { class: "swatch key-line", viewBox: "0 0 44 18", "aria-hidden": "true" }, svg("line", { x1: 1, x2: 43, y1: 9, y2: 9, ...attributes }));
  const kinds = KINDS.filter(([kind]) => lines.some((line) => line.kind === kind));
  const epoch = html("b"), loss = html("b"), values = lines.map(() => html("b"));
  const cell = (step, kind) => {
    const i = lines.findIndex((line) => line.step === step && line.kind === kind);
    return html("td", {}, ...(i < 0 ? ["–"] : [key({ ...look(step), class: `key ${kind}` }), values[i]]));
  };
  const row = (name, ...cells) => html("tr", {}, html("th", { scope: "row" }, name), ...cells);
  const wide = (...children) => html("td", { colspan: Math.max(kinds.length, 1) }, ...children);
  const readout = html("table", { class: "readout", "aria-live": "polite" },
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "epoch ", epoch), ...kinds.map(([, name]) => html("th", { scope: "col" }, name)))),
    html("tbody", {}, ...run.steps.map((step) => row(step, ...kinds.map(([kind]) => cell(step, kind)))),
      row("guessing", wide(key({ class: "guess" }), html("b", {}, percent(run.chance)))),
      row("training loss", wide(key({ class: "key loss" }), loss))));
  return [readout, (at) => {
    epoch.textContent = run.curves.epochs[at];
    loss.textContent = run.curves.loss[at] === null ? "–" : run.curves.loss[at].toPrecision(3);
    lines.forEach((line, i) => { values[i].textContent = percent(line.values[at]); });
  }];
}

function ruleLegend(run) {
  const taken = RULES.filter(([rule]) => run.steps.some((step) => run.chosen[step][rule] !== null));
  const items = taken.map(([rule, shape, name]) => html("span", {}, swatch(shape, { class: "mark key-mark " + rule }), name));
  return html("div", { class: "legend" }, html("span", {}, "Epoch taken by the rule:"), ...items);
}
