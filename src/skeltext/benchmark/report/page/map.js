// The feature map. What the marks are colored by, and which class is lit, outlive a change of run or of width.
const COLORS = [["truth", "by true action"], ["verdict", "right or wrong"]];
const mapState = { color: "truth", lit: null };

function drawMap(run, step, width) {
  if (mapState.lit >= run.classes.length) mapState.lit = null;
  const figure = html("figure", {});
  const redraw = () => {
    figure.querySelector(".map-frame").replaceChildren(drawPoints(run, step, width - 2));
    figure.querySelector(".map-keys").replaceChildren(...mapKeys(run, step, light));
    light(mapState.lit);
  };
  const light = (index) => {
    mapState.lit = index;
    figure.querySelector(".map").classList.toggle("picked", index !== null);
    figure.querySelectorAll(".of-class").forEach((node) => node.classList.toggle("lit", node.dataset.class === String(index)));
    figure.querySelectorAll(".legend button").forEach((button, i) => button.setAttribute("aria-pressed", i === index));
  };
  const { map } = run;
  const drawn = map.clips.length < map.total ? ` Of ${map.total} clips every ${(map.total / map.clips.length).toFixed(1)}th is drawn.` : "";
  figure.append(colorChoice(redraw), html("div", { class: "map-frame" }), html("div", { class: "map-keys" }),
    html("p", { class: "note" }, `A flat view (two principal components) that shows ${percent(map.share)} of how the clips and descriptions differ.${drawn}`));
  redraw();
  return figure;
}

function colorChoice(redraw) {
  const choices = COLORS.map(([key, name]) => {
    const input = html("input", { type: "radio", name: "color", value: key });
    input.checked = key === mapState.color;
    input.addEventListener("change", () => { mapState.color = key; redraw(); });
    return html("label", {}, input, name);
  });
  return html("fieldset", { class: "choices" }, html("legend", {}, "Color of the clips"), ...choices);
}

function drawPoints(run, step, width) {
  const { map } = run, edge = 26, moved = map.anchors[step];
  const scale = Math.min((width - 2 * edge) / 1000, map.height ? 620 / map.height : 1);
  const left = (width - 1000 * scale) / 2, height = map.height * scale + 2 * edge;
  const place = ([x, y]) => [+(left + x * scale).toFixed(1), +(edge + y * scale).toFixed(1)];
  const crowded = run.classes.length * 60 > width ? " crowded" : ""; // then only the chosen action is named
  const chart = svg("svg", { class: "map" + crowded, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Map of the test clips and the descriptions; step: ${step}` });
  const size = width < 600 || map.clips.length > 800 ? 3.4 : 4.4;
  map.points.forEach((point, i) => chart.append(clipMark(run, step, i, place(point), size)));
  map.texts.forEach((text, k) => chart.append(anchorMarks(run, step, k, place(text), moved ? place(moved[k]) : null)));
  chart.append(...anchorNames(run, map.texts.map(place), width, height));
  return chart;
}

function clipMark(run, step, i, [x, y], size) {
  const { map, classes } = run, truth = map.labels[i];
  const tip = `clip ${map.clips[i] + 1}${map.sources.length ? ", " + map.sources[i] : ""}\nshown: ${classes[truth]}${compared(run, step).map((label) => `\n${label}: ${classes[map.predicted[label][i]]}`).join("")}`;
  const verdict = mapState.color === "truth" ? "" : map.predicted[step][i] === truth ? " right" : " wrong";
  return mark(classShape(truth), x, y, size, { class: "point of-class" + verdict, style: verdict ? null : hue(truth), "data-class": truth, "data-tip": tip });
}

// Star of one class, and arrow and diamond where the step moved it; the arrow stops short of the diamond.
function anchorMarks(run, step, k, [x, y], moved) {
  const group = svg("g", { class: "of-class", "data-class": k, style: hue(k) });
  const star = mark("star", x, y, 7, { class: "anchor", "data-tip": `description of\n${run.classes[k]}` });
  if (moved === null) {
    group.append(star);
    return group;
  }
  const [toX, toY] = moved, length = Math.hypot(toX - x, toY - y);
  if (length > 22) {
    const [ux, uy] = [(toX - x) / length, (toY - y) / length], [endX, endY] = [toX - 12 * ux, toY - 12 * uy];
    const barb = (side) => `M${endX} ${endY}L${endX - 7 * ux - side * 4 * uy} ${endY - 7 * uy + side * 4 * ux}`;
    group.append(svg("path", { class: "arrow", d: `M${x + 9 * ux} ${y + 9 * uy}L${endX} ${endY}${barb(1)}${barb(-1)}` }));
  }
  group.append(star, mark("diamond", toX, toY, 6, { class: "anchor", "data-tip": `moved by ${step}, description of\n${run.classes[k]}` }));
  return group;
}

// Names beside the stars, pushed apart downwards where they would cover each other.
function anchorNames(run, stars, width, height) {
  const boxes = stars.map(([x, y], k) => {
    const text = shorten(run.classes[k], 26), length = text.length * 7, flip = x + 14 + length > width;
    return { k, text, x, y, flip, left: flip ? x - 14 - length : x + 14, length, at: y + 4 };
  }).sort((a, b) => a.y - b.y);
  boxes.forEach((box, i) => {
    for (const other of boxes.slice(0, i).sort((a, b) => a.at - b.at))
      if (Math.abs(box.at - other.at) < 15 && box.left < other.left + other.length && other.left < box.left + box.length) box.at = other.at + 15;
  });
  const over = Math.max(0, ...boxes.map((box) => box.at - height + 6));
  return boxes.map(({ k, text, x, y, flip, at }) => svg("g", { class: "of-class", "data-class": k },
    Math.abs(at - over - y) > 12 ? svg("line", { class: "leader", x1: x, y1: y, x2: flip ? x - 12 : x + 12, y2: at - over - 4 }) : null,
    svg("text", { class: "name", x: flip ? x - 14 : x + 14, y: at - over, "text-anchor": flip ? "end" : "start" }, text)));
}

function mapKeys(run, step, light) {
  const verdicts = mapState.color === "truth" ? [] : ["right", "wrong"].map((verdict) => html("span", {}, swatch("circle", { class: "point " + verdict }), verdict));
  const anchors = [run.map.texts.length ? ["star", "description"] : null, run.map.anchors[step] ? ["diamond", `moved by ${step}`] : null];
  const keys = anchors.filter((key) => key !== null).map(([shape, name]) =>
    html("span", {}, swatch(shape, { class: "anchor", style: "--hue:var(--card)" }), name));
  const buttons = run.classes.map((name, k) => {
    const button = html("button", { type: "button", "aria-pressed": "false" }, swatch(classShape(k), { class: "point", style: hue(k) }), name);
    button.addEventListener("click", () => light(mapState.lit === k ? null : k));
    return button;
  });
  return [html("div", { class: "legend" }, ...keys, ...verdicts),
    html("div", { class: "legend", role: "group", "aria-label": "Show one action alone" }, html("span", {}, "Show one alone:"), ...buttons)];
}
