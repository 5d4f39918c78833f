import type { Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import { searchAll } from '../fhir-pages.ts';

/** What the porter itself reads of the FHIR server, whoever asks: small questions, asked anew for each request. */
export interface Records {
  /** Current resources with one of these values; `more` narrows a search elsewhere and must not be relied on. */
  find<R extends Resource>(
    type: string,
    parameter: string,
    values: string[],
    more?: string,
    limit?: number,
  ): Promise<R[]>;
  /** Begins several finds at once, so that they see one state; where the server is in this process. */
  together?<T>(finds: () => T): T;
}

/** Beyond this an answer is cut off; a patient's own circle never comes near. */
const mostRecords = 20_000;
const chunk = 200;

/** By the index where the server is in this process, by searches elsewhere. */
export function recordsOf(fhir: FhirEndpoint): Records {
  const { find } = fhir;
  if (find) {
    return {
      find: async <R>(type: string, parameter: string, values: string[], _more = '', limit?: number) =>
        find.call(fhir, type, parameter, values, limit) as R[],
      ...(fhir.together ? { together: (finds) => fhir.together!(finds) } : {}),
    };
  }
  return {
    async find<R extends Resource>(type: string, parameter: string, values: string[], more = '', limit = mostRecords) {
      const found: R[] = [];
      for (let at = 0; at < values.length; at += chunk) {
        const list = values
          .slice(at, at + chunk)
          .map(encodeURIComponent)
          .join(',');
        found.push(...(await searchAll<R>(fhir, `${type}?${parameter}=${list}${more}&_count=1000`, limit)));
      }
      return found.filter((one) => one.resourceType === type);
    },
  };
}
