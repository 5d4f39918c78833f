import { attentionPage } from './attention.ts';
import { h, show } from './dom.ts';
import { flowPage } from './flow.ts';
import { followUpPage } from './follow-up.ts';
import { forgetToken, keepToken, Refusal, readiness, token } from './gateway.ts';
import { messagePage } from './message.ts';
import { messagesPage } from './messages.ts';
import type { Page } from './page.ts';
import { resourcePage } from './resource.ts';
import { language, otherLanguage, t, type Word } from './words.ts';

const rooms: { name: Word; hash: string }[] = [
  { name: 'flow', hash: '#/flow' },
  { name: 'messages', hash: '#/messages' },
  { name: 'attention', hash: '#/attention' },
  { name: 'followUp', hash: '#/follow-up' },
];

const place = document.querySelector('#page') as HTMLElement;
let timer: number | undefined;
let shown = 0;

function pageOf(hash: string): Page {
  const [room, ...rest] = hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  if (room === 'messages') return messagesPage(rest[0]);
  if (room === 'message' && rest[0]) return messagePage(rest[0]);
  if (room === 'resource' && rest[0] && rest[1]) return resourcePage(`${rest[0]}/${rest[1]}`);
  if (room === 'attention') return attentionPage();
  if (room === 'follow-up') return followUpPage();
  return flowPage();
}

function frame(): void {
  document.documentElement.lang = language();
  const here = location.hash || '#/flow';
  show(
    document.querySelector('#rooms') as Element,
    rooms.map(({ name, hash }) =>
      h('a', { href: hash, 'aria-current': here.startsWith(hash) ? 'page' : undefined }, t(name)),
    ),
  );
  (document.querySelector('#language') as Element).textContent = t('other');
  (document.querySelector('#leave') as Element).textContent = t('leave');
}

async function look(): Promise<void> {
  clearTimeout(timer);
  const number = ++shown;
  if (!token()) return enter();
  frame();
  const page = pageOf(location.hash);
  show(place);
  const again = async () => {
    await tell(readiness());
    await draw(page);
    if (number === shown && page.seconds) timer = setTimeout(again, page.seconds * 1000);
  };
  await again();
}

async function draw(page: Page): Promise<void> {
  try {
    await page.draw(place);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.message === 'tokenRefused') return enter(t('tokenRefused'));
    if (!place.hasChildNodes() || error.message !== 'unreachable') {
      show(place, h('p', { class: 'card error', role: 'alert' }, t(error.message)));
    }
  }
}

async function tell(asked: Promise<string>): Promise<void> {
  const state = await asked.catch(() => 'unreachable');
  const sign = document.querySelector('#state') as Element;
  show(sign, h('span', { class: `chip ${state === 'ready' ? 'delivered' : 'error'}` }, t(state)));
}

function enter(problem?: string): void {
  frame();
  const field = h('input', { type: 'password', autocomplete: 'off', 'aria-label': t('enter') }) as HTMLInputElement;
  const submit = (event: Event) => {
    event.preventDefault();
    keepToken(field.value.trim());
    void look();
  };
  show(
    place,
    h(
      'form',
      { class: 'card enter', onsubmit: submit },
      h('h1', {}, t('enter')),
      h('p', { class: 'soft' }, t('enterHow')),
      problem && h('p', { class: 'error', role: 'alert' }, problem),
      field,
      h('button', { class: 'primary' }, t('open')),
    ),
  );
  field.focus();
}

addEventListener('hashchange', () => void look());
document.querySelector('#language')?.addEventListener('click', () => {
  otherLanguage();
  void look();
});
document.querySelector('#leave')?.addEventListener('click', () => {
  forgetToken();
  void look();
});
void look();
