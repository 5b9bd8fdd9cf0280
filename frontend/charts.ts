/** Mounts every [data-chart]: an ECharts option from the server, dressed in the page's tokens, drawn again when they change.
 *
 *  An option may name a token for a colour ("@accent", "@green-fill") and a way to write numbers for a formatter
 *  ("@compact", "@percent", "@number"), since JSON holds no functions. Tooltips are drawn on the canvas: their HTML
 *  would need inline styles, which the content security policy forbids. */
import { BarChart, FunnelChart, HeatmapChart, LineChart, PieChart, SankeyChart, ScatterChart } from "echarts/charts";
import {
  CalendarComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  MarkPointComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { mount, on, word } from "./lib";

use([BarChart, FunnelChart, HeatmapChart, LineChart, PieChart, SankeyChart, ScatterChart]);
use([CalendarComponent, DatasetComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent]);
use([MarkPointComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

type Option = { [key: string]: unknown };

const zh = document.documentElement.lang.startsWith("zh");
const locale = zh ? "zh-CN" : "en";
const numbers: Record<string, Intl.NumberFormat> = {
  "@compact": new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1, useGrouping: true }),
  "@percent": new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }),
  "@number": new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }),
};
const still = matchMedia("(prefers-reduced-motion: reduce)");
const mounted = new Map<HTMLElement, EChartsType>();

/** Where the chart that is drawn stands: on a light ground or a dark one. */
let ground: HTMLElement = document.body;

/** The colour that a token has there. */
function token(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  ground.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Colours and formatters by name become real ones, at any depth. */
function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  if (typeof value !== "string" || !value.startsWith("@")) return value;
  const format = numbers[value];
  return format ? (given: unknown) => (typeof given === "number" ? format.format(given) : String(given ?? "")) : token(value.slice(1));
}

function theme(): Option {
  const [ink, soft, faint, line, paper] = ["ink", "ink-2", "ink-3", "line", "paper"].map(token);
  const axis = {
    axisLine: { lineStyle: { color: token("line-strong") } },
    axisTick: { show: false },
    axisLabel: { color: soft, fontSize: 12 },
    splitLine: { lineStyle: { color: line } },
    nameTextStyle: { color: soft },
  };
  return {
    color: [1, 2, 3, 4, 5, 6, 7].map((n) => token(`chart-${n}`)),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
    categoryAxis: { ...axis, splitLine: { show: false } },
    timeAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, axisLine: { show: false }, axisLabel: { ...axis.axisLabel, formatter: resolve("@compact") } },
    legend: { textStyle: { color: soft }, itemWidth: 12, itemHeight: 8, itemGap: 16, icon: "roundRect", left: 0, top: 0 },
    tooltip: { backgroundColor: token("raised"), borderColor: token("line-strong"), textStyle: { color: ink, fontSize: 12 } },
    line: { symbol: "circle", symbolSize: 5, lineStyle: { width: 2 } },
    bar: { barMaxWidth: 28 },
    markLine: { lineStyle: { color: faint }, label: { color: soft } },
    pie: { label: { color: ink, textBorderWidth: 0 } },
    sankey: { label: { color: ink } },
    funnel: { label: { color: paper } },
    calendar: { itemStyle: { color: token("sunken"), borderColor: paper }, dayLabel: { color: soft }, monthLabel: { color: soft } },
  };
}

function draw(place: HTMLElement): void {
  mounted.get(place)?.dispose();
  ground = place;
  const option = resolve(JSON.parse(place.dataset.chart ?? "{}")) as Option;
  const chart = init(place, theme(), { renderer: "canvas", locale: zh ? "ZH" : "EN" });
  chart.setOption({
    animation: !still.matches,
    animationDuration: 250,
    ...("xAxis" in option ? { grid: { left: 8, right: 16, top: 36, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "all" } } : {}),
    ...option,
    tooltip: { confine: true, ...((option.tooltip as Option) ?? {}), renderMode: "richText" },
  });
  mounted.set(place, chart);
}

mount("[data-chart]", (place) => {
  const { series } = JSON.parse(place.dataset.chart ?? "{}");
  if (!series || (Array.isArray(series) && !series.length)) {
    place.textContent = word("no_data");
    return;
  }
  draw(place);
  new ResizeObserver(() => mounted.get(place)?.resize()).observe(place);
});

document.addEventListener("theme", () => {
  for (const place of mounted.keys()) draw(place);
});

on("click", "[data-chart-save]", (_, button) => {
  const place = button.closest("figure")?.querySelector<HTMLElement>("[data-chart]");
  const chart = place && mounted.get(place);
  if (!chart) return;
  ground = place;
  const link = document.createElement("a");
  link.download = `${place.dataset.title ?? "chart"}.png`;
  link.href = chart.getDataURL({ pixelRatio: 2, backgroundColor: token("paper") });
  link.click();
});
