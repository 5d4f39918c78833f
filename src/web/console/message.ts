import { h, show } from './dom.ts';
import { ask, type MessageView } from './gateway.ts';
import { chip, messageTable } from './messages.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';
import { t, timeInParis } from './words.ts';

/** One message: what became of it, of each of its deliveries, and the resources it wrote. */
export function messagePage(id: string): Page {
  return {
    seconds: 3,
    async draw(place) {
      const one = await ask<MessageView>(`/messages/${encodeURIComponent(id)}`);
      const replay = async () => {
        await ask(`/messages/${encodeURIComponent(id)}/replay`, 'POST');
        await this.draw(place);
      };
      show(
        place,
        h('div', { class: 'bar' }, h('h1', {}, one.kind), chip(one.state), h('span', { class: 'soft mono' }, one.id)),
        h('div', { class: 'card' }, messageTable([one]), times(one)),
        one.issues.length > 0 && [h('h2', {}, t('issues')), h('div', { class: 'card' }, issueList(one.issues))],
        one.references.length > 0 && [
          h('h2', {}, t('written')),
          h('div', { class: 'card' }, references(one.references)),
        ],
        one.deliveries.length > 0 && [h('h2', {}, t('deliveries')), h('div', { class: 'card' }, deliveries(one))],
        one.state !== 'accepted' && h('button', { type: 'button', onclick: () => void replay() }, t('replay')),
      );
    },
  };
}

function times({ settledAt, nextAttemptAt }: MessageView): HTMLElement {
  const parts = [
    settledAt && `${t('settled')} ${timeInParis(settledAt)}`,
    nextAttemptAt && `${t('nextAttempt')} ${timeInParis(nextAttemptAt)}`,
  ];
  return h('p', { class: 'soft small' }, parts.filter(Boolean).join(' · '));
}

function issueList(issues: MessageView['issues']): HTMLElement {
  return h(
    'ul',
    { class: 'plain' },
    issues.map((one) =>
      h(
        'li',
        {},
        h('span', { class: `chip ${one.severity}` }, one.severity),
        ' ',
        h('span', { class: 'mono soft' }, one.expression?.join(' ') ?? ''),
        ' ',
        one.details?.text ?? '',
      ),
    ),
  );
}

function references(all: string[]): HTMLElement {
  const byType = Map.groupBy(all, (one) => one.split('/')[0] ?? '');
  return h(
    'ul',
    { class: 'plain' },
    [...byType].map(([type, list]) =>
      h(
        'li',
        {},
        h('strong', {}, type),
        ' ',
        list.map((one, index) => [
          index > 0 && ' · ',
          h('a', { class: 'mono', href: `#/resource/${one}` }, short(one)),
        ]),
      ),
    ),
  );
}

function short(reference: string): string {
  return reference.slice(reference.indexOf('/') + 1).slice(-12);
}

function deliveries({ deliveries: rows }: MessageView): HTMLElement {
  const heads = ['destination', 'content', 'state', 'attempts', 'nextAttempt', 'answers'];
  return table(
    heads,
    rows.map((one) => [
      h(
        'tr',
        {},
        h('td', {}, one.destination),
        h('td', {}, one.kind),
        h('td', {}, chip(one.state)),
        h('td', {}, one.attempts),
        h('td', {}, timeInParis(one.nextAttemptAt)),
        h('td', {}, one.receipts.map((receipt) => receipt.kind).join(' ')),
      ),
      one.issues.length > 0 && h('tr', {}, h('td', { colspan: heads.length }, issueList(one.issues))),
    ]),
  );
}
