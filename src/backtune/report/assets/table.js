"use strict";
// A table of any number of rows, of which only those in view are in the page. Columns: {title, value(row), cell(row), text}.
function virtualTable(place, columns, { label, height = 460, tall = 40 }) {
  const { element } = charts;
  const head = element("tr"), body = element("tbody");
  const table = element("table", { "aria-label": label }, element("thead", {}, head), body);
  const scroller = element("div", { class: "grid", tabindex: "0", role: "region", "aria-label": label }, table);
  scroller.style.maxHeight = `${height}px`;
  place.replaceChildren(scroller);
  let order = [], sorted = null, down = false, whole = false;

  const heads = columns.map((column, index) => {
    const cell = element("th", { scope: "col", class: column.text ? "text" : null });
    if (column.value) cell.append(element("button", { type: "button", onclick: () => sort(index) }, column.title));
    else cell.textContent = column.title;
    head.append(cell);
    return cell;
  });

  function sort(index) {
    down = sorted === index ? !down : !columns[index].text;
    sorted = index;
    heads.forEach((cell, k) => (k === index ? cell.setAttribute("aria-sort", down ? "descending" : "ascending") : cell.removeAttribute("aria-sort")));
    arrange();
    render(true);
  }

  function arrange() {
    if (sorted === null) return;
    const { value } = columns[sorted], sign = down ? -1 : 1;
    const last = (v) => v === null || v === undefined;
    order.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (last(x) || last(y)) return last(x) - last(y); // what is not known comes last
      return sign * (typeof x === "string" ? x.localeCompare(y) : x - y) || a - b;
    });
  }

  const spacer = (rows) => element("tr", { class: "spacer", "aria-hidden": "true" }, element("td", { colspan: columns.length, style: `height:${rows * tall}px` }));

  let shown = "";
  function render(always = false) {
    const room = 8, first = whole ? 0 : Math.max(Math.floor(scroller.scrollTop / tall) - room, 0);
    const last = whole ? order.length : Math.min(first + Math.ceil(height / tall) + 2 * room, order.length);
    if (!always && shown === `${first}-${last}`) return;
    shown = `${first}-${last}`;
    const focused = document.activeElement?.dataset?.row;
    const rows = order.slice(first, last).map((row, k) => {
      const cells = columns.map((column, index) => element(index ? "td" : "th", { scope: index ? null : "row", class: column.text ? "text" : null }, column.cell(row)));
      return element("tr", { "aria-rowindex": String(first + k + 2), style: `height:${tall}px` }, ...cells);
    });
    body.replaceChildren(...(first ? [spacer(first)] : []), ...rows, ...(last < order.length ? [spacer(order.length - last)] : []));
    if (focused !== undefined) body.querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
  }

  scroller.addEventListener("scroll", () => render(), { passive: true });
  addEventListener("beforeprint", () => { whole = order.length <= 2000; render(true); });
  addEventListener("afterprint", () => { whole = false; render(true); });

  return {
    rows(list) {
      order = list;
      table.setAttribute("aria-rowcount", String(order.length + 1));
      arrange();
      render(true);
    },
    get order() { return order; },
    // The row that is shown elsewhere; its link is left where it is, with the focus that it may have.
    mark(row) { for (const link of body.querySelectorAll("[data-row]")) link.toggleAttribute("aria-current", link.dataset.row === String(row)); },
  };
}

function saveCsv(name, columns, rows) {
  const quote = (value) => { const text = value === null || value === undefined ? "" : String(value); return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };
  const lines = [columns.map((column) => column.csv || column.title), ...rows.map((row) => columns.map((column) => (column.plain || column.value)(row)))];
  const link = charts.element("a", { download: name, href: URL.createObjectURL(new Blob([lines.map((line) => line.map(quote).join(",")).join("\n") + "\n"], { type: "text/csv" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
