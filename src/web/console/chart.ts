import { s } from './dom.ts';

/** One reading of a chart, in the units of its axes. */
export interface Point {
  x: number;
  y: number;
  /** Drawn as what calls for somebody. */
  alert?: boolean;
  title?: string;
}

/** Size in pixels, range of both axes, and what is drawn beside the points. */
export interface ChartOptions {
  width: number;
  height: number;
  x: [number, number];
  y: [number, number];
  /** Values of y with a line and a label. */
  lines: number[];
  /** Values of x with a label. */
  ticks: { at: number; label: string }[];
  /** A stretch of x that is shaded. */
  window?: [number, number];
  label: string;
  dots: boolean;
}

const margin = { left: 34, right: 10, top: 22, bottom: 20 };

/** A curve over time, with its axis; values outside the bounds are drawn at the edge. */
export function chart(points: Point[], options: ChartOptions): SVGElement {
  const { width, height, x, y, lines, ticks, window, label, dots } = options;
  const right = width - margin.right;
  const bottom = height - margin.bottom;
  const across = (value: number) => margin.left + share(value, x) * (right - margin.left);
  const up = (value: number) => bottom - share(value, y) * (bottom - margin.top);
  return s(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label },
    window &&
      s('rect', {
        class: 'window',
        x: across(window[0]),
        y: margin.top,
        width: Math.max(0, across(window[1]) - across(window[0])),
        height: bottom - margin.top,
      }),
    s('text', { class: 'label', x: 0, y: 11 }, label),
    lines.map((value) => [
      s('line', { class: 'grid', x1: margin.left, x2: right, y1: up(value), y2: up(value) }),
      s('text', { class: 'label', x: margin.left - 5, y: up(value) + 4, 'text-anchor': 'end' }, value),
    ]),
    ticks.map(({ at, label: text }) =>
      s('text', { class: 'label', x: across(at), y: height - 5, 'text-anchor': 'middle' }, text),
    ),
    s('polyline', { class: 'curve', points: points.map((one) => `${across(one.x)},${up(one.y)}`).join(' ') }),
    dots &&
      points.map((one) =>
        s(
          'circle',
          { class: one.alert ? 'dot alert' : 'dot', cx: across(one.x), cy: up(one.y), r: one.alert ? 5 : 3 },
          one.title && s('title', {}, one.title),
        ),
      ),
  );
}

function share(value: number, [from, to]: [number, number]): number {
  return to === from ? 0 : Math.min(1, Math.max(0, (value - from) / (to - from)));
}
