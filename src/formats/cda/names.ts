/**
 * What the reader knows of the CDA R2 schema (POCD_MT000040): which elements occur once, and which datatype an element's
 * name stands for. Whatever is not named here is a list of plain objects.
 */

const words = (text: string) => new Set(text.trim().split(/\s+/));

/** Elements that occur at most once wherever they occur. */
const once = words(`
  typeId code title confidentialityCode languageCode setId versionNumber copyTime statusCode effectiveTime time birthTime
  patientRole patient providerOrganization administrativeGenderCode maritalStatusCode religiousAffiliationCode raceCode
  ethnicGroupCode birthplace place guardianPerson guardianOrganization assignedAuthor assignedPerson
  assignedAuthoringDevice representedOrganization asOrganizationPartOf wholeOrganization standardIndustryClassCode
  custodian assignedCustodian representedCustodianOrganization dataEnterer legalAuthenticator signatureCode
  intendedRecipient receivedOrganization assignedEntity relatedEntity relatedPerson associatedEntity associatedPerson
  scopingOrganization functionCode serviceEvent componentOf encompassingEncounter responsibleParty location
  healthCareFacility serviceProviderOrganization dischargeDispositionCode admissionReferralSourceCode order consent
  parentDocument nonXMLBody structuredBody section text observation act organizer procedure encounter supply
  substanceAdministration observationMedia regionOfInterest externalAct externalObservation externalProcedure
  externalDocument priorityCode routeCode doseQuantity rateQuantity maxDoseQuantity administrationUnitCode repeatNumber
  independentInd quantity expectedUseTime consumable product manufacturedProduct manufacturedMaterial
  manufacturedLabeledDrug manufacturerOrganization lotNumberText specimenRole specimenPlayingEntity participantRole
  playingEntity playingDevice scopingEntity relatedSubject subject observationRange criterion sequenceNumber
  seperatableInd softwareName manufacturerModelName awarenessCode derivationExpr value desc
  dicom_accessionNumber sdtc_deceasedInd sdtc_deceasedTime sdtc_admissionReferralSourceCode preferenceInd lab_statusCode pharm_code pharm_name pharm_formCode pharm_asContent pharm_containerPackagedMedicine
  pharm_generalizedMedicineClass pharm_quantity pharm_capacityQuantity pharm_expirationTime
`);

/** Exceptions, `parent/child`: true where the child occurs once, false where it repeats. */
const exceptions: Record<string, boolean> = {
  'ClinicalDocument/id': true,
  'section/id': true,
  'ClinicalDocument/component': true,
  'intendedRecipient/informationRecipient': true,
  'pharm_ingredient/pharm_ingredient': true,
  'substanceAdministration/effectiveTime': false,
  'supply/effectiveTime': false,
  'observation/value': false,
};

const exceptionChildren = new Set(Object.keys(exceptions).map((key) => key.slice(key.indexOf('/') + 1)));

function occursOnce(parent: string, child: string): boolean {
  if (exceptionChildren.has(child)) return exceptions[`${parent}/${child}`] ?? once.has(child);
  return once.has(child);
}

/** How an element is read; `structure` is an object of its attributes and elements. */
export type Kind =
  | 'identifier'
  | 'template'
  | 'concept'
  | 'code'
  | 'instant'
  | 'interval'
  | 'string'
  | 'integer'
  | 'boolean'
  | 'amount'
  | 'value'
  | 'name'
  | 'address'
  | 'telecom'
  | 'text'
  | 'structure';

const kinds: Record<string, Kind> = Object.assign(Object.create(null), {
  id: 'identifier',
  sdtc_id: 'identifier',
  setId: 'identifier',
  dicom_accessionNumber: 'identifier',
  typeId: 'identifier',
  templateId: 'template',
  realmCode: 'code',
  languageCode: 'code',
  statusCode: 'code',
  lab_statusCode: 'code',
  signatureCode: 'code',
  birthTime: 'instant',
  sdtc_deceasedTime: 'instant',
  sdtc_deceasedInd: 'boolean',
  preferenceInd: 'boolean',
  pharm_expirationTime: 'instant',
  effectiveTime: 'interval',
  time: 'interval',
  expectedUseTime: 'interval',
  title: 'string',
  desc: 'string',
  lotNumberText: 'string',
  softwareName: 'string',
  manufacturerModelName: 'string',
  derivationExpr: 'string',
  pharm_name: 'string',
  versionNumber: 'integer',
  sequenceNumber: 'integer',
  independentInd: 'boolean',
  seperatableInd: 'boolean',
  quantity: 'amount',
  doseQuantity: 'amount',
  rateQuantity: 'amount',
  maxDoseQuantity: 'amount',
  repeatNumber: 'amount',
  pharm_quantity: 'amount',
  pharm_capacityQuantity: 'amount',
  value: 'value',
  name: 'name',
  addr: 'address',
  telecom: 'telecom',
  text: 'text',
} satisfies Record<string, Kind>);

/** Participations whose `time` is a point in time; everywhere else it is an interval. */
const pointTimes = words('author dataEnterer legalAuthenticator authenticator');

/** Elements below which `name` is that of a person. */
const persons = words(
  'patient assignedPerson guardianPerson relatedPerson associatedPerson informationRecipient maintainedPerson subject',
);

function kindOf(parent: string, child: string): Kind {
  const kind = kinds[child];
  if (kind === undefined)
    return child === 'code' || child.endsWith('Code') || child.endsWith('_code') ? 'concept' : 'structure';
  if (kind === 'interval') {
    if (child === 'time' && pointTimes.has(parent)) return 'instant';
    if (child === 'effectiveTime' && parent === 'ClinicalDocument') return 'instant';
  }
  return kind;
}

/** Property name of an element or attribute: `pharm:formCode` is `pharm_formCode`, `{urn:x}y` is `other_y`. */
export function propertyName(name: string): string {
  if (name.startsWith('{')) return `other_${name.slice(name.indexOf('}') + 1)}`;
  const colon = name.indexOf(':');
  return colon < 0 ? name : `${name.slice(0, colon)}_${name.slice(colon + 1)}`;
}

/** What the reader does with a child of an element. */
export interface Plan {
  property: string;
  /** At most one; otherwise a list, also alone. */
  once: boolean;
  kind: Kind;
  /** A `name` here is that of a person. */
  person: boolean;
  /** A name every object has already; no element of CDA is called so. */
  reserved: boolean;
}

/** The plans for the children of one element that were wanted so far. */
export type Plans = Map<string, Plan>;

const plans = new Map<string, Plans>();
const PLANS_KEPT = 500;

/** What is known of the children of `parent`, named as the XML reader names it. */
export function plansOf(parent: string): Plans {
  let ofParent = plans.get(parent);
  if (!ofParent) {
    ofParent = new Map();
    if (plans.size < PLANS_KEPT) plans.set(parent, ofParent);
  }
  return ofParent;
}

/** The plan for `child` in `parent`, whose plans are given. */
export function planOf(ofParent: Plans, parent: string, child: string): Plan {
  let plan = ofParent.get(child);
  if (!plan) {
    const property = propertyName(child);
    plan = {
      property,
      once: occursOnce(parent, property),
      kind: kindOf(parent, property),
      person: persons.has(parent),
      reserved: property in Object.prototype,
    };
    if (ofParent.size < PLANS_KEPT) ofParent.set(child, plan);
  }
  return plan;
}
