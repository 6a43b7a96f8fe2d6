"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column] ?? row.cells[0];
    const sort = cell.dataset.sort;
    if (sort === undefined) return cell.textContent.trim().toLowerCase();
    return sort === "inf" ? Infinity : Number(sort);
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number"
      ? (a === b ? 0 : a - b)
      : String(a).localeCompare(String(b), "en", { numeric: true });
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows];
      rows.sort((a, b) => compare(value(a, column), value(b, column)) * (up ? 1 : -1));
      body.append(...rows);
    });
  });
}
{
  const form = document.querySelector(".controls");
  const search = document.getElementById("search");
  const verdict = document.getElementById("verdict");
  const shown = document.getElementById("shown");
  const rows = [...document.getElementById("claims").tBodies[0].rows];
  const update = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const kept = !verdict.value || row.dataset.verdict === verdict.value;
      row.hidden = !(kept && words.every((word) => text.includes(word)));
      if (!row.hidden) count += 1;
    }
    shown.textContent = `${count} of ${rows.length} claims`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", update);
  verdict.addEventListener("change", update);
  form.hidden = false;
  update();
}
