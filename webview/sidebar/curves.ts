import uPlot from "uplot";
import { seriesOf } from "./series.ts";
import type { SidebarState } from "./state.ts";
import { SPAN_MS } from "./state.ts";

/** The curves of each GPU: memory and utilisation, in percent, over the last hundred seconds. */
export interface Curves {
  /** Draws into the places that the page has for them; those that are gone are forgotten. */
  draw(state: SidebarState): void;
  /** Another theme, or another width. */
  redraw(): void;
}

interface Curve {
  readonly place: HTMLElement;
  readonly plot: uPlot;
}

const HEIGHT_PIXELS = 48;

export function createCurves(root: HTMLElement): Curves {
  const curves = new Map<string, Curve>();
  let latest: SidebarState | null = null;
  const sizes = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries)
      for (const { place, plot } of curves.values())
        if (place === target && contentRect.width > 0)
          plot.setSize({ width: contentRect.width, height: HEIGHT_PIXELS });
  });
  const drop = (uuid: string, { place, plot }: Curve) => {
    sizes.unobserve(place);
    plot.destroy();
    curves.delete(uuid);
  };
  const draw = (state: SidebarState) => {
    latest = state;
    const places = new Map(
      [...root.querySelectorAll<HTMLElement>("[data-chart]")].map((it) => [it.dataset.chart ?? "", it]),
    );
    for (const [uuid, it] of curves) if (places.get(uuid) !== it.place) drop(uuid, it);
    for (const [uuid, place] of places) {
      const data: uPlot.AlignedData = [...seriesOf(uuid, state)];
      const known = curves.get(uuid);
      if (known) known.plot.setData(data);
      else if (data[0].length > 1) {
        curves.set(uuid, { place, plot: plotIn(place, data) });
        sizes.observe(place);
      }
    }
  };
  return {
    draw,
    redraw() {
      for (const [uuid, it] of curves) drop(uuid, it);
      if (latest) draw(latest);
    },
  };
}

function plotIn(place: HTMLElement, data: uPlot.AlignedData): uPlot {
  const style = getComputedStyle(document.body);
  const colour = (...names: string[]) =>
    names.map((it) => style.getPropertyValue(it)).find((it) => it !== "") ?? "gray";
  const memory = colour("--vscode-charts-blue", "--vscode-foreground");
  const busy = colour("--vscode-descriptionForeground", "--vscode-foreground");
  return new uPlot(
    {
      width: Math.max(1, place.clientWidth),
      height: HEIGHT_PIXELS,
      padding: [4, 0, 2, 0],
      scales: { x: { time: false, range: () => [-SPAN_MS / 1_000, 0] }, y: { range: () => [0, 100] } },
      axes: [{ show: false }, { show: false }],
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { live: true },
      series: [
        { label: "", value: (_, it) => (it === null ? "now" : `${Math.round(-it)} s ago`) },
        { label: "Memory", stroke: memory, width: 1.5, value: said, points: { show: false } },
        // Broken, so that the two can be told apart without colour.
        { label: "Busy", stroke: busy, width: 1.5, dash: [4, 3], value: said, points: { show: false } },
      ],
    },
    data,
    place,
  );
}

/** Where the pointer is; the newest where it is elsewhere. */
function said(plot: uPlot, value: number | null, series: number, index: number | null): string {
  const it = index === null ? plot.data[series]?.at(-1) : value;
  return it === null || it === undefined ? "–" : `${Math.round(it)} %`;
}
