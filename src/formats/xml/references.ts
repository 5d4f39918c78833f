import { type Fault, fault } from '../../errors.ts';

const predefined: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const REFERENCE = /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/y;

/**
 * Replaces character references and the five predefined entities (XML 1.0 section 4.6). There are no others, since there
 * is no document type declaration. Answers where the first wrong one stands.
 */
export function resolveReferences(raw: string): string | { at: number } {
  let out = '';
  let from = 0;
  for (let at = raw.indexOf('&'); at >= 0; at = raw.indexOf('&', from)) {
    REFERENCE.lastIndex = at;
    const found = REFERENCE.exec(raw);
    if (!found) return { at };
    const [all, decimal, hexadecimal, name] = found;
    const character = name
      ? predefined[name]
      : codePoint(decimal ? Number(decimal) : Number.parseInt(hexadecimal!, 16));
    if (character === undefined) return { at };
    out += raw.slice(from, at) + character;
    from = at + all.length;
  }
  return out + raw.slice(from);
}

/** A character XML allows (section 2.2), undefined for any other number. */
function codePoint(value: number): string | undefined {
  const legal =
    value === 9 ||
    value === 10 ||
    value === 13 ||
    (value >= 0x20 && value <= 0xd7ff) ||
    (value >= 0xe000 && value <= 0xfffd) ||
    (value >= 0x10000 && value <= 0x10ffff);
  return legal ? String.fromCodePoint(value) : undefined;
}

/** A reference to an entity that is not predefined gets its own fault: it needs a DOCTYPE, which is refused. */
export function entityFault(raw: string, at: number): Fault | undefined {
  const name = /^&([A-Za-z_][\w.-]{0,60});/.exec(raw.slice(at, at + 64))?.[1];
  return name ? fault('xml-entity', { params: { entity: name } }) : undefined;
}
