"use strict";
(async () => {
  const { element, show, date } = charts;
  const byId = (name) => document.getElementById(name);
  const percent = (value, digits = 1) => (value === null ? "–" : `${value > 0 ? "+" : ""}${(100 * value).toFixed(digits)}%`.replace("-", "−"));
  const toned = (value, shown) => element("span", { class: value > 0 ? "up" : value < 0 ? "down" : "flat" }, shown);

  const overview = await backtune.named("overview");
  charts.fill(document, overview);
  glossary(overview.terms);
  print();

  const rows = await backtune.named("rows"), count = rows.symbol.length;
  const word = (name, row) => rows[name].words[rows[name].of[row]];
  const key = (row) => (word("run", row) ? `${word("run", row)}/` : "") + rows.symbol[row];
  let current = -1, table = null;

  if (byId("symbols")) symbols();
  if (byId("symbol")) {
    byId("previous").hidden = byId("next").hidden = count < 2;
    const step = (by) => { const order = table ? table.order : [0], place = order.indexOf(current) + by; if (order[place] !== undefined) choose(order[place], false); };
    byId("previous").addEventListener("click", () => step(-1));
    byId("next").addEventListener("click", () => step(1));
    addEventListener("hashchange", fromAddress);
    if (!fromAddress()) new IntersectionObserver((entries, watch) => {
      if (entries.some((entry) => entry.isIntersecting) && current < 0) { watch.disconnect(); choose(table?.order[0] ?? 0, false, false); }
    }, { rootMargin: "600px" }).observe(byId("symbol"));
  }

  function fromAddress() {
    const name = addressed(), row = name ? [...rows.symbol.keys()].find((k) => key(k) === name) : undefined;
    if (row === undefined) return false;
    if (row !== current) choose(row, true);
    return true;
  }

  function addressed() {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; } // a stray % in an address
  }

  async function choose(row, scroll, kept = true) {
    current = row;
    const place = byId("details");
    byId("symbol-h").textContent = key(row);
    table?.mark(row);
    if (kept && addressed() !== key(row)) location.replace(`#${encodeURIComponent(key(row))}`);
    let part;
    try {
      part = await backtune.part(row, overview.beside);
    } catch (error) {
      place.replaceChildren(element("p", { role: "alert" }, `These details cannot be shown: ${error.message}.`));
      return;
    }
    if (current !== row) return; // another was chosen meanwhile
    charts.forget(place);
    place.innerHTML = part.body;
    charts.fill(place, part, { candles: candles(part.trades) });
    trades(place.querySelector(".trades"), part.trades, rows.symbol[row]);
    place.dataset.symbol = key(row);
    if (scroll) { byId("symbol").scrollIntoView(); byId("symbol-h").focus({ preventScroll: true }); }
  }

  function symbols() {
    const number = (name, cell) => ({ value: (row) => rows[name][row], cell: (row) => cell(rows[name][row]) });
    const columns = [
      { title: "symbol", text: true, value: (row) => rows.symbol[row], cell: (row) => element("a", { href: `#${encodeURIComponent(key(row))}`, "data-row": row, "aria-current": row === current ? "" : null, onclick: (event) => { event.preventDefault(); choose(row, true); } }, rows.symbol[row]) },
      ...(rows.run.words.length > 1 || rows.run.words[0] ? [{ title: "run", text: true, value: (row) => word("run", row), cell: (row) => word("run", row) }] : []),
      { title: "growth", cell: (row) => spark(rows.spark[row]) },
      { title: "return", ...number("return", (v) => toned(v, percent(v))) },
      { title: "held", ...number("held", percent) },
      { title: "verdict", text: true, value: (row) => word("label", row), cell: (row) => element("span", { class: `badge ${word("verdict", row)}`, title: word("label", row) }, overview.verdicts[word("verdict", row)].replace(" inside the bar", "")) },
      { title: "Sharpe", ...number("sharpe", (v) => show(v)) },
      { title: "worst drawdown", ...number("drawdown", percent) },
      { title: "fills", ...number("trades", (v) => (v === null ? "–" : v.toLocaleString("en"))) },
      { title: "win rate", ...number("wins", (v) => (v === null ? "–" : `${Math.round(100 * v)}%`)) },
      { title: "costs", ...number("costs", (v) => (v === null ? "–" : `${(100 * v).toFixed(2)}%`)) },
      { title: "p-value", ...number("p", (v) => (v === null ? "–" : v < 0.001 ? "<0.001" : v.toFixed(3))) },
    ];
    table = virtualTable(byId("symbols"), columns, { label: "Table of symbols", height: Math.min(count * 40 + 44, 480) });
    const search = byId("search"), chips = [...document.querySelectorAll("button[data-verdict]")];
    function filter() {
      const wanted = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.verdict);
      const part = search.value.trim().toLowerCase();
      const left = [...rows.symbol.keys()].filter((row) => (!wanted.length || wanted.includes(word("verdict", row))) && key(row).toLowerCase().includes(part));
      table.rows(left);
      byId("count").textContent = left.length === count ? `${count.toLocaleString("en")} symbols` : `${left.length.toLocaleString("en")} of ${count.toLocaleString("en")}`;
    }
    search.addEventListener("input", filter);
    for (const chip of chips) chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
    byId("rows-csv").addEventListener("click", () => saveCsv("symbols.csv", [...columns.filter((column) => column.value), { title: "strategy", value: (row) => word("strategy", row) }], table.order));
    filter();
  }

  function spark(letters) {
    const heights = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", length = letters.length / 2;
    const curve = (from) => [...letters.slice(from, from + length)].map((letter, k) => `${((k * 96) / (length - 1)).toFixed(1)},${(26 - (heights.indexOf(letter) * 24) / 63).toFixed(1)}`).join(" ");
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 96 28");
    picture.setAttribute("class", "spark");
    picture.setAttribute("aria-hidden", "true");
    for (const [name, from] of [["held", length], ["mine", 0]]) {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      line.setAttribute("class", name);
      line.setAttribute("points", curve(from));
      picture.append(line);
    }
    return picture;
  }

  function trades(place, list, symbol) {
    const length = list.entry?.length || 0;
    if (!length) { place.replaceChildren(element("p", { class: "note" }, list.untold ? "The strategy tells no single trades." : list.entry ? "It never traded." : "This run was made by a version that kept no list of trades.")); return; }
    const price = (value) => show(value);
    const columns = [
      { title: "opened", text: true, csv: "entry", value: (k) => list.entry[k], plain: (k) => date(list.entry[k]), cell: (k) => date(list.entry[k]) },
      { title: "side", text: true, value: (k) => (list.short[k] ? "short" : "long"), cell: (k) => (list.short[k] ? "short" : "long") },
      { title: "size", value: (k) => list.size[k], cell: (k) => show(list.size[k]) },
      { title: "at", csv: "entry_price", value: (k) => list.entry_price[k], cell: (k) => price(list.entry_price[k]) },
      { title: "left", text: true, csv: "exit", value: (k) => list.exit[k], plain: (k) => date(list.exit[k]), cell: (k) => date(list.exit[k]) },
      { title: "at", csv: "exit_price", value: (k) => list.exit_price[k], cell: (k) => price(list.exit_price[k]) },
      { title: "why it was left", text: true, csv: "reason", value: (k) => list.reasons[list.reason[k]], cell: (k) => list.reasons[list.reason[k]] },
      { title: "bars", value: (k) => list.bars[k], cell: (k) => String(list.bars[k]) },
      { title: "return", value: (k) => list.value[k], cell: (k) => toned(list.value[k], percent(list.value[k], 2)) },
    ];
    const save = element("button", { type: "button", onclick: () => saveCsv(`${symbol}-trades.csv`, columns, [...list.entry.keys()]) }, "Download CSV");
    const holder = element("div");
    place.replaceChildren(element("div", { class: "tools" }, element("span", {}, `${length.toLocaleString("en")} trades, the latest first`), save), holder);
    virtualTable(holder, columns, { label: `Trades of ${symbol}`, height: 340, tall: 34 }).rows([...list.entry.keys()].reverse());
  }

  // A term says what it means where it is pointed at, focused or tapped.
  function glossary(terms) {
    const tip = element("div", { id: "tip", role: "tooltip", hidden: "" });
    document.body.append(tip);
    let of = null, pinned = false;
    function open(term) {
      if (of && of !== term) close();
      of = term;
      tip.textContent = terms[term.dataset.term];
      tip.hidden = false;
      term.setAttribute("aria-describedby", "tip");
      const box = term.getBoundingClientRect(), width = Math.min(320, innerWidth - 24);
      tip.style.width = `${width}px`;
      tip.style.left = `${Math.min(Math.max(box.left, 12), innerWidth - width - 12) + scrollX}px`;
      tip.style.top = `${box.bottom + 6 + scrollY}px`;
    }
    function close() {
      of?.removeAttribute("aria-describedby");
      of = null;
      pinned = false;
      tip.hidden = true;
    }
    const termOf = (event) => event.target.closest?.(".term");
    document.addEventListener("pointerover", (event) => { const term = termOf(event); if (term) open(term); else if (of && !pinned && document.activeElement !== of && event.target !== tip) close(); });
    document.addEventListener("focusin", (event) => { const term = termOf(event); if (term) open(term); else if (of) close(); });
    document.addEventListener("click", (event) => { const term = termOf(event); if (term) { open(term); pinned = true; } else if (of) close(); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  }

  // Paper cannot be unfolded: it gets the reasons, the rule, the glossary, and every chart of the symbol that is shown.
  function print() {
    let unfolded = [];
    addEventListener("beforeprint", () => {
      unfolded = [...document.querySelectorAll("details:not([open])")];
      for (const details of unfolded) details.open = true;
      charts.drawAll();
    });
    addEventListener("afterprint", () => { for (const details of unfolded.splice(0)) details.open = false; });
  }
})();
