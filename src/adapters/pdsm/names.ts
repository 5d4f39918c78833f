import type { List, Resource } from '@medplum/fhirtypes';

/** Names of IHE MHD 4.2.3 and PDSm 3.1.1. */
const PDSM = 'https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition';
const MHD = 'https://profiles.ihe.net/ITI/MHD';

export const profiles = {
  provide: `${PDSM}/pdsm-comprehensive-provide-document-bundle`,
  document: `${PDSM}/pdsm-comprehensive-document-reference`,
  submissionSet: `${PDSM}/pdsm-submissionset-comprehensive`,
  simplified: `${PDSM}/pdsm-simplified-publish`,
};

export const IS_ARCHIVED = `${PDSM}/pdsm-ext-is-archived`;
export const DESIGNATION_TYPE = `${MHD}/StructureDefinition/ihe-designationType`;
export const SOURCE_ID = `${MHD}/StructureDefinition/ihe-sourceId`;
export const LIST_TYPES = `${MHD}/CodeSystem/MHDlistTypes`;
export const URI = 'urn:ietf:rfc:3986';

/** True for the List that stands for one submission; the system is written with http and https. */
export function isSubmissionSet(resource: Resource | undefined): resource is List {
  return (
    resource?.resourceType === 'List' &&
    (resource.code?.coding ?? []).some((one) => one.code === 'submissionset' && /MHDlistTypes$/.test(one.system ?? ''))
  );
}
