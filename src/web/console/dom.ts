/** What an element may hold; strings become text, never markup. */
export type Child = Node | string | number | false | null | undefined | Child[];
type Attributes = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

const svgSpace = 'http://www.w3.org/2000/svg';

/** An HTML element. `onclick` and the like take functions; undefined and false leave an attribute out. */
export function h(tag: string, attributes: Attributes = {}, ...children: Child[]): HTMLElement {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function s(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

/** Replaces what an element holds. */
export function show(place: Element, ...children: Child[]): void {
  place.replaceChildren(...flat(children));
}

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...flat(children));
  return element;
}

function flat(children: Child[]): (Node | string)[] {
  return children.flatMap((child): (Node | string)[] => {
    if (Array.isArray(child)) return flat(child);
    if (child === false || child === null || child === undefined) return [];
    return [typeof child === 'number' ? String(child) : child];
  });
}
