import { describe, expect, test } from '@jest/globals';
import type { DocumentReference } from '@medplum/fhirtypes';
import { patchXml } from '../../../src/formats/fhir/index.ts';

const archived = 'https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived';
const label = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code }],
});
const document: DocumentReference = {
  resourceType: 'DocumentReference',
  id: 'd',
  extension: [
    { url: 'http://example.org/other', valueString: 'a/b' },
    { url: archived, valueBoolean: false },
  ],
  status: 'current',
  description: 'Lettre de sortie',
  securityLabel: [label('N'), label('R')],
  content: [{ attachment: { contentType: 'text/plain', title: 'status' } }],
};
const patch = (operations: string, head = '<diff xmlns:f="http://hl7.org/fhir">') =>
  patchXml(document, Buffer.from(`${head}${operations}</diff>`));
const reason = (operations: string, head?: string) => patch(operations, head).faults?.[0]?.params?.reason;

describe('XML Patch, RFC 5261', () => {
  test.each<[string, Partial<DocumentReference>]>([
    ['<replace sel="f:DocumentReference/f:status/@value">superseded</replace>', { status: 'superseded' }],
    ['<replace sel="/f:DocumentReference/f:status"><f:status value="superseded"/></replace>', { status: 'superseded' }],
    ['<replace sel="DocumentReference/status"><status value="superseded"/></replace>', { status: 'superseded' }],
    [
      `<replace sel="f:DocumentReference/f:extension[@url='${archived}']/f:valueBoolean/@value">true</replace>`,
      { extension: [document.extension![0]!, { url: archived, valueBoolean: true }] },
    ],
    [
      '<add sel="f:DocumentReference/f:securityLabel[2]" pos="before"><f:securityLabel><f:text value="x"/></f:securityLabel></add>',
      { securityLabel: [label('N'), { text: 'x' }, label('R')] },
    ],
    [
      '<add sel="*"><f:securityLabel><f:text value="x"/></f:securityLabel></add>',
      { securityLabel: [label('N'), label('R'), { text: 'x' }] },
    ],
    ['<remove sel="f:DocumentReference/f:securityLabel[1]"/>', { securityLabel: [label('R')] }],
    ['<remove sel="f:DocumentReference/f:description"/>', { description: undefined }],
    [
      '<replace sel="f:DocumentReference/f:content/f:attachment/f:title/@value">value</replace>',
      { content: [{ attachment: { contentType: 'text/plain', title: 'value' } }] },
    ],
  ])('%s', (operations, change) => {
    const expected = JSON.parse(JSON.stringify({ ...document, ...change }));
    expect(patch(operations)).toEqual({ resource: expected });
  });

  test('the default namespace may be FHIR’s', () => {
    const { resource } = patch(
      '<replace sel="DocumentReference/status"><status value="superseded"/></replace>',
      '<diff xmlns="http://hl7.org/fhir">',
    );
    expect(resource).toMatchObject({ status: 'superseded' });
  });

  test.each([
    ['<replace sel="f:DocumentReference/f:date/@value">2020</replace>', 'leads nowhere'],
    ['<replace sel="f:Patient/f:status/@value">x</replace>', 'leads nowhere'],
    ['<remove sel="f:DocumentReference/f:securityLabel"/>', 'several nodes'],
    ['<remove sel="f:DocumentReference"/>', 'itself stays'],
    ['<remove sel="//f:status[contains(., 1)]"/>', 'more of XPath'],
    ['<remove sel=""/>', 'leads nowhere'],
    ['<move sel="f:DocumentReference/f:status"/>', 'add, replace or remove'],
    ['<replace sel="f:DocumentReference/f:status">superseded</replace>', 'brings no element'],
  ])('%s does not apply', (operations, why) => {
    expect(reason(operations)).toContain(why);
  });

  test('what R4 does not know is refused, and so is another root and a document type', () => {
    expect(patch('<add sel="*"><f:nonsense value="1"/></add>').faults?.[0]?.code).toBe('fhir-element');
    expect(patchXml(document, Buffer.from('<patch/>')).faults?.[0]?.code).toBe('patch-failed');
    expect(patchXml(document, Buffer.from('<!DOCTYPE a><diff/>')).faults?.[0]?.severity).toBe('error');
  });
});
