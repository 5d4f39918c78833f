import { describe, expect, test } from '@jest/globals';
import { type InspectedDocument, type InspectOptions, inspect, read } from '../../../src/formats/hl7v2/index.ts';
import { sameIdentity } from '../../../src/identity/index.ts';

const INS = '284026912345689^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS';
const base: Record<string, string> = {
  MSH: 'MSH|^~\\&|DPI|CH-ALPHA|PASSERELLE|CH-BETA|20240120114500+0100||MDM^T02^MDM_T02|T02-1|P|2.6|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2',
  PID: `PID|1||770001^^^CH-ALPHA&990000017&N^PI~${INS}||MARTIN-TEST^LUCIE^LUCIE^^^^L||19840229|F|||^^^^^^BDL^^69123`,
  PV1: 'PV1|1|I|CARDIO||||||||||||||||V1^^^CH-ALPHA&990000017&M^VN',
  ORC: 'ORC|NW',
  OBR: 'OBR|1|||34112-3^CR^LN',
  TXA: 'TXA|1|34112-3|TEXT|202401201130||||||||1.2.250.1.999.7.2.101|||||AU',
  OBX: 'OBX|1|ED|34112-3^CR^LN||^text^XML^Base64^PENsaW5pY2FsRG9jdW1lbnQvPg==||||||F',
};

/** The message with some segments changed; undefined leaves one out. */
function mdm(changed: Record<string, string | undefined> = {}): Buffer {
  const all = { ...base, ...changed };
  return Buffer.from(
    Object.values(all)
      .filter((one) => one !== undefined)
      .map((one) => `${one}\r`)
      .join(''),
  );
}

const document: InspectedDocument = {
  place: 'OBX[1]-5',
  id: { system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2.250.1.999.7.2.101' },
  type: '34112-3',
  patient: {
    resourceType: 'Patient',
    identifier: [{ system: 'urn:oid:1.2.250.1.213.1.4.10', value: '284026912345689' }],
    name: [{ use: 'official', family: 'MARTIN-TEST', given: ['LUCIE'] }],
    birthDate: '1984-02-29',
    gender: 'female',
  },
};

function told(bytes: Uint8Array, documents = [document], options: InspectOptions = { sameIdentity }): string[] {
  return inspect(read(bytes).tree, documents, options).map((one) => `${one.severity[0]} ${one.code} ${one.place}`);
}

const msh = (from: string, to: string): string => base.MSH!.replace(from, to);

describe('header', () => {
  test('a message as the profile wants it has no fault', () => {
    expect(told(mdm())).toEqual([]);
  });

  test.each([
    ['unknown type', msh('MDM^T02^MDM_T02', 'QBP^Q11'), 'e hl7-message-type MSH-9.1'],
    ['an acknowledgement', msh('MDM^T02^MDM_T02', 'ACK^T02^ACK'), 'e hl7-message-type MSH-9.1'],
    ['unknown event', msh('MDM^T02', 'MDM^T11'), 'e hl7-event MSH-9.2'],
    ['no event', msh('MDM^T02^MDM_T02', 'MDM'), 'e hl7-event MSH-9.2'],
    ['processing id', msh('|T02-1|P|', '|T02-1|X|'), 'e hl7-processing-id MSH-11'],
    ['version', msh('|2.6|', '|3.0|'), 'e hl7-version MSH-12'],
    ['no control id', msh('|T02-1|', '||'), 'e hl7-field-missing MSH-10'],
    ['no sender', msh('|DPI|', '||'), 'e hl7-field-missing MSH-3'],
    ['unknown set, plain letters', msh('UNICODE UTF-8', 'KLINGON'), 'e hl7-charset-unknown MSH-18'],
  ])('%s', (_, MSH, expected) => {
    expect(told(mdm({ MSH }))).toContain(expected);
  });
});

describe('documents', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['no PID', { PID: undefined }, 'e hl7-segment-missing PID'],
    ['no identifier', { PID: base.PID!.replace(/\|770001[^|]*/, '|') }, 'e hl7-field-missing PID-3'],
    ['no name', { PID: base.PID!.replace(/MARTIN-TEST[^|]*/, '') }, 'e hl7-field-missing PID-5'],
    ['no PV1', { PV1: undefined }, 'e hl7-segment-missing PV1'],
    ['no class', { PV1: base.PV1!.replace('|1|I|', '|1||') }, 'e hl7-field-missing PV1-2'],
    ['no visit number', { PV1: 'PV1|1|I|CARDIO' }, 'e hl7-field-missing PV1-19'],
    ['no TXA', { TXA: undefined }, 'e hl7-segment-missing TXA'],
    ['no type in TXA', { TXA: base.TXA!.replace('34112-3', '') }, 'e hl7-field-missing TXA-2'],
    ['no document id', { TXA: base.TXA!.replace('1.2.250.1.999.7.2.101', '') }, 'e hl7-field-missing TXA-12'],
    ['another document inside', { TXA: base.TXA!.replace('.101', '.102') }, 'e document-id-differs TXA-12'],
    ['unknown type', { TXA: base.TXA!.replace('34112-3', 'XX-9') }, 'e document-type-unknown TXA-2'],
    ['status of TXA', { TXA: base.TXA!.replace('|AU', '|IN') }, 'e hl7-table-value TXA-17'],
    ['older status of TXA', { TXA: base.TXA!.replace('|AU', '|LA') }, 'w hl7-profile-obsolete TXA-17'],
    ['types differ', { OBR: 'OBR|1|||11488-4^CR^LN' }, 'w document-type-differs TXA-2'],
    ['no payload', { OBX: undefined }, 'e payload-missing OBX'],
    ['payload of another type', { OBX: base.OBX!.replace('|ED|', '|TX|') }, 'e payload-missing OBX[1]-5'],
    ['no status', { OBX: base.OBX!.replace('|F', '|') }, 'e hl7-field-missing OBX[1]-11'],
    ['order says replace', { ORC: 'ORC|RO' }, 'e hl7-order-inconsistent OBX[1]-11'],
    ['status says delete', { OBX: base.OBX!.replace('|F', '|D') }, 'e hl7-order-inconsistent OBX[1]-11'],
    ['order unknown', { ORC: 'ORC|SC' }, 'e hl7-table-value ORC-1'],
    ['two documents in an MDM', { more: base.OBX! }, 'e hl7-cardinality OBX'],
  ])('%s', (_, changed, expected) => {
    expect(told(mdm(changed))).toContain(expected);
  });

  test('a visit number is not asked for where there is no visit', () => {
    expect(told(mdm({ PV1: 'PV1|1|N' }))).toEqual([]);
  });

  test('habits of older versions are accepted with a warning', () => {
    const old = mdm({
      MSH: msh('2.1^CISIS', '1.2^CISIS'),
      ORC: 'ORC|SC',
      TXA: base.TXA!.replace('.101', '.7').replace('|AU', '|LA'),
    });
    expect(told(old)).toEqual([
      'w hl7-profile-obsolete TXA-17',
      'w hl7-profile-obsolete ORC-1',
      'w document-id-differs TXA-12',
    ]);
  });

  test('the document that was not readable as CDA', () => {
    expect(told(mdm(), [])).toEqual(['e payload-not-cda OBX[1]-5']);
  });

  test('another patient inside outweighs everything else', () => {
    const other = {
      ...document,
      patient: {
        ...document.patient!,
        birthDate: '1960-01-01',
        name: [{ use: 'official' as const, family: 'AUTRE', given: ['JEAN'] }],
      },
    };
    expect(told(mdm({ TXA: base.TXA!.replace('34112-3', '') }), [other])[0]).toBe('e identity-mismatch OBX[1]-5');
  });

  test('a local number alone joins message and document only with its issuer', () => {
    const local = {
      ...document,
      patient: { ...document.patient!, identifier: [{ system: 'urn:oid:1.2.3', value: '770001' }] },
    };
    const without = base.PID!.replace(`~${INS}`, '');
    expect(told(mdm({ PID: without }), [local])).toContain('e identity-mismatch OBX[1]-5');
  });

  test.each([
    ['root alone', '1.2.250.1.999.7.2.101', 'urn:ietf:rfc:3986', 'urn:oid:1.2.250.1.999.7.2.101'],
    [
      'root with an organisation',
      '1.2.250.1.999.7.2.101^CH-ALPHA',
      'urn:ietf:rfc:3986',
      'urn:oid:1.2.250.1.999.7.2.101',
    ],
    ['extension, root', 'CR-1^^1.2.250.1.999.7.2^ISO', 'urn:oid:1.2.250.1.999.7.2', 'CR-1'],
    ['root and extension glued', '1.2.250.1.999.7.2.CR1^CH-ALPHA', 'urn:oid:1.2.250.1.999.7.2', 'CR1'],
    ['root and numeric extension glued', '1.2.250.1.999.7.2.101', 'urn:oid:1.2.250.1.999.7.2', '101'],
  ])('the document is named by %s', (_, written, system, value) => {
    const one = { ...document, id: { system, value } };
    expect(told(mdm({ TXA: base.TXA!.replace('1.2.250.1.999.7.2.101', written) }), [one])).toEqual([]);
  });
});

describe('replacement and deletion', () => {
  const t10 = { MSH: msh('MDM^T02', 'MDM^T10'), ORC: 'ORC|RO', OBX: base.OBX!.replace('|F', '|C') };
  const TXA = base.TXA!.replace('|||||AU', '|1.2.250.1.999.7.2.100||||AU');
  const parent = { system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2.250.1.999.7.2.100' };

  test('the parent is named by TXA-13 and by the document alike', () => {
    expect(told(mdm({ ...t10, TXA }), [{ ...document, replaces: [parent] }])).toEqual([]);
  });

  test('only one of them names it, or they differ', () => {
    expect(told(mdm({ ...t10, TXA }))).toEqual(['w document-parent-missing OBX[1]-5']);
    expect(told(mdm({ ...t10, TXA: TXA.replace('.100|', '.99|') }), [{ ...document, replaces: [parent] }])).toEqual([
      'w document-parent-differs TXA-13',
    ]);
    expect(told(mdm(t10))).toEqual(['e hl7-field-missing TXA-13', 'e document-parent-missing OBX[1]-5']);
  });

  test('a deletion of another document than the one inside is refused', () => {
    const t04 = { MSH: msh('MDM^T02', 'MDM^T04'), ORC: 'ORC|CA', OBX: base.OBX!.replace('|F', '|D') };
    expect(told(mdm(t04))).toEqual([]);
    expect(told(mdm({ ...t04, TXA: base.TXA!.replace('.101', '.100') }))).toEqual(['e document-id-differs TXA-12']);
  });
});

describe('MSSanté combinations', () => {
  const flags = (...said: [string, string][]): Record<string, string> =>
    Object.fromEntries(
      said.map(([name, answer], i) => [`flag${i}`, `OBX|${i + 2}|CWE|${name}^x^MetaDMPMSS||${answer}^^x||||||F`]),
    );

  test('published rows pass, others warn, or are refused when so configured', () => {
    expect(told(mdm(flags(['DESTMSSANTEPS', 'Y'], ['DESTMSSANTEPAT', 'Y'])))).toEqual([]);
    expect(told(mdm(flags(['DESTMSSANTEPS', 'Y'], ['DESTMSSANTEPAT', 'N'], ['INVISIBLE_PATIENT', 'Y'])))).toEqual([]);
    const odd = mdm(flags(['DESTMSSANTEPS', 'N'], ['DESTMSSANTEPAT', 'Y'], ['INVISIBLE_PATIENT', 'Y']));
    expect(told(odd)).toEqual(['w mss-combination OBX']);
    expect(told(odd, [document], { strictMss: true })).toEqual(['e mss-combination OBX']);
  });
});

describe('movements and results', () => {
  const adt = (event: string, ...more: string[]): Buffer =>
    Buffer.from(
      [base.MSH!.replace('MDM^T02^MDM_T02', `ADT^${event}`), base.PID, ...more].map((one) => `${one}\r`).join(''),
    );

  test('a movement needs a stay with a number, a person-level event does not', () => {
    expect(told(adt('A01'))).toEqual(['e hl7-segment-missing PV1']);
    expect(told(adt('A01', 'PV1|1|I'))).toEqual(['e hl7-field-missing PV1-19']);
    expect(told(adt('A01', base.PV1!))).toEqual([]);
    expect(told(adt('A28'))).toEqual([]);
  });

  test.each(['A14', 'A21', 'A22', 'A38', 'A52', 'A54', 'Z99'])('%s is a movement', (event) => {
    expect(told(adt(event, base.PV1!))).toEqual([]);
    expect(told(adt(event))).toEqual(['e hl7-segment-missing PV1']);
  });

  test.each(['A37', 'A44', 'Z98'])('%s is not supported', (event) => {
    expect(told(adt(event, base.PV1!, 'MRG|770002^^^CH-ALPHA'))).toEqual(['e hl7-event MSH-9.2']);
  });

  test('of an event that is not taken nothing else is said', () => {
    expect(told(adt('A37', base.PID!))).toEqual(['e hl7-event MSH-9.2']);
    const withdrawal = mdm({ MSH: msh('MDM^T02', 'MDM^T11'), PV1: undefined, TXA: undefined });
    expect(told(withdrawal)).toEqual(['e hl7-event MSH-9.2']);
  });

  test('a merge needs both sides', () => {
    expect(told(adt('A40'))).toEqual(['e hl7-segment-missing MRG']);
    expect(told(adt('A40', 'MRG|||'))).toEqual(['e hl7-field-missing MRG-1']);
    expect(told(adt('A40', 'MRG|770002^^^CH-ALPHA'))).toEqual([]);
    expect(told(adt('A47'))).toEqual(['e hl7-segment-missing MRG']);
    expect(told(adt('A24'))).toEqual(['e hl7-segment-missing PID[2]']);
    expect(told(adt('A08', base.PID!))).toEqual(['e hl7-cardinality PID[2]']);
  });

  test('what is missing of an identity is a warning', () => {
    const without = base.PID!.replace(`~${INS}`, '');
    expect(told(Buffer.from(`${adt('A28')}`.replace(base.PID!, without)))).toEqual(['w ins-missing PID-3']);
    expect(told(Buffer.from(`${adt('A28')}`.replace('19840229', '').replace('^^^^^^BDL^^69123', '')))).toEqual([
      'w ins-traits-missing PID-3',
    ]);
  });

  test('results need their order', () => {
    const oru = (...more: string[]): Buffer =>
      Buffer.from(
        [base.MSH!.replace('MDM^T02^MDM_T02', 'ORU^R01'), base.PID, ...more].map((one) => `${one}\r`).join(''),
      );
    expect(told(oru('OBX|1|NM|718-7^Hb^LN||11|||||F'))).toEqual(['e hl7-segment-missing OBR']);
    expect(told(oru('OBR|1|||58410-2^NFS^LN'))).toEqual(['e hl7-segment-missing OBX']);
    expect(told(oru('OBR|1|||58410-2^NFS^LN', 'OBX|1|NM|718-7^Hb^LN||11||||||F'))).toEqual([]);
  });

  test('the printed report beside results is taken, unless the message is an exchange of documents', () => {
    const printed = (obx: string, profile = '') =>
      told(
        Buffer.from(
          [
            `${base.MSH!.replace('MDM^T02^MDM_T02', 'ORU^R01').replace('2.1^CISIS_CDA_HL7_V2', profile)}`,
            base.PID,
            base.PV1,
            'OBR|1|||58410-2^NFS^LN',
            'OBX|1|NM|718-7^Hb^LN||11||||||F',
            obx,
          ]
            .map((one) => `${one}\r`)
            .join(''),
        ),
        [],
      );
    const pdf = 'OBX|2|ED|CR^Compte rendu^SIL||^AP^PDF^Base64^JVBERi0xLjQ=||||||F';
    expect(printed(pdf)).toEqual([]);
    expect(printed(pdf.replace('PDF', 'JPEG'))).toEqual([]);
    const notCda = expect.arrayContaining(['e payload-not-cda OBX[2]-5']);
    expect(printed(pdf, '2.1^CISIS_CDA_HL7_V2')).toEqual(notCda);
    expect(printed(pdf.replace('PDF', 'HTML'))).toEqual(notCda);
    expect(printed(`${pdf}\rOBX|3|CE|DESTDMP^^MetaDMPMSS||Y||||||F`)).toEqual(notCda);
  });
});
