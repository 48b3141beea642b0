// Heat maps with counts, of the first step and of the chosen one, as tables: they can be read aloud, copied and printed.
function drawConfusion(run, step) {
  const wide = run.classes.length > 9 ? " wide" : "";
  return html("div", { class: "matrices" + wide }, ...compared(run, step).map((label) => matrix(run, label)));
}

function matrix(run, step) {
  const head = run.classes.map((name) => html("th", { scope: "col", "data-tip": name }, html("span", {}, name)));
  const rows = run.confusion[step].map((counts, truth) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const cells = counts.map((count, predicted) => square(run, truth, predicted, count, total));
    return html("tr", {}, html("th", { scope: "row", "data-tip": run.classes[truth] }, run.classes[truth]), ...cells);
  });
  const right = run.confusion[step].reduce((sum, counts, truth) => sum + counts[truth], 0);
  const table = html("table", { class: "matrix", "aria-label": step }, html("thead", {}, html("tr", {}, html("td"), ...head)), html("tbody", {}, ...rows));
  const all = run.confusion[step].flat().reduce((sum, count) => sum + count, 0);
  return html("figure", {}, html("h3", {}, stepName(step), `: ${right} of ${clips(all)} right`), html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": step }, table));
}

function square(run, truth, predicted, count, total) {
  const part = total ? count / total : 0, right = truth === predicted;
  const tip = `${run.classes[truth]}\n${right ? "recognised" : "taken for " + run.classes[predicted]}: ${count} of ${clips(total)} (${percent(part)})`;
  const look = `square${right ? " diagonal" : ""}${part > 0.55 ? " strong" : ""}${count ? "" : " zero"}`;
  return html("td", { class: look, style: `--part:${part.toFixed(3)}`, "data-tip": tip }, String(count));
}
