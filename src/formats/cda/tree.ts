import type { Address, CodeableConcept, ContactPoint, HumanName, Identifier, Narrative } from '@medplum/fhirtypes';

/** Any element of a CDA document as a plain object; the README says how elements and attributes become properties. */
export interface CdaNode {
  [property: string]: unknown;
}

/** The document: what the gateway itself reads of it is typed, maps reach everything else by name. */
export interface CdaTree extends CdaNode {
  templateId?: string[];
  id?: Identifier;
  code?: CodeableConcept;
  title?: string;
  /** FHIR dateTime. */
  effectiveTime?: string;
  confidentialityCode?: CodeableConcept;
  languageCode?: string;
  setId?: Identifier;
  versionNumber?: number;
  recordTarget?: { patientRole?: CdaPatientRole }[];
  relatedDocument?: {
    typeCode?: string;
    parentDocument?: { id?: Identifier[]; setId?: Identifier; versionNumber?: number };
  }[];
  component?: { structuredBody?: CdaNode; nonXMLBody?: { text?: CdaMedia } };
  /** The document came inside a stylesheet (self-presenting form). */
  selfPresenting?: boolean;
}

/** recordTarget/patientRole. */
export interface CdaPatientRole extends CdaNode {
  id?: Identifier[];
  addr?: Address[];
  telecom?: ContactPoint[];
  patient?: CdaNode & { name?: HumanName[]; birthTime?: string; administrativeGenderCode?: CodeableConcept };
}

/** A section of the body, with its entries and sections. */
export interface CdaSection extends CdaNode {
  id?: Identifier;
  code?: CodeableConcept;
  title?: string;
  text?: Narrative;
  entry?: CdaNode[];
  component?: { section?: CdaSection }[];
}

/** A payload cut out of the document. */
export interface CdaMedia {
  contentType: string;
  /** The exact bytes behind the base64. */
  bytes?: Uint8Array;
  /** Where it is when it is not inside. */
  reference?: string;
  /** Text content that was not base64. */
  text?: string;
}
