import { h, show } from './dom.ts';
import { ask, type ElementOrigin } from './gateway.ts';
import type { Page } from './page.ts';
import { language, t } from './words.ts';

/** A resource as a tree; a click on an element says where in which message it came from. */
export function resourcePage(reference: string): Page {
  return {
    async draw(place) {
      const resource = await ask<Record<string, unknown>>(`/fhir/R4/${reference}`);
      const origin = h('aside', { class: 'card' }, h('h2', {}, t('source')), h('p', { class: 'soft' }, t('pick')));
      const pick = (path: string) => void explain(reference, path, origin);
      show(
        place,
        h('h1', {}, String(resource.resourceType), ' ', h('span', { class: 'soft mono' }, String(resource.id))),
        h('div', { class: 'two' }, h('div', { class: 'card mono' }, tree(resource, '', pick)), origin),
      );
    },
  };
}

async function explain(reference: string, path: string, place: Element): Promise<void> {
  const query = path ? `?path=${encodeURIComponent(path)}` : '';
  const { message, elements } = await ask<{ message: string; elements: ElementOrigin[] }>(
    `/explain/${reference}${query}`,
  );
  show(
    place,
    h('h2', {}, path || reference),
    elements.length === 0 && h('p', { class: 'soft' }, t('noTrace')),
    elements.map((one) =>
      h(
        'div',
        {},
        h('p', {}, one.sentence[language()]),
        h(
          'p',
          { class: 'soft small' },
          `${t('place')} ${one.place} · ${one.map}.map · ${t('rule')} ${one.rule} · ${t('version')} ${one.version}`,
        ),
      ),
    ),
    h('p', {}, h('a', { href: `#/message/${message}` }, t('message'))),
  );
}

function tree(value: unknown, path: string, pick: (path: string) => void): HTMLElement | string {
  if (Array.isArray(value)) {
    return h(
      'ul',
      { class: 'tree' },
      value.map((one, index) => branch(`[${index}]`, one, `${path}[${index}]`, pick)),
    );
  }
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).filter(([name]) => path !== '' || name !== 'resourceType');
  return h(
    'ul',
    { class: 'tree' },
    entries.map(([name, one]) => branch(name, one, path ? `${path}.${name}` : name, pick)),
  );
}

function branch(name: string, value: unknown, path: string, pick: (path: string) => void): HTMLElement {
  const text = typeof value === 'string' && value.length > 300 ? `${value.slice(0, 300)}…` : value;
  const reference = name === 'reference' && typeof value === 'string' && /^[A-Z]\w+\/[\w.-]+$/.test(value);
  return h(
    'li',
    {},
    h('button', { type: 'button', onclick: () => pick(path) }, name),
    ' ',
    reference ? h('a', { href: `#/resource/${value}` }, String(value)) : tree(text, path, pick),
  );
}
