// The feature map. What the marks are coloured by, and which class is lit, outlive a change of run or of width.
const COLOURS = [["labels", "by true action"], ["plain", "right or wrong, before"], ["aligned", "right or wrong, after"]];
const mapState = { colour: "labels", lit: null };

function drawMap(run, width) {
  if (mapState.lit >= run.classes.length) mapState.lit = null;
  const figure = html("figure", {});
  const redraw = () => {
    figure.querySelector(".map-frame").replaceChildren(drawPoints(run, width - 2));
    figure.querySelector(".map-keys").replaceChildren(...mapKeys(run, light));
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
  figure.append(colourChoice(redraw), html("div", { class: "map-frame" }), html("div", { class: "map-keys" }),
    html("p", { class: "note" }, `A flat view (two principal components) that shows ${percent(map.share)} of how the clips and descriptions differ.${drawn}`));
  redraw();
  return figure;
}

function colourChoice(redraw) {
  const choices = COLOURS.map(([key, name]) => {
    const input = html("input", { type: "radio", name: "colour", value: key });
    input.checked = key === mapState.colour;
    input.addEventListener("change", () => { mapState.colour = key; redraw(); });
    return html("label", {}, input, name);
  });
  return html("fieldset", { class: "choices" }, html("legend", {}, "Colour of the clips"), ...choices);
}

function drawPoints(run, width) {
  const { map } = run, edge = 26;
  const scale = Math.min((width - 2 * edge) / 1000, map.height ? 620 / map.height : 1);
  const left = (width - 1000 * scale) / 2, height = map.height * scale + 2 * edge;
  const place = ([x, y]) => [+(left + x * scale).toFixed(1), +(edge + y * scale).toFixed(1)];
  const crowded = run.classes.length * 60 > width ? " crowded" : ""; // then only the chosen action is named
  const chart = svg("svg", { class: "map" + crowded, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Map of the test clips, the descriptions and the prototypes" });
  const size = width < 600 || map.clips.length > 800 ? 3.4 : 4.4;
  map.points.forEach((point, i) => chart.append(clipMark(run, i, place(point), size)));
  map.texts.forEach((text, k) => chart.append(anchorMarks(run, k, place(text), place(map.prototypes[k]))));
  chart.append(...anchorNames(run, map.texts.map(place), width, height));
  return chart;
}

function clipMark(run, i, [x, y], size) {
  const { map, classes } = run, truth = map.labels[i];
  const tip = `clip ${map.clips[i] + 1}${map.sources.length ? ", " + map.sources[i] : ""}\nshown: ${classes[truth]}\nbefore: ${classes[map.plain[i]]}\nafter: ${classes[map.aligned[i]]}`;
  const verdict = mapState.colour === "labels" ? "" : map[mapState.colour][i] === truth ? " right" : " wrong";
  return mark(classShape(truth), x, y, size, { class: "point of-class" + verdict, style: verdict ? null : hue(truth), "data-class": truth, "data-tip": tip });
}

// Star, arrow and diamond of one class; the arrow stops short of the diamond.
function anchorMarks(run, k, [x, y], [toX, toY]) {
  const length = Math.hypot(toX - x, toY - y), group = svg("g", { class: "of-class", "data-class": k, style: hue(k) });
  if (length > 22) {
    const [ux, uy] = [(toX - x) / length, (toY - y) / length], [endX, endY] = [toX - 12 * ux, toY - 12 * uy];
    const barb = (side) => `M${endX} ${endY}L${endX - 7 * ux - side * 4 * uy} ${endY - 7 * uy + side * 4 * ux}`;
    group.append(svg("path", { class: "arrow", d: `M${x + 9 * ux} ${y + 9 * uy}L${endX} ${endY}${barb(1)}${barb(-1)}` }));
  }
  group.append(mark("star", x, y, 7, { class: "anchor", "data-tip": `description of\n${run.classes[k]}` }));
  group.append(mark("diamond", toX, toY, 6, { class: "anchor", "data-tip": `prototype after alignment of\n${run.classes[k]}` }));
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

function mapKeys(run, light) {
  const verdicts = mapState.colour === "labels" ? [] : ["right", "wrong"].map((verdict) => html("span", {}, swatch("circle", { class: "point " + verdict }), verdict));
  const keys = [["star", "description"], ["diamond", "after alignment"]].map(([shape, name]) =>
    html("span", {}, swatch(shape, { class: "anchor", style: "--hue:var(--card)" }), name));
  const buttons = run.classes.map((name, k) => {
    const button = html("button", { type: "button", "aria-pressed": "false" }, swatch(classShape(k), { class: "point", style: hue(k) }), name);
    button.addEventListener("click", () => light(mapState.lit === k ? null : k));
    return button;
  });
  return [html("div", { class: "legend" }, ...keys, ...verdicts),
    html("div", { class: "legend", role: "group", "aria-label": "Show one action alone" }, html("span", {}, "Show one alone:"), ...buttons)];
}
