// Draws each <canvas data-chart> of a report with Chart.js. The table beside it has the same numbers; who has no
// script, or cannot see, misses nothing. Colours come from reports.css, so that they follow the dark and the print style.
"use strict";
(() => {
  const colour = (canvas, name) => getComputedStyle(canvas).getPropertyValue(name).trim();

  const printed = ({ share, currency }) => {
    if (share) return (value) => `${value} %`;
    const style = currency ? { style: "currency", currency, maximumFractionDigits: 2, minimumFractionDigits: 0 } : {};
    const format = new Intl.NumberFormat("en", style);
    return (value) => format.format(value);
  };

  const series = (canvas, told) => told.series.map((one, at) => ({
    label: one.name,
    data: one.values,
    backgroundColor: colour(canvas, `--chart-${at % 8 + 1}`),
    borderColor: colour(canvas, `--chart-${at % 8 + 1}`),
    borderWidth: told.shape === "lines" ? 2 : 0,
    pointRadius: told.labels.length > 24 ? 0 : 3,
    maxBarThickness: 48,
    spanGaps: false,
  }));

  const options = (canvas, told) => {
    const print = printed(told), ink = colour(canvas, "--chart-ink"), rule = colour(canvas, "--chart-rule");
    const font = { family: getComputedStyle(document.body).fontFamily, size: 13 };
    const stacked = told.shape === "stacked";
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { stacked, ticks: { color: ink, font, maxRotation: 60, autoSkipPadding: 12 }, grid: { display: false }, border: { color: rule } },
        y: { stacked, beginAtZero: true, ticks: { color: ink, font, callback: print, precision: told.share || told.currency ? undefined : 0 }, grid: { color: rule }, border: { display: false } },
      },
      plugins: {
        legend: { display: told.series.length > 1, position: "bottom", labels: { color: ink, font, boxWidth: 14, boxHeight: 14 } },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label}: ${print(item.parsed.y)}` } },
      },
    };
  };

  const draw = () => [...document.querySelectorAll("canvas[data-chart]")].map((canvas) => {
    const told = JSON.parse(canvas.dataset.chart);
    canvas.parentElement.hidden = false;
    const type = told.shape === "lines" ? "line" : "bar";
    const data = { labels: told.labels, datasets: series(canvas, told) };
    return { canvas, told, chart: new Chart(canvas, { type, data, options: options(canvas, told) }) };
  });

  let drawn = [];
  const paint = (onPaper) => {
    for (const { canvas, told, chart } of drawn) {
      canvas.parentElement.classList.toggle("on-paper", onPaper);
      chart.data.datasets = series(canvas, told);
      chart.options = options(canvas, told);
      chart.update("none");
      chart.resize();
    }
  };

  document.fonts.ready.then(() => { drawn = draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(false));
  addEventListener("beforeprint", () => paint(true));
  addEventListener("afterprint", () => paint(false));
})();
