import type { Task } from '@medplum/fhirtypes';
import { h, show } from './dom.ts';
import { ask, type MessageView, search, type UnmappedCode } from './gateway.ts';
import { messageTable } from './messages.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';
import { t, timeInParis } from './words.ts';

/** All that waits for a person: messages held or given up, identities to review, codes without a translation. */
export function attentionPage(): Page {
  return {
    seconds: 10,
    async draw(place) {
      const of = (state: string) => ask<{ messages: MessageView[] }>(`/messages?limit=50&state=${state}`);
      const [quarantined, dead, { codes }, reviews] = await Promise.all([
        of('quarantined'),
        of('dead'),
        ask<{ codes: UnmappedCode[] }>('/unmapped'),
        search<Task>('Task?code=identity-review&status=requested&_count=50', 1),
      ]);
      const held = [...dead.messages, ...quarantined.messages];
      show(
        place,
        h('h1', {}, t('held')),
        h('div', { class: 'card' }, held.length ? messageTable(held) : t('none')),
        h('h2', {}, t('reviews')),
        h('div', { class: 'card' }, reviews.length ? reviewList(reviews) : t('none')),
        h('h2', {}, t('unmapped')),
        h('div', { class: 'card' }, codes.length ? codeTable(codes) : t('none')),
      );
    },
  };
}

function reviewList(tasks: Task[]): HTMLElement {
  return h(
    'ul',
    { class: 'plain' },
    tasks.map((one) =>
      h(
        'li',
        {},
        h('a', { href: `#/resource/Task/${one.id}` }, timeInParis(one.authoredOn)),
        ' ',
        one.description ?? '',
      ),
    ),
  );
}

function codeTable(codes: UnmappedCode[]): HTMLElement {
  const heads = ['sender', 'code', 'place', 'times', 'message'];
  return table(
    heads,
    codes.map((one) =>
      h(
        'tr',
        {},
        h('td', {}, one.sender),
        h('td', { class: 'mono' }, `${one.system ?? ''}|${one.code}`),
        h('td', { class: 'mono' }, one.place ?? ''),
        h('td', {}, one.count),
        h('td', {}, h('a', { href: `#/message/${one.lastMessageId}` }, t('message'))),
      ),
    ),
  );
}
