import { chart } from './chart.ts';
import { h, s, show } from './dom.ts';
import { figures } from './gateway.ts';
import type { Page } from './page.ts';
import { duration, t } from './words.ts';

type Figures = Awaited<ReturnType<typeof figures>>;

const width = 960;
const box = { width: 230, height: 58, gap: 14 };
const lasting = 300;

/** What came in at each door, what waits, what went out: the whole gateway as one picture, drawn anew every two seconds. */
export function flowPage(): Page {
  let before: { at: number; taken: Map<string, number>; given: Map<string, number> } | undefined;
  const past: { x: number; y: number }[] = [];
  return {
    seconds: 2,
    async draw(place) {
      const now = await figures();
      const at = performance.now() / 1000;
      const taken = sums(now, 'passerelle_messages_accepted_total', 'door');
      const given = new Map<string, number>();
      for (const { labels, value } of now.get('passerelle_deliveries_total') ?? []) {
        if (labels.outcome === 'delivered') given.set(labels.destination ?? '', value);
      }
      const rate = (map: Map<string, number>, old: Map<string, number> | undefined, name: string) =>
        before && old ? Math.max(0, ((map.get(name) ?? 0) - (old.get(name) ?? 0)) / (at - before.at)) : 0;
      const doors = [...taken.keys()].map((name) => ({ name, rate: rate(taken, before?.taken, name) }));
      if (before) past.push({ x: at, y: doors.reduce((sum, one) => sum + one.rate, 0) });
      while (past[0] && past[0].x < at - lasting) past.shift();
      const ends = [...names(now, 'passerelle_deliveries_waiting', 'destination')].map((name) => ({
        name,
        rate: rate(given, before?.given, name),
      }));
      before = { at, taken, given };
      show(place, h('div', { class: 'card' }, picture(now, doors, ends, taken, given)), curve(past, at));
    },
  };
}

function picture(
  now: Figures,
  doors: { name: string; rate: number }[],
  ends: { name: string; rate: number }[],
  taken: Map<string, number>,
  given: Map<string, number>,
): SVGElement {
  const rows = Math.max(doors.length, ends.length, 3);
  const height = 30 + rows * (box.height + box.gap);
  const middle = 30 + (height - 30 - box.gap) / 2;
  const top = (count: number, index: number) => 30 + ((rows - count) / 2 + index) * (box.height + box.gap);
  const refused = sums(now, 'passerelle_messages_refused_total', 'door');
  const waiting = sums(now, 'passerelle_deliveries_waiting', 'destination');
  const dead = sums(now, 'passerelle_deliveries_dead', 'destination');
  const states = sums(now, 'passerelle_messages', 'state');
  const ages = now.get('passerelle_oldest_waiting_seconds') ?? [];
  const oldest = Math.max(0, ...ages.map(({ value }) => value));
  const right = width - box.width;
  return s(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': t('flow') },
    s('text', { class: 'label', x: 0, y: 14 }, t('doors')),
    s('text', { class: 'label', x: (width - 250) / 2, y: 14 }, t('journal')),
    s('text', { class: 'label', x: right, y: 14 }, t('destinations')),
    doors.map(({ name, rate }, index) => [
      wire([box.width, top(doors.length, index) + box.height / 2], [(width - 250) / 2, middle], rate),
      card(0, top(doors.length, index), name, rate, [
        `${taken.get(name) ?? 0} ${t('taken')}`,
        refused.get(name) ? `${refused.get(name)} ${t('refusedAtDoor')}` : '',
      ]),
    ]),
    ends.map(({ name, rate }, index) => [
      wire([(width + 250) / 2, middle], [right, top(ends.length, index) + box.height / 2], rate),
      card(
        right,
        top(ends.length, index),
        name,
        rate,
        [
          `${given.get(name) ?? 0} ${t('given')}`,
          waiting.get(name) ? `${waiting.get(name)} ${t('waiting')}` : '',
          dead.get(name) ? `${dead.get(name)} ${t('dead')}` : '',
        ],
        Boolean(dead.get(name)),
      ),
    ]),
    journalBox(middle, states, oldest),
  );
}

function journalBox(middle: number, states: Map<string, number>, oldest: number): SVGElement {
  const lines = ['accepted', 'delivered', 'quarantined', 'refused', 'dead'];
  const height = 40 + lines.length * 20;
  const left = (width - 250) / 2;
  const up = middle - height / 2;
  return s(
    'g',
    {},
    s('rect', { class: 'box', x: left, y: up, width: 250, height, rx: 10 }),
    lines.map((name, index) => [
      s('text', { x: left + 16, y: up + 26 + index * 20 }, name === 'accepted' ? t('waiting') : t(name)),
      s(
        'text',
        { class: 'strong', x: left + 234, y: up + 26 + index * 20, 'text-anchor': 'end' },
        states.get(name) ?? 0,
      ),
    ]),
    s(
      'text',
      { class: 'label', x: left + 16, y: up + height - 10 },
      oldest > 0 ? `${t('oldest')} ${duration(oldest)}` : '',
    ),
  );
}

function card(x: number, y: number, name: string, rate: number, lines: string[], hurt = false): SVGElement {
  return s(
    'g',
    {},
    s('rect', { class: hurt ? 'box hurt' : 'box', x, y, width: box.width, height: box.height, rx: 8 }),
    s('text', { class: 'strong', x: x + 14, y: y + 24 }, name),
    rate > 0 &&
      s('text', { x: x + box.width - 12, y: y + 24, 'text-anchor': 'end' }, `${round(rate)} ${t('perSecond')}`),
    s('text', { class: hurt ? 'bad' : 'label', x: x + 14, y: y + 44 }, lines.filter(Boolean).join(' · ')),
  );
}

/** As thick as what flows through it. */
function wire([x1, y1]: [number, number], [x2, y2]: [number, number], rate: number): SVGElement {
  const bend = (x1 + x2) / 2;
  return s('path', {
    class: rate > 0 ? 'wire' : 'wire idle',
    d: `M${x1} ${y1} C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`,
    'stroke-width': rate > 0 ? 2 + Math.min(14, 3 * Math.log10(1 + rate)) : 2,
  });
}

function curve(past: { x: number; y: number }[], now: number): HTMLElement {
  const most = Math.max(1, ...past.map((one) => one.y));
  const options = {
    width,
    height: 130,
    x: [now - lasting, now] as [number, number],
    y: [0, most] as [number, number],
    lines: [0, round(most)],
    ticks: [5, 4, 3, 2, 1].map((ago) => ({ at: now - ago * 60, label: `−${ago} min` })),
    label: t('lastMinutes'),
    dots: false,
  };
  return h('div', { class: 'card' }, chart(past, options));
}

function round(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}

function names(now: Figures, metric: string, label: string): Set<string> {
  return new Set((now.get(metric) ?? []).map(({ labels }) => labels[label] ?? ''));
}

function sums(now: Figures, metric: string, label: string): Map<string, number> {
  const all = new Map<string, number>();
  for (const { labels, value } of now.get(metric) ?? []) {
    all.set(labels[label] ?? '', (all.get(labels[label] ?? '') ?? 0) + value);
  }
  return all;
}
