import type { Resource, ResourceType } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';

type Of<T extends ResourceType> = Extract<Resource, { resourceType: T }>;

/** The drafts of one type. */
export function draftsOf<T extends ResourceType>(conversion: Conversion, type: T): Draft<Of<T>>[] {
  return conversion.drafts.filter((draft) => draft.resource.resourceType === type) as unknown as Draft<Of<T>>[];
}

/** The resources of one type. */
export function resourcesOf<T extends ResourceType>(conversion: Conversion, type: T): Of<T>[] {
  return draftsOf(conversion, type).map((draft) => draft.resource) as Of<T>[];
}

/** A resource whose references point elsewhere where `references` (from → to) says so. */
export function pointing<R extends Resource>(resource: R, references: Map<string, string>): R {
  const replace = (key: string, value: unknown) =>
    key === 'reference' ? (references.get(value as string) ?? value) : value;
  return JSON.parse(JSON.stringify(resource, replace)) as R;
}
