import type { Organization, Resource } from '@medplum/fhirtypes';
import type { Asker } from './porter.ts';
import { patientsOf } from './porter-elements.ts';
import type { Records } from './porter-records.ts';
import type { AccessRules } from './porter-rules.ts';

/** More patients than this are not looked through for a search that names none. */
const mostPatients = 1000;

/**
 * Ids of the patients who may be in somebody's circle; undefined when they are too many. Candidates only: what is found is
 * decided resource by resource afterwards.
 */
export async function reachOf(
  rules: AccessRules,
  me: Asker,
  type: string,
  records: Records,
): Promise<string[] | undefined> {
  if (me.kind === 'patient' || me.kind === 'representative') return me.patient === undefined ? [] : [me.patient];
  const self = [...me.references.keys()];
  const all = [...self, ...me.organizations.keys()];
  const units = await unitsOf(me, records);
  const { system, code } = rules.breakGlass;
  const programmes = me.kind === 'tool' ? me.programmes : me.territory.size > 0 ? rules.territory.programmes : [];
  const asks: [type: string, parameter: string, values: string[], more?: string][] = [
    ['CareTeam', 'participant', all, '&status=active'],
    ['Patient', 'general-practitioner', self],
    // The day and the actor are the porter's to check; of grants there are few.
    ['Consent', 'actor', self, `&category=${encodeURIComponent(`${system}|${code}`)}&status=active`],
    ['Encounter', 'service-provider', units, `&status=${rules.currentStay.join(',')}`],
    // A service that is over is still shown to whom it was asked of.
    ['ServiceRequest', 'performer', all],
    ['EpisodeOfCare', 'type', [...programmes]],
    ...authored(rules, type, self),
    // A hidden document's authors also see what came out of it, whatever its type.
    ['DocumentReference', 'author', self],
  ];
  const ids = new Set<string>();
  for (const [of, parameter, values, more] of asks) {
    if (values.length === 0) continue;
    for (const one of await records.find<Resource>(of, parameter, values, more, mostPatients * 4)) {
      for (const id of patientsOf(rules, one)) ids.add(id);
    }
    if (ids.size > mostPatients) return undefined;
  }
  return [...ids];
}

/** The structures somebody works in, and the units that are part of them. */
async function unitsOf({ organizations }: Asker, records: Records): Promise<string[]> {
  const own = [...organizations.keys()];
  const parts = await records.find<Organization>('Organization', 'partof', own);
  return [...own, ...parts.map(({ id }) => `Organization/${id}`)];
}

function authored(rules: AccessRules, type: string, self: string[]): [string, string, string[]][] {
  const parameter = { sender: 'sender', requester: 'requester', author: 'author' }[rules.authorOf[type]?.[0] ?? ''];
  return parameter ? [[type, parameter, self]] : [];
}
