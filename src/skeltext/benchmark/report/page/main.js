// The chosen run is drawn anew when it changes and when the page changes its width.
const { runs } = JSON.parse(document.getElementById("data").textContent);
const chooser = document.getElementById("run");
const SECTIONS = { curves: drawCurves, confusion: drawConfusion, map: drawMap, worst: drawWorst, motion: drawMotion };

function drawWorst(run) {
  if (!run.worst.length) return html("p", {}, "After alignment every clip was recognised.");
  return html("div", {}, ...run.worst.map(({ truth, predicted, count, before, clips: total }) => {
    const side = (words, index) => html("p", {}, html("b", {}, `${words}: ${run.classes[index]}`), run.descriptions[index]);
    return html("article", { class: "pair" },
      html("h3", {}, html("b", {}, run.classes[truth]), " taken for ", html("b", {}, run.classes[predicted]), ` in ${count} of ${clips(total)} (before alignment: ${before})`),
      html("div", { class: "meter", "aria-hidden": "true" }, html("i", { style: `width:${((100 * count) / total).toFixed(1)}%` })),
      html("div", { class: "sides" }, side("shown", truth), side("answered", predicted)));
  }));
}

function show(names = Object.keys(SECTIONS)) {
  const run = runs[chooser.value];
  document.getElementById("summary").textContent = run.summary;
  for (const name of names) {
    const place = document.getElementById(name);
    place.replaceChildren(SECTIONS[name](run, Math.max(280, Math.round(place.clientWidth))));
  }
}

document.getElementById("figures").hidden = false;
enableTips();
chooser.addEventListener("change", () => show());
show();
enableMotion(document.getElementById("motion"));

let width = innerWidth, waiting = 0;
addEventListener("resize", () => {
  if (innerWidth === width) return; // a phone hides its address bar: nothing to draw anew
  width = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(() => { show(["curves", "map"]); paint(); }, 120);
});
