import type { DocumentReference, Identifier, Organization, Practitioner, PractitionerRole } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Conversion } from '../conversion.ts';
import { readIfThere } from '../fhir-pages.ts';

/** Numbers of the people and of the structures that stand behind a document. */
interface Numbers {
  people: string[];
  structures: string[];
}

type Someone = Practitioner | Organization | PractitionerRole;

/**
 * Whether the sender may replace or withdraw a document: as its author, or from the same structure (CI-SIS error 901). Where
 * one of both sides names nobody by number there is nothing to hold against the other.
 *
 * @param by the document that takes the place of the known one; absent for a withdrawal, where the sender of the message counts
 * @param claim who takes a document back, as the document itself says where no message does
 * @throws PasserelleError `fhir-unreachable`: whoever cannot be asked after is not nobody
 */
export async function mayChange(
  known: DocumentReference,
  by: DocumentReference | undefined,
  conversion: Conversion,
  fhir: FhirEndpoint,
  claim: { persons?: Identifier[]; organizations?: Identifier[] } = {},
): Promise<boolean> {
  const inside = new Map(conversion.drafts.map((one) => [one.fullUrl, one.resource]));
  const ours = await numbersOf(by, async (reference) => inside.get(reference) as Someone | undefined);
  const { sender } = conversion.orders ?? {};
  add(ours.people, [sender?.person?.identifier]);
  add(ours.structures, [sender?.organization?.identifier]);
  add(ours.people, claim.persons);
  add(ours.structures, claim.organizations);
  const theirs = await numbersOf(known, (reference) => readIfThere<Someone>(fhir, reference));
  const named = ({ people, structures }: Numbers) => people.length + structures.length > 0;
  if (!named(ours) || !named(theirs)) return true;
  return shares(ours.people, theirs.people) || shares(ours.structures, theirs.structures);
}

async function numbersOf(
  document: DocumentReference | undefined,
  read: (reference: string) => Promise<Someone | undefined>,
): Promise<Numbers> {
  const numbers: Numbers = { people: [], structures: [] };
  const wanted = [...(document?.author ?? []), document?.authenticator, document?.custodian];
  // Each reference is followed once, roles to whom and where they are: a document names few.
  const references = wanted.flatMap((one) => one?.reference ?? []).slice(0, 20);
  for (const reference of references) {
    if (!/^(urn:uuid:|(Practitioner|PractitionerRole|Organization)\/)/.test(reference)) continue;
    const one = await read(reference);
    if (one?.resourceType === 'Practitioner') add(numbers.people, one.identifier);
    if (one?.resourceType === 'Organization') add(numbers.structures, one.identifier);
    if (one?.resourceType !== 'PractitionerRole') continue;
    references.push(...[one.practitioner?.reference, one.organization?.reference].filter((to) => to !== undefined));
  }
  return numbers;
}

/** The bare numbers: one structure is written with and without the digit that says what kind of number it is. */
function add(list: string[], identifiers: (Identifier | undefined)[] | undefined): void {
  list.push(...(identifiers ?? []).flatMap((one) => one?.value?.replace(/\s/g, '') || []));
}

function shares(one: string[], other: string[]): boolean {
  return one.some((a) =>
    other.some((b) => a === b || (Math.min(a.length, b.length) >= 8 && (a.endsWith(b) || b.endsWith(a)))),
  );
}
