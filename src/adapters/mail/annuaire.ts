import type { Bundle, ContactPoint, Extension, Identifier, Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../../errors.ts';
import type { MailConfig } from './config.ts';
import type { Directory, Mailbox } from './directory.ts';

/** Most pages of one answer that are followed. */
const MOST_PAGES = 10;
/** Most answers that are kept. */
const MOST_KEPT = 10_000;

/** Systems whose holders are structures; all others are persons. */
const structures = new Set(['urn:oid:1.2.250.1.71.4.2.2', 'https://finess.esante.gouv.fr']);

/**
 * Annuaire Santé, FHIR API version 2: https://ansforge.github.io/annuaire-sante-fhir-documentation. Searches by identifier,
 * follows `next` within its own base, keeps answers for a while. Throws PasserelleError `mail-unreachable` when it does not
 * answer: the delivery waits.
 */
export function annuaireDirectory(config: NonNullable<MailConfig['annuaire']>): Directory {
  const kept = new Map<string, { until: number; boxes: Mailbox[] }>();
  const base = config.url.replace(/\/+$/, '');
  return {
    async mailboxesOf({ system, value }: Identifier) {
      const name = `${system}|${value}`;
      const known = kept.get(name);
      if (known && known.until > Date.now()) return known.boxes;
      const query = `identifier=${encodeURIComponent(name)}`;
      const paths = structures.has(system ?? '')
        ? [`${base}/Organization?${query}`]
        : [
            `${base}/PractitionerRole?practitioner.${query}&active=true&_include=PractitionerRole:practitioner`,
            `${base}/Practitioner?${query}`,
          ];
      const boxes: Mailbox[] = [];
      for (const path of paths) boxes.push(...(await search(path, base, config.apiKey)).flatMap(mailboxes));
      if (kept.size >= MOST_KEPT) kept.clear();
      kept.set(name, { until: Date.now() + config.cacheSeconds * 1000, boxes });
      return boxes;
    },
  };
}

async function search(first: string, base: string, apiKey: string): Promise<Resource[]> {
  const found: Resource[] = [];
  let next: string | undefined = first;
  for (let page = 0; next && page < MOST_PAGES; page++) {
    // A link to another place would be shown the key.
    if (!next.startsWith(`${base}/`) && !next.startsWith(`${base}?`)) break;
    const bundle: Bundle | undefined = await get(next, apiKey);
    for (const { resource } of bundle?.entry ?? []) if (resource) found.push(resource);
    next = bundle?.link?.find((one) => one.relation === 'next')?.url;
  }
  return found;
}

async function get(url: string, apiKey: string): Promise<Bundle | undefined> {
  const away = (reason: string, cause?: unknown) =>
    new PasserelleError(fault('mail-unreachable', { params: { reason: `annuaire: ${reason}` } }), { cause });
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { 'ESANTE-API-KEY': apiKey, accept: 'application/fhir+json' },
      redirect: 'error',
      signal: AbortSignal.timeout(30_000),
    });
  } catch (error) {
    throw away('no answer', error);
  }
  if (response.status === 404 || response.status === 410) return undefined;
  if (!response.ok) throw away(String(response.status));
  return (await response.json()) as Bundle;
}

function mailboxes(resource: Resource): Mailbox[] {
  const { active, telecom } = resource as { active?: boolean; telecom?: ContactPoint[] };
  if (active === false) return [];
  return (telecom ?? []).flatMap((one) => {
    const metadata = one.extension?.find(({ url }) => /mailbox-mss-metadata$/.test(url))?.extension;
    if (one.system !== 'email' || !one.value || !metadata) return [];
    const part = (name: string): Extension | undefined => metadata.find(({ url }) => url === name);
    const type = part('type')?.valueCodeableConcept?.coding?.[0]?.code ?? part('type')?.valueCoding?.code ?? '';
    // Unknown is as good as listed: an address that should be hidden is never used.
    return [{ address: one.value, type, redListed: part('listeRouge')?.valueBoolean !== false }];
  });
}
