import type { Binary, Bundle, BundleEntry, DocumentReference, Patient, Reference, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../../adapter.ts';
import { findAll, readOne } from './dossier.ts';

/** What a reference of a submission names: an entry of it, or something on the FHIR server. */
export interface Target<R extends Resource> {
  resource: R;
  /** `Type/id` on the server; absent for an entry of the submission. */
  known?: string;
}

/** Finds patients and documents that a submission names, by its entries first, then on the server. */
export class Targets {
  private readonly entries: BundleEntry[];
  private readonly fhir: FhirEndpoint;

  constructor(bundle: Bundle, fhir: FhirEndpoint) {
    this.entries = bundle.entry ?? [];
    this.fhir = fhir;
  }

  patient(reference: Reference | undefined): Promise<Target<Patient> | undefined> {
    return this.one<Patient>('Patient', reference);
  }

  document(reference: Reference | undefined): Promise<Target<DocumentReference> | undefined> {
    return this.one<DocumentReference>('DocumentReference', reference);
  }

  /** The entry that an address names, by fullUrl or by the literal `Type/id` that published examples use. */
  entry(address: string | undefined): BundleEntry | undefined {
    if (!address) return undefined;
    return this.entries.find(
      ({ fullUrl, resource }) =>
        fullUrl === address || (resource?.id && `${resource.resourceType}/${resource.id}` === address),
    );
  }

  /** What an attachment names: an entry of the submission, or a Binary that is on the server already. */
  async content(address: string): Promise<Resource | undefined> {
    const inside = this.entry(address)?.resource;
    if (inside) return inside;
    return address.startsWith('Binary/') ? readOne<Binary>(address, this.fhir) : undefined;
  }

  /** Undefined when nothing or more than one thing is meant. */
  private async one<R extends Resource>(
    type: string,
    reference: Reference | undefined,
  ): Promise<Target<R> | undefined> {
    const address = reference?.reference;
    const inside = this.entry(address)?.resource;
    if (inside) return inside.resourceType === type ? { resource: inside as R } : undefined;
    const condition = address?.startsWith(`${type}?`) ? address.slice(type.length + 1) : undefined;
    const token = !address && reference?.identifier?.value ? tokenOf(reference.identifier) : undefined;
    const query = condition ?? (token && `identifier=${token}`);
    const found = query
      ? await findAll<R>(`${type}?${query}&_count=2`, this.fhir)
      : [await readOne<R>(address?.startsWith(`${type}/`) ? address : undefined, this.fhir)];
    const [resource] = found;
    return resource && found.length === 1 ? { resource, known: `${type}/${resource.id}` } : undefined;
  }
}

function tokenOf({ system, value }: { system?: string; value?: string }): string {
  return encodeURIComponent(system ? `${system}|${value}` : `${value}`);
}

/** What has one identifier, on the server. */
export function knownBy(
  type: 'DocumentReference' | 'List',
  identifier: { system?: string; value?: string },
  fhir: FhirEndpoint,
): Promise<Resource[]> {
  return findAll<Resource>(`${type}?identifier=${tokenOf(identifier)}&_count=2`, fhir);
}
