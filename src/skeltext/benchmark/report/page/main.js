// The chosen run and step are drawn anew when they change and when the page changes its width.
const { hues: stepHues, runs } = JSON.parse(document.getElementById("data").textContent);
const runChoice = document.getElementById("run"), stepChoice = document.getElementById("step");
const SECTIONS = { curves: drawCurves, confusion: drawConfusion, map: drawMap, worst: drawWorst, motion: drawMotion };
const BY_STEP = ["confusion", "map", "worst", "motion"];

function drawWorst(run, step) {
  const worst = run.worst[step], first = run.steps[0];
  if (!worst.length) return html("p", {}, `Every clip was recognised by ${step}.`);
  return html("div", {}, ...worst.map(({ truth, predicted, count, before, clips: total }) => {
    const side = (words, index) => html("p", {}, html("b", {}, `${words}: ${run.classes[index]}`), run.descriptions[index]);
    return html("article", { class: "pair" },
      html("h3", {}, html("b", {}, run.classes[truth]), " taken for ", html("b", {}, run.classes[predicted]), ` in ${count} of ${clips(total)}${step === first ? "" : ` (by ${first}: ${before})`}`),
      html("div", { class: "meter", "aria-hidden": "true" }, html("i", { style: `width:${((100 * count) / total).toFixed(1)}%` })),
      html("div", { class: "sides" }, side("shown", truth), side("answered", predicted)));
  }));
}

// The steps that apply to the run; the one that was chosen stays if it is among them, otherwise the last is taken.
function offerSteps(run) {
  const wanted = run.steps.includes(stepChoice.value) ? stepChoice.value : run.steps.at(-1);
  stepChoice.replaceChildren(...run.steps.map((step) => html("option", { value: step }, step)));
  stepChoice.value = wanted;
}

function show(names = Object.keys(SECTIONS)) {
  const run = runs[runChoice.value];
  document.getElementById("summary").textContent = run.summary;
  for (const name of names) {
    const place = document.getElementById(name);
    place.replaceChildren(SECTIONS[name](run, stepChoice.value, Math.max(280, Math.round(place.clientWidth))));
  }
}

document.getElementById("figures").hidden = false;
enableTips();
const showRun = () => { offerSteps(runs[runChoice.value]); show(); };
runChoice.addEventListener("change", showRun);
stepChoice.addEventListener("change", () => show(BY_STEP));
showRun();
enableMotion(document.getElementById("motion"));

let width = innerWidth, waiting = 0;
addEventListener("resize", () => {
  if (innerWidth === width) return; // a phone hides its address bar: nothing to draw anew
  width = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(() => { show(["curves", "map"]); paint(); }, 120);
});
