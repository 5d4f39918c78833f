import { h, show } from './dom.ts';
import { ask, type MessageView } from './gateway.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';
import { sizeText, t, timeInParis } from './words.ts';

const states = ['accepted', 'delivered', 'quarantined', 'refused', 'dead'];
const page = 50;

/** The journal, newest first; all states or one. */
export function messagesPage(state?: string): Page {
  const tail: MessageView[] = [];
  return {
    seconds: 5,
    async draw(place) {
      const { messages } = await ask<{ messages: MessageView[] }>(asked(state));
      const known = new Set(messages.map((one) => one.id));
      const rows = [...messages, ...tail.filter((one) => !known.has(one.id))];
      const older = async () => {
        const last = rows.at(-1)?.id;
        tail.push(...(await ask<{ messages: MessageView[] }>(`${asked(state)}&before=${last}`)).messages);
        await this.draw(place);
      };
      show(
        place,
        h(
          'div',
          { class: 'bar' },
          h('h1', {}, t('messages')),
          ['', ...states].map((one) =>
            h(
              'a',
              {
                href: one ? `#/messages/${one}` : '#/messages',
                'aria-current': (state ?? '') === one ? 'page' : undefined,
              },
              t(one || 'all'),
            ),
          ),
        ),
        h('div', { class: 'card' }, rows.length ? messageTable(rows) : t('none')),
        rows.length >= page && h('button', { type: 'button', onclick: () => void older() }, t('older')),
      );
    },
  };
}

function asked(state: string | undefined): string {
  return `/messages?limit=${page}${state ? `&state=${encodeURIComponent(state)}` : ''}`;
}

/** A line a message; a click opens it. */
export function messageTable(rows: MessageView[]): HTMLElement {
  const heads = ['received', 'door', 'sender', 'content', 'size', 'state', 'attempts'];
  const line = (one: MessageView) => {
    const open = () => {
      location.hash = `#/message/${one.id}`;
    };
    return h(
      'tr',
      { class: 'open', onclick: open },
      h('td', {}, h('a', { href: `#/message/${one.id}` }, timeInParis(one.receivedAt))),
      h('td', {}, one.door),
      h('td', {}, one.sender),
      h('td', {}, one.kind),
      h('td', {}, sizeText(one.size)),
      h('td', {}, chip(one.state)),
      h('td', {}, one.attempts),
    );
  };
  return table(heads, rows.map(line));
}

/** A state in its colour. */
export function chip(state: string): HTMLElement {
  return h('span', { class: `chip ${state}` }, t(state));
}
