import type { Request } from 'express';

/** What a request asks for, apart from how its answer is to be written. */
export interface Asked {
  /** Path and query below the base, without `_format` and `_pretty`. */
  path: string;
  /** For the FHIR server: always JSON, this door writes XML itself; the exact bytes of a Binary when FHIR is not wanted. */
  accept: string;
  xml: boolean;
  pretty: boolean;
}

const FHIR = 'application/fhir+json';

/** Each door that looks at a request asks, and so does the answer; the gate may have added to its address in between. */
const known = new WeakMap<Request, { url: string; asked: Asked }>();

/** `_format` outweighs `Accept`, https://hl7.org/fhir/R4/http.html#parameters */
export function asked(request: Request): Asked {
  const before = known.get(request);
  if (before?.url === request.url) return before.asked;
  const now = readAsked(request);
  known.set(request, { url: request.url, asked: now });
  return now;
}

function readAsked(request: Request): Asked {
  const [raw = '', query = ''] = request.url.replace(/^\/+/, '').split(/\?(.*)/s);
  const path = plain(raw);
  const parameters = query.split('&').filter(Boolean);
  const value = (name: string) => {
    const found = parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    return found === undefined ? undefined : new URLSearchParams(`x=${found}`).get('x')!;
  };
  const rest = parameters.filter((one) => !/^_(format|pretty)=/.test(one)).join('&');
  const format = value('_format');
  const wanted = format ?? request.get('accept') ?? '*/*';
  const bytes = format === undefined && /^Binary\/[^/]+$/.test(path) && !isFhir(wanted);
  return {
    path: rest ? `${path}?${rest}` : path,
    accept: bytes ? wanted : FHIR,
    xml: prefersXml(wanted),
    pretty: value('_pretty') === 'true',
  };
}

/** Some clients escape the `$` of operations. The gate has refused whatever could be read in two ways. */
function plain(path: string): string {
  return path.replace(/%24/g, '$');
}

function isFhir(accept: string): boolean {
  return /application\/(fhir\+(json|xml)|json)/.test(accept);
}

function prefersXml(wanted: string): boolean {
  const xml = wanted.indexOf('xml');
  const json = wanted.indexOf('json');
  return xml >= 0 && (json < 0 || xml < json);
}
