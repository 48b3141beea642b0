// Stick figures. All share one clock and one direction of view; every clip starts over when it ends.
const MISSING = -32768, UNIT = 8000, PITCH = 0.16;
const FIGURE_COLORS = ["#6d66d6", "#c8702a", "#2f8f83", "#b0568c"]; // readable on light and dark, since a canvas cannot ask
const motion = { time: 0, yaw: 0.35, playing: false, visible: false, run: null, stage: null, last: null, frame: 0 };

function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}

function drawMotion(run, step) {
  const figures = run.samples.map((sample) => ({ sample, values: unpack(sample.data), canvas: figureCanvas(run, sample) }));
  const longest = Math.max(0.1, ...run.samples.map((sample) => sample.shape[1] / sample.fps));
  const [player, tell] = playerBar(longest);
  if (motion.run !== run) motion.time = longest / 3; // before anything moves, and on paper, a pose from within the motion says more than the first
  motion.run = run;
  motion.stage = { figures, longest, tell };
  motion.last = null;
  const missing = run.sampleCount - run.samples.length;
  const note = !run.samples.length ? "This run kept no clips to look at." : missing ? `${clips(missing)} of ${run.sampleCount} left out to keep this file small.` : null;
  requestAnimationFrame(paint);
  return html("div", {}, run.samples.length ? player : null, html("div", { class: "clips" }, ...figures.map(({ canvas, sample }) => card(run, step, sample, canvas))),
    note === null ? null : html("p", { class: "note" }, note));
}

function playerBar(longest) {
  const button = html("button", { type: "button", id: "play" });
  const scrub = html("input", { type: "range", min: 0, max: longest.toFixed(3), step: 0.01, value: 0, "aria-label": "Time in seconds" });
  const clock = html("output");
  button.addEventListener("click", () => play(!motion.playing));
  scrub.addEventListener("input", () => { motion.time = +scrub.value; play(false); });
  return [html("div", { class: "player" }, button, scrub, clock), () => {
    button.textContent = motion.playing ? "Pause" : "Play";
    scrub.value = motion.time;
    clock.textContent = motion.time.toFixed(1) + " s";
  }];
}

function figureCanvas(run, sample) {
  const canvas = html("canvas", { tabindex: 0, role: "img", "aria-label": `Moving stick figure: ${run.classes[sample.label]}. The left and right arrow keys turn it.` });
  const turn = (angle) => { motion.yaw += angle; if (!motion.playing) paint(); };
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => { if (canvas.hasPointerCapture(event.pointerId)) turn(event.movementX / 90); });
  canvas.addEventListener("keydown", (event) => {
    const angle = { ArrowLeft: -0.15, ArrowRight: 0.15 }[event.key];
    if (angle === undefined) return;
    event.preventDefault();
    turn(angle);
  });
  return canvas;
}

function card(run, step, sample, canvas) {
  const verdict = (predicted) => html("dd", { class: predicted === sample.label ? "good" : "bad" }, run.classes[predicted]);
  const verdicts = compared(run, step).flatMap((label) => [html("dt", {}, stepName(label)), verdict(sample.predicted[label])]);
  return html("figure", { class: "clip" }, canvas, html("figcaption", {}, html("strong", {}, run.classes[sample.label]), html("span", { class: "id" }, sample.id),
    html("dl", {}, ...verdicts)));
}

function play(wanted) {
  motion.playing = wanted;
  motion.last = null;
  cancelAnimationFrame(motion.frame);
  if (wanted) motion.frame = requestAnimationFrame(tick);
  paint();
}

function tick(now) {
  const { longest } = motion.stage;
  if (motion.last !== null) motion.time = (motion.time + (now - motion.last) / 1000) % longest;
  motion.last = now;
  if (motion.visible) paint();
  motion.frame = requestAnimationFrame(tick);
}

function paint() {
  motion.stage.tell();
  motion.stage.figures.forEach(paintFigure);
}

// Figures move while they are in view, unless the reader asked the system for calm or paused them.
function enableMotion(section) {
  let begun = matchMedia("(prefers-reduced-motion: reduce)").matches;
  new IntersectionObserver(([entry]) => {
    motion.visible = entry.isIntersecting;
    if (motion.visible && !begun) play((begun = true));
  }).observe(section);
}

// Screen positions (x, y, depth) of the joints of one body between two frames; null where a joint is missing in either.
function projected({ sample, values }, body, size, floor) {
  const [, frames, joints] = sample.shape, exact = (motion.time * sample.fps) % frames;
  const before = Math.min(Math.floor(exact), frames - 1), after = Math.min(before + 1, frames - 1), share = exact - before;
  const [sin, cos] = [Math.sin(motion.yaw), Math.cos(motion.yaw)];
  return Array.from({ length: joints }, (_, joint) => {
    const a = ((body * frames + before) * joints + joint) * 3, b = ((body * frames + after) * joints + joint) * 3;
    if (values[a] === MISSING || values[b] === MISSING) return null;
    const [x, y, z] = [0, 1, 2].map((axis) => (values[a + axis] * (1 - share) + values[b + axis] * share) / UNIT);
    const depth = z * cos - x * sin;
    return [size * (0.5 + 0.8 * (x * cos + z * sin)), size * (0.86 + 0.8 * (depth * PITCH - (floor ? 0 : y))), depth];
  });
}

function paintFigure(figure) {
  const { canvas, sample } = figure, size = canvas.clientWidth, density = devicePixelRatio || 1;
  if (!size) return;
  if (canvas.width !== Math.round(size * density)) canvas.width = canvas.height = Math.round(size * density);
  const pen = canvas.getContext("2d");
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, size, size);
  pen.lineCap = "round";
  for (let body = 0; body < sample.shape[0]; body++) {
    strokeBones(pen, sample.bones, projected(figure, body, size, true), () => ["#8a8f99", 0.16, size / 45]);
    const color = FIGURE_COLORS[body % FIGURE_COLORS.length], points = projected(figure, body, size, false);
    strokeBones(pen, sample.bones, points, (depth) => [color, Math.max(0.45, Math.min(1, 0.85 - depth)), size / 60]);
    pen.globalAlpha = 1;
    pen.fillStyle = color;
    for (const point of points) if (point) { pen.beginPath(); pen.arc(point[0], point[1], size / 85, 0, 7); pen.fill(); }
  }
}

function strokeBones(pen, bones, points, style) {
  const whole = bones.filter(([from, to]) => points[from] && points[to]).map(([from, to]) => [points[from], points[to]]);
  for (const [from, to] of whole.sort((a, b) => b[0][2] + b[1][2] - a[0][2] - a[1][2])) {
    [pen.strokeStyle, pen.globalAlpha, pen.lineWidth] = style((from[2] + to[2]) / 2);
    pen.beginPath();
    pen.moveTo(from[0], from[1]);
    pen.lineTo(to[0], to[1]);
    pen.stroke();
  }
}
