import type { CapabilityStatement } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';

/**
 * What makes a write that is sent twice be there once, as `CapabilityStatement.rest.resource` names it: `PUT` to an id that the
 * client chose, `POST` unless a search finds it (If-None-Exist), `PUT` to what a search finds.
 * https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.updateCreate
 */
export type Ability = 'updateCreate' | 'conditionalCreate' | 'conditionalUpdate';

/** What a server can do with resources of a type. */
export type Abilities = (type: string) => ReadonlySet<Ability>;

const ALL: readonly Ability[] = ['updateCreate', 'conditionalCreate', 'conditionalUpdate'];

/** The same for every type, as somebody who knows the server has set it. */
export function declared(abilities: readonly Ability[]): Abilities {
  const known = new Set(abilities);
  return () => known;
}

/** As the server says; where it says nothing of an ability, it is taken to have it, and says no when it has not. */
export function abilitiesIn(statement: CapabilityStatement): Abilities {
  const resources = (statement.rest ?? []).flatMap((rest) => (rest.mode === 'server' ? (rest.resource ?? []) : []));
  const byType = new Map(
    resources.map((one) => [one.type as string, new Set(ALL.filter((ability) => one[ability] !== false))]),
  );
  const all = new Set(ALL);
  return (type) => byType.get(type) ?? all;
}

/** Asks the server once, when something is first written; a server that is away is asked again the next time. */
export class Learnt {
  readonly #endpoint: FhirEndpoint;
  #asked: Promise<Abilities | FhirResponse> | undefined;

  constructor(endpoint: FhirEndpoint) {
    this.#endpoint = endpoint;
  }

  /** What it can do, or the answer of a server that cannot be asked just now. */
  async abilities(): Promise<Abilities | FhirResponse> {
    this.#asked ??= this.#ask();
    const answer = await this.#asked;
    if (typeof answer !== 'function') this.#asked = undefined;
    return answer;
  }

  async #ask(): Promise<Abilities | FhirResponse> {
    const answer = await this.#endpoint.send({ method: 'GET', path: 'metadata' });
    const statement = answer.body as CapabilityStatement | undefined;
    if (statement?.resourceType === 'CapabilityStatement') return abilitiesIn(statement);
    // Nothing was written: whoever waits for the write may simply try it again. A server that has no statement is tried out.
    const isAway = answer.status >= 500 || answer.status === 408 || answer.status === 429;
    return isAway ? { ...answer, status: 503 } : declared(ALL);
  }
}
