// A heading sorts its table: numbers from the largest, words from A; what is empty stays last.
"use strict";

const key = (row, column) => {
  const text = row.cells[column].textContent.trim();
  const number = Number.parseFloat(text.replaceAll(",", ""));
  return { text, number, empty: text === "" || text === "\u2013" };
};

const order = (a, b, sign) => {
  if (a.empty || b.empty) return a.empty - b.empty;
  if (Number.isNaN(a.number) || Number.isNaN(b.number)) return -sign * a.text.localeCompare(b.text);
  return sign * (a.number - b.number);
};

for (const table of document.querySelectorAll("table.study")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const rises = head.getAttribute("aria-sort") === "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rises ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => order(key(a, column), key(b, column), rises ? 1 : -1));
      table.tBodies[0].append(...rows);
    });
  });
}
