"use strict";
// A symbol's bars with what rested on them and what was traded; see report/candles.py.
function candles(trades) {
  const { element, show, date, axis, css, ticks, inner, fit } = charts;
  const LAST = 200, NARROW = 80, LOWER = "#3b82f6", UPPER = "#a855f7", STOP = "#e08a00";

  return (chart) => (place) => {
    const { open, high, low, close, lower, upper, stop, x } = chart, count = x.length, fills = chart.fills;
    const byBar = new Map();
    for (const kind of ["entry", "exit"]) {
      fills[kind].forEach((bar, row) => { if (bar >= 0) byBar.set(bar, (byBar.get(bar) || new Set()).add(row)); });
    }
    const tools = element("div", { class: "legend" }), holder = element("div");
    const told = element("p", { class: "readout", role: "status" });
    place.append(tools, holder, told);
    place.tabIndex = 0;

    const swatch = (colour, name) => element("span", {}, element("i", { style: `background:${colour}` }), name);
    const button = (text, label, act) => element("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
    for (const [values, colour, name] of [[lower, LOWER, "lower level"], [upper, UPPER, "upper level"], [stop, STOP, "stop"]]) {
      if (values?.some((value) => value !== null)) tools.append(swatch(colour, name));
    }
    tools.append(
      element("span", { class: "gap" }),
      button("−", "Show more bars", () => zoom(1.6)), button("+", "Show fewer bars", () => zoom(1 / 1.6)),
      button("◀", "Earlier bars", () => move(-0.5)), button("▶", "Later bars", () => move(0.5)),
      button("last 200", "The last 200 bars", () => view(count - LAST, count - 1)), button("all", "All bars", () => view(0, count - 1)),
    );

    let from = Math.max(count - LAST, 0), to = count - 1;
    function view(first, last) {
      const length = Math.min(Math.max(last - first, 9), count - 1);
      from = Math.min(Math.max(first, 0), Math.max(count - 1 - length, 0));
      to = from + length;
      plot.setScale("x", { min: from - 0.6, max: to + 0.6 });
    }
    const zoom = (by) => { const middle = (from + to) / 2, half = ((to - from) / 2) * by; view(middle - half, middle + half); };
    const move = (by) => { const step = (to - from) * by; view(from + step, to + step); };

    function range(u) {
      const ends = [Infinity, -Infinity];
      const first = Math.max(Math.floor(u.scales.x.min ?? from), 0), last = Math.min(Math.ceil(u.scales.x.max ?? to), count - 1);
      for (let k = first; k <= last; k++) {
        if (low[k] === null) continue;
        ends[0] = Math.min(ends[0], low[k]);
        ends[1] = Math.max(ends[1], high[k]);
      }
      const room = (ends[1] - ends[0] || 1) * 0.06;
      return [ends[0] - room, ends[1] + room];
    }

    function paint(u) {
      const { ctx } = u, px = (v) => u.valToPos(v, "x", true), py = (v) => u.valToPos(v, "y", true), ratio = devicePixelRatio;
      const first = Math.max(Math.floor(u.scales.x.min), 0), last = Math.min(Math.ceil(u.scales.x.max), count - 1);
      const slot = Math.abs(px(1) - px(0)), body = Math.max(Math.min(slot * 0.6, 14 * ratio), 1);
      const up = css("--up"), down = css("--down");
      ctx.save();
      ctx.beginPath(); ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); ctx.clip();
      if (chart.traded > first) { // what is before the first traded bar is shown, and was not traded
        ctx.fillStyle = css("--shade-before");
        ctx.fillRect(u.bbox.left, u.bbox.top, px(chart.traded - 0.5) - u.bbox.left, u.bbox.height);
      }
      for (let k = first; k <= last; k++) {
        if (close[k] === null) continue;
        const middle = px(k), colour = close[k] >= open[k] ? up : down;
        ctx.strokeStyle = ctx.fillStyle = colour;
        ctx.lineWidth = Math.max(1, ratio);
        ctx.beginPath(); ctx.moveTo(middle, py(high[k])); ctx.lineTo(middle, py(low[k])); ctx.stroke();
        const top = py(Math.max(open[k], close[k])), bottom = py(Math.min(open[k], close[k]));
        if (body > 1) ctx.fillRect(middle - body / 2, top, body, Math.max(bottom - top, ratio));
      }
      if (slot > 3 * ratio) for (const [values, colour] of [[lower, LOWER], [upper, UPPER], [stop, STOP]]) level(values, colour);
      for (let k = first; k <= last; k++) for (const row of byBar.get(k) || []) marks(row, k);
      ctx.restore();

      function level(values, colour) {
        if (!values) return;
        ctx.strokeStyle = colour; ctx.lineWidth = 1.8 * ratio; ctx.beginPath();
        for (let k = first; k <= last; k++) {
          if (values[k] === null) continue;
          ctx.moveTo(px(k - 0.48), py(values[k])); ctx.lineTo(px(k + 0.48), py(values[k]));
        }
        ctx.stroke();
      }
      function marks(row, bar) {
        const short = trades.short[row], gain = trades.value[row] > 0, size = Math.min(Math.max(slot * 0.3, 4.2 * ratio), 7 * ratio);
        const both = fills.entry[row] === fills.exit[row], shift = both ? slot * 0.26 : 0;
        ctx.lineWidth = ratio; ctx.strokeStyle = css("--card");
        if (fills.entry[row] === bar) {
          const cx = px(bar) - shift, cy = py(trades.entry_price[row]), turn = short ? -1 : 1;
          ctx.fillStyle = css("--text"); ctx.beginPath();
          ctx.moveTo(cx, cy - size * turn); ctx.lineTo(cx + size, cy + size * turn); ctx.lineTo(cx - size, cy + size * turn); ctx.closePath(); ctx.fill(); ctx.stroke();
        }
        if (fills.exit[row] === bar) {
          ctx.fillStyle = gain ? up : down; ctx.beginPath();
          ctx.arc(px(bar) + shift, py(trades.exit_price[row]), size * 0.85, 0, 7); ctx.fill(); ctx.stroke();
        }
      }
    }

    function read(bar) {
      const k = bar ?? count - 1, price = (value) => show(value);
      const parts = [`${date(x[k])}: open ${price(open[k])}, high ${price(high[k])}, low ${price(low[k])}, close ${price(close[k])}.`];
      const rested = [["lower", lower], ["upper", upper], ["stop", stop]].filter(([, values]) => values && values[k] !== null);
      if (rested.length) parts.push(`Levels: ${rested.map(([name, values]) => `${name} ${price(values[k])}`).join(", ")}.`);
      else if (k >= chart.traded) parts.push("No order rested on this bar.");
      else parts.push("Before the first traded bar.");
      for (const row of byBar.get(k) || []) {
        const [did, undid] = trades.short[row] ? ["Sold short", "bought back"] : ["Bought", "sold"];
        const into = fills.entry[row] === k ? `${did} at ${price(trades.entry_price[row])}` : `Opened on ${date(trades.entry[row])}`;
        const out = fills.exit[row] === k ? `, ${undid} at ${price(trades.exit_price[row])}: ${trades.reasons[trades.reason[row]]}, ${show(100 * trades.value[row], "%")}` : "";
        parts.push(`${into}${out}.`);
      }
      told.textContent = parts.join(" ");
    }

    const labels = (u, splits) => splits.map((k) => (Number.isInteger(k) && k >= 0 && k < count ? date(x[k]).slice(0, to - from > 400 ? 7 : 10) : ""));
    const plot = new uPlot({
      width: inner(place), height: chart.height, padding: [10, 8, 0, 0], legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
      scales: { x: { time: false, range: (u, min, max) => [min, max] }, y: { range } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [axis({ size: 34, values: labels, space: 90, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000] }), axis({ size: 64, values: ticks("") })],
      hooks: {
        draw: [paint],
        setCursor: [(u) => read(u.cursor.left >= 0 ? u.cursor.idx : null)],
        setSelect: [(u) => {
          if (u.select.width < 5) return;
          const ends = [u.select.left, u.select.left + u.select.width].map((left) => u.posToVal(left, "x"));
          u.setSelect({ left: 0, width: 0 }, false);
          view(Math.round(ends[0]), Math.round(ends[1]));
        }],
      },
    }, [[...x.keys()], close], holder);
    view(count - (inner(place) < 600 ? NARROW : LAST), count - 1);
    read(null);

    plot.over.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey) return; // a page that scrolls is left to scroll
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.25 : 0.8);
    }, { passive: false });
    place.onkeydown = (event) => {
      const act = { ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), "+": () => zoom(0.7), "-": () => zoom(1.4), Home: () => view(0, to - from), End: () => view(count - LAST, count - 1) }[event.key];
      if (!act || event.target !== place) return;
      event.preventDefault();
      act();
    };
    return fit(place, () => [plot]);
  };
}
