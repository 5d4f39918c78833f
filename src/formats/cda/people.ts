import type { Address, ContactPoint, HumanName } from '@medplum/fhirtypes';
import { attribute, ownText, type XmlElement } from '../xml/index.ts';

/** FR Core: all given names of the birth certificate in their order. */
const BIRTH_LIST = 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name';

type NameParts = Record<'family' | 'given' | 'prefix' | 'suffix', { text: string; qualifier: string }[]>;

function nameParts(element: XmlElement): NameParts {
  const parts: NameParts = { family: [], given: [], prefix: [], suffix: [] };
  for (const part of element.children) {
    if (typeof part === 'string') continue;
    const list = Object.hasOwn(parts, part.name) ? parts[part.name as keyof NameParts] : undefined;
    const text = list && ownText(part).replace(/\s+/g, ' ').trim();
    if (text) list.push({ text, qualifier: attribute(part, 'qualifier')?.trim() ?? '' });
  }
  return parts;
}

const texts = (list: { text: string }[]) => list.map((one) => one.text);

/** PN of anyone but the patient → HumanName. */
export function readPersonName(element: XmlElement): HumanName | undefined {
  const parts = nameParts(element);
  const name: HumanName = {};
  if (parts.family.length) name.family = [...new Set(texts(parts.family))].join(' ');
  if (parts.given.length) name.given = texts(parts.given);
  if (parts.prefix.length) name.prefix = texts(parts.prefix);
  if (parts.suffix.length) name.suffix = texts(parts.suffix);
  const plain = ownText(element).replace(/\s+/g, ' ').trim();
  if (plain) name.text = plain;
  return Object.keys(name).length ? name : undefined;
}

/**
 * PN of the patient → the birth name (`official`: BR, or what has no qualifier) and the used name (`usual`: CL, older
 * documents SP), https://hl7.fr/ig/fhir/core; a pseudonym (`use` P or A) is only that; given names without a qualifier beside a BR one are the list of the birth
 * certificate.
 */
export function readPatientNames(element: XmlElement): HumanName[] {
  const name = /^(P|A)$/.test(attribute(element, 'use')?.trim() ?? '') ? readPersonName(element) : undefined;
  if (name) return [{ use: 'nickname', ...name }];
  const { family, given, prefix, suffix } = nameParts(element);
  const of = (list: typeof family, ...qualifiers: string[]) =>
    texts(list.filter((one) => qualifiers.includes(one.qualifier)));
  const names: HumanName[] = [];
  const birthGiven = of(given, 'BR');
  const plainGiven = of(given, '');
  const birthFamily = of(family, 'BR')[0] ?? of(family, '')[0];
  if (birthFamily !== undefined || birthGiven.length || plainGiven.length) {
    const official: HumanName = { use: 'official' };
    if (plainGiven.length) official.extension = [{ url: BIRTH_LIST, valueString: plainGiven.join(' ') }];
    if (birthFamily !== undefined) official.family = birthFamily;
    const first = birthGiven[0] ?? plainGiven[0];
    if (first !== undefined) official.given = [first];
    names.push(official);
  }
  const usedFamily = of(family, 'CL')[0] ?? of(family, 'SP')[0];
  const usedGiven = of(given, 'CL');
  if (usedFamily !== undefined || usedGiven.length) {
    const usual: HumanName = { use: 'usual' };
    if (usedFamily ?? birthFamily) usual.family = usedFamily ?? birthFamily!;
    const first = usedGiven[0] ?? names[0]?.given?.[0];
    if (first !== undefined) usual.given = [first];
    names.push(usual);
  }
  const titled = names[names.length - 1];
  if (titled && prefix.length) titled.prefix = texts(prefix);
  if (titled && suffix.length) titled.suffix = texts(suffix);
  const plain = ownText(element).replace(/\s+/g, ' ').trim();
  if (!names.length && plain) names.push({ use: 'official', text: plain });
  return names;
}

const addressUses: Record<string, 'home' | 'work' | 'temp' | 'old'> = {
  H: 'home',
  HP: 'home',
  HV: 'home',
  WP: 'work',
  DIR: 'work',
  PUB: 'work',
  TMP: 'temp',
  BAD: 'old',
};

/** AD → Address; street parts make one line, complements their own. */
export function readAddress(element: XmlElement): Address | undefined {
  const address: Address = {};
  const street: string[] = [];
  const lines: string[] = [];
  for (const part of element.children) {
    if (typeof part === 'string') continue;
    const text = ownText(part).replace(/\s+/g, ' ').trim();
    if (!text) continue;
    if (part.name === 'city') address.city = text;
    else if (part.name === 'postalCode') address.postalCode = text;
    else if (part.name === 'country') address.country = text;
    else if (part.name === 'state') address.state = text;
    else if (part.name === 'county') address.district = text;
    else if (/^(houseNumber|houseNumberNumeric|streetName|streetNameBase|streetNameType|direction)$/.test(part.name))
      street.push(text);
    else lines.push(text);
  }
  if (street.length) lines.unshift(street.join(' '));
  if (lines.length) address.line = lines;
  const plain = ownText(element).replace(/\s+/g, ' ').trim();
  if (plain) address.text = plain;
  if (!Object.keys(address).length) return undefined;
  const use = attribute(element, 'use')?.trim().split(/\s+/)[0];
  if (use && Object.hasOwn(addressUses, use)) address.use = addressUses[use];
  return address;
}

/** As of addresses; only a telephone can be a mobile one. */
const telecomUses: Record<string, ContactPoint['use']> = { ...addressUses, MC: 'mobile' };

const telecomSystems: Record<string, ContactPoint['system']> = {
  tel: 'phone',
  mailto: 'email',
  fax: 'fax',
  http: 'url',
  https: 'url',
  ftp: 'url',
  sms: 'sms',
  pager: 'pager',
};

/** TEL → ContactPoint by the scheme of its URL. */
export function readTelecom(element: XmlElement): ContactPoint | undefined {
  const written = attribute(element, 'value')?.trim();
  if (!written) return undefined;
  const scheme = /^([a-z]+):/i.exec(written)?.[1]?.toLowerCase();
  const system = scheme && Object.hasOwn(telecomSystems, scheme) ? telecomSystems[scheme] : undefined;
  const point: ContactPoint = { system: system ?? systemOf(written) };
  point.value = system && system !== 'url' ? written.slice(scheme!.length + 1).replace(/^\/\//, '') : written;
  if (!point.value) return undefined;
  const use = attribute(element, 'use')?.trim().split(/\s+/)[0];
  if (use && Object.hasOwn(telecomUses, use)) point.use = telecomUses[use];
  return point;
}

/** Without a scheme: an address by its @, a number by its digits. */
function systemOf(written: string): ContactPoint['system'] {
  if (written.includes('@')) return 'email';
  return /^\+?[\d .()-]{3,30}$/.test(written) ? 'phone' : 'other';
}
