import type { Bundle, CareTeam, Patient, Resource } from '@medplum/fhirtypes';
import { type Elsewhere, faultOf } from '../../adapter/elsewhere.ts';
import { insOf, isQualified } from '../../adapter/ins.ts';
import type { Delivery, DeliveryOutcome, FhirEndpoint, Wanted, Written } from '../../adapter.ts';
import { type ErrorCode, fault, PasserelleError } from '../../errors.ts';
import { circleBundle, essence, identifierOf, type Member } from './circle.ts';

/** What sending a circle needs: the house's FHIR server, and the server that manages circles. */
export interface Sharing {
  fhir: FhirEndpoint;
  manager: Elsewhere;
}

/** Every care circle that a message has written; what is sent is what it is when it is sent. */
export function wantsOf({ references }: Written): Wanted[] {
  const teams = [...new Set(references.filter((one) => one.startsWith('CareTeam/')))];
  return teams.map((team) => ({ part: team, kind: 'care-circle', payload: { team } }));
}

const passing: ReadonlySet<ErrorCode> = new Set(['share-unreachable', 'fhir-unreachable']);

/**
 * PCC-45, after a search for the circle that is there (PCC-46): nothing is sent when it is the same. The write is a
 * conditional update, so an attempt whose answer was lost may simply be repeated.
 */
export async function shareCircle(delivery: Delivery, { fhir, manager }: Sharing): Promise<DeliveryOutcome> {
  try {
    const { team: reference } = delivery.payload as { team: string };
    const team = await readOne<CareTeam>(reference, fhir);
    // Taken away since: there is nothing to tell that a circle without members would not tell better.
    if (!team) return { outcome: 'delivered' };
    const patient = await readOne<Patient>(team.subject?.reference, fhir);
    const ins = patient && insOf(patient);
    if (!ins || !isQualified(patient)) throw stop('circle-unqualified');
    const members = await membersOf(team, fhir);
    const bundle = circleBundle({ team, patient, ins, members });
    const sent = bundle.entry!.at(-1)!.resource as CareTeam;
    const there = await circlesOf(`${ins.system}|${ins.value}`, manager);
    const own = identifierOf(team);
    const known = there.find((one) =>
      one.identifier?.some(({ system, value }) => system === own.system && value === own.value),
    );
    if (known && essence(known) === essence(sent)) return { outcome: 'delivered' };
    if (!known && there.some((one) => one.status === 'active')) throw stop('circle-foreign');
    const answer = await manager.send('POST', '', bundle, delivery.id);
    if (answer.status !== 200) throw new PasserelleError(faultOf(answer));
    return { outcome: 'delivered' };
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    const { faults } = error;
    if (faults.some((one) => one.code === 'share-unconfirmed')) return { outcome: 'ambiguous', faults };
    return { outcome: faults.some((one) => passing.has(one.code)) ? 'transient' : 'permanent', faults };
  }
}

/** PCC-46: the circles of one patient. */
async function circlesOf(ins: string, manager: Elsewhere): Promise<CareTeam[]> {
  const answer = await manager.send('GET', `CareTeam?patient.identifier=${encodeURIComponent(ins)}&_count=50`);
  if (answer.status !== 200) {
    const { code, params } = faultOf(answer);
    // Nothing was sent: a search that fails is never a reason to fear a second circle.
    throw new PasserelleError(fault(code === 'share-unconfirmed' ? 'share-unreachable' : code, { params }));
  }
  return ((answer.body as Bundle | undefined)?.entry ?? [])
    .map((one) => one.resource)
    .filter((one): one is CareTeam => one?.resourceType === 'CareTeam');
}

/** Members and those behind them, by the reference that names each here. */
async function membersOf(team: CareTeam, fhir: FhirEndpoint): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const named = [...(team.participant ?? []).map((one) => one.member), ...(team.managingOrganization ?? [])];
  const wanted = named.flatMap((one) => one?.reference ?? []);
  for (const reference of wanted) {
    if (members.has(reference) || members.size >= 200) continue;
    const one = await readOne<Member>(reference, fhir);
    if (!one) continue;
    members.set(reference, one);
    if (one.resourceType !== 'PractitionerRole') continue;
    wanted.push(...[one.practitioner?.reference, one.organization?.reference].filter((to) => to !== undefined));
  }
  return members;
}

async function readOne<R extends Resource>(reference: string | undefined, fhir: FhirEndpoint): Promise<R | undefined> {
  if (!reference || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(reference)) return undefined;
  const { status, body } = await fhir.send({ method: 'GET', path: reference });
  if (status === 404 || status === 410) return undefined;
  if (status !== 200) throw new PasserelleError(fault('fhir-unreachable', { detail: `answered ${status}` }));
  return body as R;
}

function stop(code: ErrorCode): PasserelleError {
  return new PasserelleError(fault(code));
}
