/** An operation the house answers in front of whatever FHIR server is behind. */
export interface DeclaredOperation {
  type: string;
  name: string;
  /** Canonical of its OperationDefinition. */
  definition: string;
}

const HL7 = 'http://hl7.org/fhir/OperationDefinition';
const FORM = 'http://passerelle.example/fhir/OperationDefinition/form';

/** What the CapabilityStatement declares besides the server's own operations; `formTypes` are those a form is written from. */
export function declaredOperations(formTypes: Iterable<string>): DeclaredOperation[] {
  return [
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
    ...[...new Set(formTypes)].map((type) => ({ type, name: 'form', definition: FORM })),
  ];
}
