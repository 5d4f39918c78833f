import type { List, Resource } from '@medplum/fhirtypes';

/** Names of IHE MHD 4.2.3 and PDSm 3.1.1. */
const PDSM = 'https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition';
const MHD = 'https://profiles.ihe.net/ITI/MHD';

/** Canonicals of the PDSm profiles that are claimed and looked for. */
export const profiles = {
  provide: `${PDSM}/pdsm-comprehensive-provide-document-bundle`,
  document: `${PDSM}/pdsm-comprehensive-document-reference`,
  submissionSet: `${PDSM}/pdsm-submissionset-comprehensive`,
  simplified: `${PDSM}/pdsm-simplified-publish`,
};

/** Extension: the document was put away by its holder. */
export const IS_ARCHIVED = `${PDSM}/pdsm-ext-is-archived`;
/** MHD's extension: the kind of a submission. */
export const DESIGNATION_TYPE = `${MHD}/StructureDefinition/ihe-designationType`;
/** MHD's extension: the OID of the system that submits. */
export const SOURCE_ID = `${MHD}/StructureDefinition/ihe-sourceId`;
/** MHD's code system of the two kinds of List. */
export const LIST_TYPES = `${MHD}/CodeSystem/MHDlistTypes`;
/** System of identifiers that are URIs. */
export const URI = 'urn:ietf:rfc:3986';

/** True for a List that stands for one submission or for a folder; the system is written with http and https. */
export function isMhdList(resource: Resource | undefined): resource is List {
  return isListOf(resource, ['submissionset', 'folder']);
}

/** True for the List that stands for one submission. */
export function isSubmissionSet(resource: Resource | undefined): resource is List {
  return isListOf(resource, ['submissionset']);
}

/** True for a List that gathers documents of one patient over time. */
export function isFolder(resource: Resource | undefined): resource is List {
  return isListOf(resource, ['folder']);
}

function isListOf(resource: Resource | undefined, codes: string[]): resource is List {
  const isOne = ({ code, system }: { code?: string; system?: string }) =>
    codes.includes(code ?? '') && /MHDlistTypes$/.test(system ?? '');
  return resource?.resourceType === 'List' && (resource.code?.coding ?? []).some(isOne);
}
