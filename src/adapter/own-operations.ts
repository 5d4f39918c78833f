const HL7 = 'http://hl7.org/fhir/OperationDefinition';

/** An operation the house answers in front of whatever FHIR server is behind. */
export interface OwnOperation {
  type: string;
  name: string;
  /** Canonical of its OperationDefinition. */
  definition: string;
}

/** `[type]/[id]/$form`: the partner's form that a resource is written from. */
export const FORM = { name: 'form', definition: 'http://passerelle.example/fhir/OperationDefinition/form' };

/** Operations of one type each: src/web/extract.ts, src/web/terminology.ts. */
export const ownOperations: readonly OwnOperation[] = [
  {
    type: 'QuestionnaireResponse',
    name: 'extract',
    definition: 'http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract',
  },
  { type: 'CodeSystem', name: 'lookup', definition: `${HL7}/CodeSystem-lookup` },
  { type: 'CodeSystem', name: 'validate-code', definition: `${HL7}/CodeSystem-validate-code` },
  { type: 'ValueSet', name: 'expand', definition: `${HL7}/ValueSet-expand` },
  { type: 'ValueSet', name: 'validate-code', definition: `${HL7}/ValueSet-validate-code` },
  { type: 'ConceptMap', name: 'translate', definition: `${HL7}/ConceptMap-translate` },
];
