/**
 * UUIDs by which XDS names what an object of the registry says, IHE ITI TF-3, tables 4.2.3.2-1 and 4.2.5.1-1: classification
 * schemes, schemes of external identifiers, kinds of objects. Written and read by the same table.
 */

/** Codes of a DocumentEntry. */
export const ENTRY_CODES = {
  classCode: 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a',
  confidentialityCode: 'urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f',
  formatCode: 'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d',
  healthcareFacilityTypeCode: 'urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1',
  practiceSettingCode: 'urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead',
  typeCode: 'urn:uuid:f0306f51-975f-434e-a61c-c59651d33983',
};

/** Numbers of a DocumentEntry. */
export const ENTRY = {
  patientId: 'urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427',
  uniqueId: 'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab',
};

/** Numbers of a SubmissionSet. */
export const SET = {
  patientId: 'urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446',
  uniqueId: 'urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8',
  sourceId: 'urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832',
};

/** Authors. */
export const AUTHOR = {
  entry: 'urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d',
  set: 'urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d',
};

/** Code of a SubmissionSet. */
export const CONTENT_TYPE = 'urn:uuid:aa543740-bdda-424e-8c96-df4873be8500';

/** What makes a RegistryPackage a SubmissionSet. */
export const SET_NODE = 'urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd';

/** Kind of DocumentEntry: of a document that is there. */
export const STABLE = 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1';
/** Of a document made on demand. */
export const ON_DEMAND = 'urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248';
