/**
 * The one table between OIDs (CDA, HL7 v2, XDS) and the URIs FHIR uses for code systems and identifier systems,
 * https://hl7.org/fhir/R4/terminologies-systems.html. An OID that is not listed is `urn:oid:…` both ways.
 */

import { keptText } from './kept-text.ts';

/** Canonical base of the project's own definitions. */
export const PROJECT_BASE = 'http://passerelle.example/fhir/';
const LOCAL = `${PROJECT_BASE}NamingSystem/local/`;
const THO = 'http://terminology.hl7.org/CodeSystem/';
const NOS = 'https://mos.esante.gouv.fr/NOS/';
const LOINC = 'http://loinc.org';
/** The national extract of LOINC: the same codes under a canonical of its own. */
const FRENCH_LOINC = `${NOS}TRE_A04-Loinc/FHIR/TRE-A04-Loinc`;

const byOid: Record<string, string> = {
  '2.16.840.1.113883.6.1': LOINC,
  '2.16.840.1.113883.6.96': 'http://snomed.info/sct',
  '2.16.840.1.113883.6.8': 'http://unitsofmeasure.org',
  '2.16.840.1.113883.6.3': 'http://hl7.org/fhir/sid/icd-10',
  '2.16.840.1.113883.6.347': 'http://id.who.int/icd/release/11/mms',
  '2.16.840.1.113883.6.73': 'http://www.whocc.no/atc',
  '2.16.840.1.113883.6.139': 'http://hl7.org/fhir/sid/icpc-2',
  '2.16.840.1.113883.6.43.1': `${THO}icd-o-3`,
  '2.16.840.1.113883.3.26.1.1': 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl',
  '2.16.840.1.113883.6.24': 'urn:iso:std:iso:11073:10101',
  '1.2.840.10008.2.16.4': 'http://dicom.nema.org/resources/ontology/DCM',
  '0.4.0.127.0.16.1.1.2.1': 'http://standardterms.edqm.eu',
  '1.3.6.1.4.1.19376.1.2.3': 'http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode',
  '1.0.3166.1.2.2': 'urn:iso:std:iso:3166',
  '2.16.840.1.113883.6.121': 'urn:ietf:bcp:47',
  // HL7 v3 and v2 tables
  '2.16.840.1.113883.5.1': `${THO}v3-AdministrativeGender`,
  '2.16.840.1.113883.5.2': `${THO}v3-MaritalStatus`,
  '2.16.840.1.113883.5.4': `${THO}v3-ActCode`,
  '2.16.840.1.113883.5.7': `${THO}v3-ActPriority`,
  '2.16.840.1.113883.5.8': `${THO}v3-ActReason`,
  '2.16.840.1.113883.5.25': `${THO}v3-Confidentiality`,
  '2.16.840.1.113883.5.83': `${THO}v3-ObservationInterpretation`,
  // 2.16.840.1.113883.5.84 (ObservationMethod) is left out: biology reports put codes under it that the code system has not
  '2.16.840.1.113883.5.88': `${THO}v3-ParticipationFunction`,
  '2.16.840.1.113883.5.90': `${THO}v3-ParticipationType`,
  '2.16.840.1.113883.5.110': `${THO}v3-RoleClass`,
  '2.16.840.1.113883.5.111': `${THO}v3-RoleCode`,
  '2.16.840.1.113883.5.112': `${THO}v3-RouteOfAdministration`,
  '2.16.840.1.113883.5.1008': `${THO}v3-NullFlavor`,
  '2.16.840.1.113883.5.1052': `${THO}v3-ActSite`,
  '2.16.840.1.113883.5.1063': `${THO}v3-ObservationValue`,
  '2.16.840.1.113883.5.1070': `${THO}v3-substanceAdminSubstitution`,
  '2.16.840.1.113883.5.1150.1': 'http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips',
  '2.16.840.1.113883.18.311': `${THO}v2-0487`,
  '2.16.840.1.113883.18.108': `${THO}v2-0203`,
  // FHIR's own code systems, as the 2024 French templates name them
  '2.16.840.1.113883.4.642.1.1074': `${THO}condition-clinical`,
  '2.16.840.1.113883.4.642.1.1075': `${THO}condition-ver-status`,
  '2.16.840.1.113883.4.642.4.1373': `${THO}allergyintolerance-clinical`,
  '2.16.840.1.113883.4.642.4.130': 'http://hl7.org/fhir/allergy-intolerance-criticality',
  // French national tables (NOS, Agence du numérique en santé)
  '1.2.250.1.213.1.1.4.6': `${NOS}TRE_A00-ProducteurDocNonPS/FHIR/TRE-A00-ProducteurDocNonPS`,
  '1.2.250.1.213.1.1.4.9': `${NOS}TRE_A01-CadreExercice/FHIR/TRE-A01-CadreExercice`,
  '1.2.250.1.213.1.1.4.5': `${NOS}TRE_A02-ProfessionSavFaire-CISIS/FHIR/TRE-A02-ProfessionSavFaire-CISIS`,
  '1.2.250.1.213.1.1.4.1': `${NOS}TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument`,
  '1.2.250.1.213.1.1.4.12': `${NOS}TRE_A05-TypeDocComplementaire/FHIR/TRE-A05-TypeDocComplementaire`,
  '1.2.250.1.213.1.1.4.13': `${NOS}TRE_A07-StatusVisibiliteDocument/FHIR/TRE-A07-StatusVisibiliteDocument`,
  '1.2.250.1.71.4.2.4': `${NOS}TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite`,
  '1.2.250.1.213.1.1.4.322': `${NOS}TRE_R308-TAASIP/FHIR/TRE-R308-TAASIP`,
  '1.2.250.1.213.2.65': `${NOS}TRE_R306-CLADIMED/FHIR/TRE-R306-CLADIMED`,
};

const byUri: Record<string, string> = Object.create(null);
for (const [oid, uri] of Object.entries(byOid)) byUri[uri] = oid;

/** Short names of code systems as HL7 v2 table 0396 and senders write them; compared without case. */
const byName: Record<string, string> = {
  LN: LOINC,
  LOINC,
  SCT: 'http://snomed.info/sct',
  'SNOMED CT': 'http://snomed.info/sct',
  UCUM: 'http://unitsofmeasure.org',
  I10: 'http://hl7.org/fhir/sid/icd-10',
  'CIM-10': 'http://hl7.org/fhir/sid/icd-10',
  CIM10: 'http://hl7.org/fhir/sid/icd-10',
  ATC: 'http://www.whocc.no/atc',
};

const OID = /^[0-2](\.(0|[1-9]\d*)){1,30}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** True for an OID in dots, without `urn:oid:`. */
export function isOid(text: string): boolean {
  return text.length <= 255 && OID.test(text);
}

/** True for a UUID, without `urn:uuid:`. */
export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}

/**
 * The FHIR URI of a code system or identifier system named by an OID, a UUID or a URI. Anything else is a local name and
 * becomes a URI of the project's (see {@link localSystem}).
 */
export function systemUri(root: string): string {
  const known = systems.get(root);
  return known ?? kept(systems, root, uriOf(root.trim()));
}

function uriOf(key: string): string {
  if (Object.hasOwn(byOid, key)) return byOid[key]!;
  if (isOid(key)) return `urn:oid:${key}`;
  if (isUuid(key)) return `urn:uuid:${key.toLowerCase()}`;
  if (/^(urn:|https?:\/\/)\S+$/i.test(key)) return oidNamed(key) ?? key;
  return localSystem(key);
}

function oidNamed(uri: string): string | undefined {
  const oid = /^urn:oid:(.+)$/i.exec(uri)?.[1];
  return oid !== undefined && Object.hasOwn(byOid, oid) ? byOid[oid] : undefined;
}

/** What FHIR calls a code system that a national canonical names as well; other systems are called as they are. */
export function internationalSystem(system: string | undefined): string | undefined {
  return system === FRENCH_LOINC ? LOINC : system;
}

/** The OID behind a FHIR URI; undefined when there is none. */
export function oidOf(uri: string): string | undefined {
  if (byUri[uri] !== undefined) return byUri[uri];
  const oid = uri.startsWith('urn:oid:') ? uri.slice(8) : '';
  return isOid(oid) ? oid : undefined;
}

/** URIs of the names met last: a gateway has some hundred partners, and each of their messages names them several times. */
const systems = new Map<string, string>();
const localSystems = new Map<string, string>();
const NAMES_KEPT = 2000;
const LONGEST_KEPT = 200;

/** Answers the URI, and remembers it for that name. */
function kept(names: Map<string, string>, name: string, uri: string): string {
  if (name.length > LONGEST_KEPT) return uri;
  if (names.size >= NAMES_KEPT) names.clear();
  const own = keptText(uri);
  names.set(keptText(name), own);
  return own;
}

/** The URI of an issuer that has a name but no OID (HL7 v2 HD.1 alone, a vendor's code table). */
export function localSystem(authority: string): string {
  const known = localSystems.get(authority);
  if (known !== undefined) return known;
  return kept(localSystems, authority, LOCAL + encodeURIComponent(authority.trim().toWellFormed()));
}

/** The name inside a URI made by {@link localSystem}; undefined for any other URI. */
export function localAuthority(uri: string): string | undefined {
  if (!uri.startsWith(LOCAL)) return undefined;
  try {
    return decodeURIComponent(uri.slice(LOCAL.length));
  } catch {
    return undefined;
  }
}

/** The FHIR URI of a code system's short name (`LN`, `CIM-10`); undefined when it is not one of the table. */
export function systemOfName(name: string): string | undefined {
  const key = name.trim().toUpperCase();
  return Object.hasOwn(byName, key) ? byName[key] : undefined;
}

/**
 * An instance identifier (CDA II, HL7 v2 CX/EI) as a FHIR Identifier's `system` and `value`. A root without extension is
 * itself the value, in the namespace of URIs; undefined when there is neither.
 */
export function identifierOf(root?: string, extension?: string): { system?: string; value: string } | undefined {
  const issuer = root?.trim();
  const value = extension?.trim();
  if (!issuer) return value ? { value } : undefined;
  if (value) return { system: systemUri(issuer), value };
  if (isOid(issuer)) return { system: 'urn:ietf:rfc:3986', value: `urn:oid:${issuer}` };
  if (isUuid(issuer)) return { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${issuer.toLowerCase()}` };
  return { value: issuer };
}
