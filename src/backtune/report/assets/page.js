"use strict";
(() => {
  const rows = [...document.querySelectorAll("details.symbol")];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // The figures carry no fonts, grids or backgrounds of their own: those follow the page's colours.
  function theme() {
    const text = css("--text"), grid = css("--grid");
    const axis = { gridcolor: grid, zerolinecolor: css("--soft"), linecolor: grid, automargin: true, title: { standoff: 8 } };
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text, size: 12, family: getComputedStyle(document.body).fontFamily },
      margin: { l: 56, r: 10, t: 8, b: 36 }, height: 320, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      hoverlabel: { bgcolor: css("--card"), font: { color: text } }, xaxis: axis, yaxis: axis, yaxis2: axis,
    };
  }
  function merge(under, over) {
    const both = { ...under };
    for (const [key, value] of Object.entries(over || {})) {
      const nested = value && typeof value === "object" && !Array.isArray(value);
      both[key] = nested ? merge(under[key] || {}, value) : value;
    }
    return both;
  }
  function layout(figure) {
    const base = theme();
    if (!figure.layout.yaxis2) delete base.yaxis2;
    return merge(base, figure.layout);
  }
  const config = { responsive: true, displayModeBar: false };

  function draw(details) {
    if (details.dataset.drawn) return;
    details.dataset.drawn = "yes";
    const { x, figures } = JSON.parse(details.querySelector(":scope > script.figures").textContent);
    for (const place of details.querySelectorAll(".figure")) {
      const figure = figures[place.dataset.figure];
      for (const trace of figure.data) if (Number.isInteger(trace.x)) trace.x = x[trace.x];
      place.figure = figure;
      Plotly.newPlot(place, figure.data, layout(figure), config).then(() => place.classList.add("drawn"));
    }
  }
  const drawn = () => [...document.querySelectorAll(".figure.drawn")];
  const repaint = () => drawn().forEach((place) => Plotly.react(place, place.figure.data, layout(place.figure), config));

  for (const details of [...document.querySelectorAll("details.figures"), ...rows]) {
    details.addEventListener("toggle", (event) => { if (event.target === details && details.open) draw(details); });
    if (details.open) draw(details);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  matchMedia("print").addEventListener("change", repaint);

  // Paper cannot be unfolded: it gets the rule, the configuration, and every table of the symbols that are open.
  const folded = "details.card:not([open]), details.symbol[open] details:not([open])";
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll(folded)];
    for (const details of unfolded) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of unfolded.splice(0)) details.open = false; });

  const search = document.getElementById("search"), sort = document.getElementById("sort");
  const chips = [...document.querySelectorAll("button[data-verdict]")];
  function filter() {
    const wanted = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.verdict);
    const part = search ? search.value.trim().toLowerCase() : "";
    for (const row of rows) {
      row.hidden = !((wanted.length === 0 || wanted.includes(row.dataset.verdict)) && row.dataset.name.toLowerCase().includes(part));
    }
  }
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") === "true" ? "false" : "true");
      filter();
    });
  }
  if (search) search.addEventListener("input", filter);
  if (sort) sort.addEventListener("change", () => {
    const key = sort.value, sign = key === "p" || key === "name" ? 1 : -1;
    for (const place of document.querySelectorAll(".rows")) {
      const inside = rows.filter((row) => row.parentElement === place);
      if (key === "name") inside.sort((a, b) => a.dataset.name.localeCompare(b.dataset.name));
      else if (key) inside.sort((a, b) => sign * (Number(a.dataset[key]) - Number(b.dataset[key])));
      inside.forEach((row) => place.append(row));
    }
  });
  const named = decodeURIComponent(location.hash.slice(1));
  const target = named && rows.find((row) => row.dataset.name === named);
  if (target) { target.open = true; target.scrollIntoView(); }
})();
