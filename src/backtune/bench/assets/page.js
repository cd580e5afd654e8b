"use strict";
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const plots = [...document.querySelectorAll(".plotly-graph-div")];
  const heights = new Map(plots.map((plot) => [plot, plot.layout.height]));
  const narrow = matchMedia("(max-width: 760px)");

  // The figures come in the colours and with the margins of a wide, light page.
  function dress() {
    const grid = css("--grid");
    for (const plot of plots) {
      const axes = {};
      for (const axis of ["xaxis", "yaxis"]) {
        Object.assign(axes, { [`${axis}.gridcolor`]: grid, [`${axis}.zerolinecolor`]: grid, [`${axis}.linecolor`]: grid,
          [`${axis}.automargin`]: true, [`${axis}.title.font.size`]: narrow.matches ? 10.5 : 14 });
      }
      // a legend beside a narrow plot would leave no room for it: it goes below, a name a line
      const names = plot.data.filter((trace) => trace.showlegend !== false && trace.name).length;
      const below = narrow.matches && names > 1 ? 19 * names + 10 : 0;
      const legend = below
        ? { "legend.orientation": "h", "legend.x": 0, "legend.yref": "container", "legend.y": 0, "legend.yanchor": "bottom", "legend.maxheight": below }
        : { "legend.orientation": "v", "legend.x": 1.02, "legend.yref": "paper", "legend.y": 1, "legend.yanchor": "auto", "legend.maxheight": null };
      const height = heights.get(plot) + below;
      plot.parentElement.style.height = plot.style.height = `${height}px`;
      Plotly.relayout(plot, {
        ...axes, ...legend, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", "font.color": css("--text"),
        "hoverlabel.bgcolor": css("--card"), "hoverlabel.font.color": css("--text"),
        height, "margin.b": 60 + below, "margin.l": narrow.matches ? 40 : 70, "margin.r": narrow.matches ? 8 : 20,
      });
    }
  }
  dress();
  for (const query of [narrow, matchMedia("(prefers-color-scheme: dark)"), matchMedia("print")]) query.addEventListener("change", dress);
  // what is drawn inside a folded part has no width until it is unfolded
  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", () => details.open && details.querySelectorAll(".plotly-graph-div").forEach((plot) => Plotly.Plots.resize(plot)));
  }
})();
