"use strict";
// Charts of report/figures.py on uPlot. A chart is drawn when it comes into view, and again when colours change.
const charts = (() => {
  const places = new Map(); // place -> function that draws it
  const drawn = new Map(); // place -> function that takes it away
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const inner = (place) => { const style = getComputedStyle(place); return place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight); };
  // Keeps a plot as wide as its place.
  function fit(place, plots) {
    const watch = new ResizeObserver(() => {
      const width = inner(place);
      for (const plot of plots()) if (width > 0 && plot.width !== width) plot.setSize({ width, height: plot.height });
    });
    watch.observe(place);
    return () => { watch.disconnect(); plots().forEach((plot) => plot.destroy()); };
  }
  const font = () => `11px ${getComputedStyle(document.body).fontFamily}`;

  const inView = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  }, { rootMargin: "300px" });

  function put(place, painter) {
    places.set(place, painter);
    inView.observe(place);
  }

  function draw(place) {
    if (drawn.has(place) || !place.isConnected || !place.clientWidth) return;
    drawn.set(place, places.get(place)(place));
    place.classList.add("drawn");
  }

  function clear(place) {
    drawn.get(place)?.();
    drawn.delete(place);
    place.replaceChildren();
    place.classList.remove("drawn");
  }

  function forget(root) {
    for (const place of [...places.keys()]) {
      if (!root.contains(place)) continue;
      inView.unobserve(place);
      clear(place);
      places.delete(place);
    }
  }

  function repaint() {
    for (const place of [...drawn.keys()]) { clear(place); draw(place); }
  }

  const drawAll = () => [...places.keys()].forEach(draw);

  const spaced = (unit) => (unit && unit !== "%" && unit[0] !== " " ? ` ${unit}` : unit);

  // Numbers as one reads them; a minus sign, and as many digits as the size asks for.
  function show(value, unit = "") {
    if (value === null || value === undefined || !isFinite(value)) return "–";
    const size = Math.abs(value);
    const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.01 || size === 0 ? 3 : 5;
    return value.toLocaleString("en", { minimumFractionDigits: Math.min(digits, 2), maximumFractionDigits: digits }).replace("-", "−") + spaced(unit);
  }

  const pad = (number) => String(number).padStart(2, "0");
  function date(seconds) {
    const at = new Date(seconds * 1000);
    const day = `${at.getUTCFullYear()}-${pad(at.getUTCMonth() + 1)}-${pad(at.getUTCDate())}`;
    return seconds % 86400 ? `${day} ${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}` : day;
  }

  const axis = (more) => ({
    stroke: css("--soft"), font: font(), labelFont: font(), labelSize: 18, grid: { stroke: css("--grid"), width: 1 }, ticks: { show: false }, ...more,
  });
  const ticks = (unit) => (u, splits) => splits.map((value) => (value === null ? "" : `${Number(value.toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 6 }).replace("-", "−")}${spaced(unit)}`));
  const tens = (u, splits) => splits.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));
  const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");

  function element(name, more = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(more)) {
      if (key === "class") made.className = value;
      else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== null) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // Lines and bars in panels over one axis.
  function panels(chart) {
    return (place) => {
      const timed = Array.isArray(chart.x) && chart.times;
      const plots = [], group = uPlot.sync(`group-${Math.random()}`), off = new Set();
      const legend = element("div", { class: "legend" }), holder = element("div");
      place.append(legend, holder);
      let log = chart.panels.map((panel) => !!panel.log), at = chart.x.length - 1;

      const names = [...new Map(chart.panels.flatMap((panel) => panel.lines.map((line) => [line.name, line])).reverse()).values()].reverse();
      const values = names.map((line) => {
        const value = element("b");
        const button = element("button", { type: "button", "aria-pressed": "true", title: "Show or hide" }, element("i", { style: `background:${line.colour}` }), line.name, " ", value);
        button.addEventListener("click", () => {
          off.has(line.name) ? off.delete(line.name) : off.add(line.name);
          button.setAttribute("aria-pressed", String(!off.has(line.name)));
          build();
        });
        legend.append(button);
        return { line, value };
      });
      const when = element("span", { class: "when" });
      legend.append(when);
      if (chart.panels.some((panel) => panel.switch)) {
        const button = element("button", { type: "button", class: "switch", "aria-pressed": "false" }, "log scale");
        button.addEventListener("click", () => {
          const on = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", String(on));
          log = chart.panels.map((panel) => !!panel.log || (on && !!panel.switch));
          build();
        });
        legend.append(button);
      }

      function read(index) {
        at = index ?? chart.x.length - 1;
        when.textContent = timed ? date(chart.x[at]) : show(chart.x[at]);
        for (const { line, value } of values) {
          const unit = chart.panels.find((panel) => panel.lines.some((one) => one.name === line.name)).unit;
          value.textContent = line.bars && !timed ? "" : show(line.y[at], unit);
        }
      }

      function series(panel) {
        const list = [];
        for (const line of panel.lines) {
          const common = { label: line.name, width: line.width || 1.6, points: { show: chart.x.length < 3 }, spanGaps: false };
          if (!line.bars) {
            const paths = line.step ? uPlot.paths.stepped({ align: 1 }) : undefined;
            list.push({ y: line.y, options: { ...common, stroke: line.colour, dash: line.dash ? [5, 4] : undefined, paths, show: !off.has(line.name) } });
            continue;
          }
          const bars = uPlot.paths.bars({ size: [chart.times ? 0.7 : 0.95, 28] });
          const kinds = line.signed ? [[css("--up"), (v) => v >= 0], [css("--down"), (v) => v < 0]] : [[line.colour, () => true]];
          for (const [colour, has] of kinds) {
            const y = line.y.map((value) => (value !== null && has(value) ? value : null));
            list.push({ y, options: { ...common, width: 1, stroke: colour, fill: `${colour}b0`, paths: bars, points: { show: false }, show: !off.has(line.name) } });
          }
        }
        return list;
      }

      function one(panel, place_, last) {
        const list = series(panel), unit = panel.unit;
        const positive = (y) => (log[place_] ? y.map((value) => (value !== null && value > 0 ? value : null)) : y);
        const bands = panel.lines.flatMap((line, index) => (line.fill ? [{ series: [index + 1, index], fill: `${line.colour}30`, dir: 0 }] : []));
        const options = {
          width: inner(place), height: panel.height + (last ? 24 : 0), ms: 1e-3, tzDate: utc, padding: [10, 8, 0, 0],
          legend: { show: false }, cursor: { sync: { key: group.key, setSeries: false }, drag: { x: true, y: false }, points: { show: chart.x.length > 1 } },
          scales: { x: { time: !!timed }, y: { distr: log[place_] ? 3 : 1 } },
          series: [{}, ...list.map((item) => item.options)], bands,
          axes: [
            axis({ size: last ? 34 : 8, values: last ? (timed ? undefined : ticks("")) : (u, splits) => splits.map(() => ""), label: last ? chart.across : undefined }),
            axis({ size: 62, values: ticks(unit), grid: { stroke: css("--grid"), width: 1, ...(log[place_] ? { filter: tens } : {}) } }),
          ],
          hooks: {
            setCursor: [(u) => read(u.cursor.idx)],
            setScale: [(u, key) => {
              if (key !== "x") return;
              for (const other of plots) if (other !== u && (other.scales.x.min !== u.scales.x.min || other.scales.x.max !== u.scales.x.max)) other.setScale("x", { min: u.scales.x.min, max: u.scales.x.max });
            }],
          },
        };
        if (last && timed) delete options.axes[0].values;
        holder.append(element("p", { class: "panel" }, panel.title));
        const plot = new uPlot(options, [chart.x, ...list.map((item) => positive(item.y))], holder);
        group.sub(plot);
        return plot;
      }

      function build() {
        plots.splice(0).forEach((plot) => plot.destroy());
        holder.replaceChildren();
        chart.panels.forEach((panel, index) => plots.push(one(panel, index, index === chart.panels.length - 1)));
        read(at);
      }
      build();
      return fit(place, () => plots);
    };
  }

  // A plane whose picture is drawn by hand over the axes.
  function plane(place, { x, y, titles, height, paint, read, cursor }) {
    const told = element("p", { class: "readout" }, " ");
    const holder = element("div");
    place.append(holder, told);
    const plot = new uPlot({
      width: inner(place), height, padding: [10, 12, 0, 0], legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: x }, y: { range: y } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [axis({ size: 34, values: ticks(""), label: titles[0] }), axis({ size: 58, values: ticks(""), label: titles[1] })],
      hooks: {
        drawClear: cursor === "under" ? [paint] : [], draw: cursor === "under" ? [] : [paint],
        setCursor: [(u) => { const { left, top } = u.cursor; told.textContent = left >= 0 && read ? read(u.posToVal(left, "x"), u.posToVal(top, "y")) : " "; }],
      },
    }, [[x[0], x[1]], [y[0], y[1]]], holder);
    return fit(place, () => [plot]);
  }

  const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"]
    .map((colour) => [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16)));
  function shade(part) {
    const place = Math.min(Math.max(part, 0), 1) * (VIRIDIS.length - 1), low = Math.min(Math.floor(place), VIRIDIS.length - 2);
    return `rgb(${VIRIDIS[low].map((from, k) => Math.round(from + (VIRIDIS[low + 1][k] - from) * (place - low)))})`;
  }

  function heat(chart) {
    return (place) => {
      const { x, y, z } = chart, wide = (x[1] - x[0]) / 2, tall = (y[1] - y[0]) / 2;
      const known = z.filter((value) => value !== null), low = Math.min(...known), high = Math.max(...known);
      const value = (i, j) => z[i * y.length + j];
      const paint = (u) => {
        const { ctx } = u, at = (v, key) => u.valToPos(v, key, true);
        ctx.save();
        for (let i = 0; i < x.length; i++) {
          const left = Math.floor(at(x[i] - wide, "x")), right = Math.ceil(at(x[i] + wide, "x"));
          for (let j = 0; j < y.length; j++) {
            const top = Math.floor(at(y[j] + tall, "y")), bottom = Math.ceil(at(y[j] - tall, "y"));
            ctx.fillStyle = shade(high > low ? (value(i, j) - low) / (high - low) : 0.5);
            ctx.fillRect(left, top, right - left, bottom - top);
          }
        }
        if (chart.optimum) {
          const [cx, cy] = chart.optimum, [[left, right], [bottom, top]] = chart.plateau, ratio = devicePixelRatio;
          for (const [colour, width] of [["#ffffff", 5], ["#d6006c", 2.5]]) {
            ctx.strokeStyle = colour; ctx.lineWidth = width * ratio; ctx.beginPath();
            ctx.moveTo(at(left, "x"), at(cy, "y")); ctx.lineTo(at(right, "x"), at(cy, "y"));
            ctx.moveTo(at(cx, "x"), at(bottom, "y")); ctx.lineTo(at(cx, "x"), at(top, "y")); ctx.stroke();
          }
          ctx.fillStyle = "#ffffff"; ctx.strokeStyle = "#d6006c"; ctx.beginPath();
          ctx.arc(at(cx, "x"), at(cy, "y"), 5 * ratio, 0, 7); ctx.fill(); ctx.stroke();
        }
        ctx.restore();
      };
      const nearest = (list, v) => Math.min(Math.max(Math.round((v - list[0]) / (list[1] - list[0])), 0), list.length - 1);
      const read = (a, b) => `high ${show(a, " bp")}, low ${show(b, " bp")}: ${show(value(nearest(x, a), nearest(y, b)), chart.unit)}`;
      const done = plane(place, {
        x: [x[0] - wide, x[x.length - 1] + wide], y: [y[0] - tall, y[y.length - 1] + tall], titles: chart.titles, height: chart.height, paint, read,
      });
      const scale = element("p", { class: "scale" }, `${show(low, chart.unit)} `, element("i"), ` ${show(high, chart.unit)}`);
      place.append(scale);
      return done;
    };
  }

  function points(chart) {
    return (place) => {
      const every = (key) => chart.points.flatMap((set) => set[key]).filter((value) => value !== null);
      const span = (list) => { const low = Math.min(...list), high = Math.max(...list), room = (high - low || 1) * 0.04; return [low - room, high + room]; };
      const x = span(every("x")), y = span(every("y"));
      const legend = element("div", { class: "legend" }, ...chart.points.map((set) => element("span", {}, element("i", { style: `background:${set.colour}` }), set.name)));
      place.append(legend);
      const paint = (u) => {
        const { ctx } = u, at = (v, key) => u.valToPos(v, key, true), ratio = devicePixelRatio;
        ctx.save();
        ctx.beginPath(); ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); ctx.clip();
        if (chart.diagonal) {
          const low = Math.max(x[0], y[0]), high = Math.min(x[1], y[1]);
          ctx.strokeStyle = css("--soft"); ctx.setLineDash([4, 4]); ctx.beginPath();
          ctx.moveTo(at(low, "x"), at(low, "y")); ctx.lineTo(at(high, "x"), at(high, "y")); ctx.stroke(); ctx.setLineDash([]);
        }
        for (const set of chart.points) {
          ctx.fillStyle = `${set.colour}b0`;
          set.x.forEach((value, k) => {
            ctx.beginPath(); ctx.arc(at(value, "x"), at(set.y[k], "y"), 2.4 * ratio, 0, 7); ctx.fill();
          });
        }
        ctx.restore();
      };
      return plane(place, { x, y, titles: chart.titles, height: chart.height, paint });
    };
  }

  // Charts of a part, by their name in the HTML; `more` draws kinds of its own.
  function fill(root, { times = [], charts: all }, more = {}) {
    for (const place of root.querySelectorAll("[data-chart]")) {
      const chart = all[place.dataset.chart];
      if (!chart) continue;
      if (Number.isInteger(chart.x)) Object.assign(chart, { x: times[chart.x], times: true });
      const painter = { heat, points, ...more }[chart.kind] || panels;
      put(place, painter(chart));
    }
  }

  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", repaint);
  return { fill, forget, drawAll, element, show, date, axis, css, ticks, inner, fit };
})();
