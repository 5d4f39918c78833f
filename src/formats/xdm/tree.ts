// IHE ITI TF-3, 4.2 (XDS metadata in ebXML) and ITI-32 / XDM; French profile: CI-SIS volet "Transmission de documents".

/** A coded value as XDS writes it: code, the OID (or name) of its system, display. */
export interface XdsCode {
  code: string;
  system: string;
  display: string;
}

/** One document of a submission, with the metadata its archive announces. */
export interface XdmDocument {
  /** File name inside the archive, `DOC00001.XML`. */
  uri: string;
  bytes: Uint8Array;
  mimeType: string;
  uniqueId: string;
  title: string;
  /** HL7 time in UTC, as the three other times. */
  creationTime: string;
  languageCode: string;
  serviceStartTime?: string;
  serviceStopTime?: string;
  /** XCN: `801234567897^NAME^Given^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS` */
  authorPerson?: string;
  /** XON */
  authorInstitution?: string;
  legalAuthenticator?: string;
  classCode?: XdsCode;
  typeCode?: XdsCode;
  formatCode?: XdsCode;
  facilityType?: XdsCode;
  practiceSetting?: XdsCode;
  confidentiality: XdsCode[];
  /** CX of the INS, `matricule^^^&OID&ISO^NH`, else of the number of the record (`PI`); empty when there is neither. */
  patientId: string;
  sourcePatientId?: string;
  /** `D`: the document is taken back. */
  action?: 'D';
  /** `PID-5|…`, `PID-7|…`, `PID-8|…` */
  sourcePatientInfo: string[];
}

/** What one archive carries: documents about one patient, by one sender. */
export interface XdmSubmission {
  uniqueId: string;
  sourceId: string;
  /** Who sends it, as people read it. */
  from?: string;
  title: string;
  submissionTime: string;
  contentType?: XdsCode;
  documents: XdmDocument[];
  /** uniqueId of the document that the first one replaces. */
  replaces?: string;
}
