import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type CdaNode,
  type CdaTree,
  documentKey,
  identity,
  read,
  readForInspection,
  sameDocument,
} from '../../../src/formats/cda/index.ts';
import { document, observation, section, utf8 } from './document.ts';

const tree = (text: string) => read(utf8(text)).tree;
const codes = (text: string) => read(utf8(text)).faults.map((fault) => fault.code);

function firstSection(text: string): CdaNode & { entry: CdaNode[]; text: { div: string } } {
  const body = tree(text).component?.structuredBody as { component: { section: never }[] };
  return body.component[0]!.section;
}

function firstValue(value: string): unknown {
  const entry = firstSection(document({ body: section('t', observation(value)) })).entry[0] as {
    observation: { value?: unknown[] };
  };
  return entry.observation.value?.[0];
}

test('an inspection finds the same faults as reading, and leaves long documents as they are', () => {
  const pdf = Buffer.alloc(60_000, '%PDF-1.7 ').toString('base64');
  const inside = (content: string) =>
    document({
      body: `<component><nonXMLBody><text mediaType="application/pdf" representation="B64">${content}</text></nonXMLBody></component>`,
    });
  const lines = pdf.replace(/.{76}/g, '$&\n');
  for (const content of [
    pdf,
    lines,
    `${pdf}=`,
    pdf.slice(1),
    `${pdf}A`,
    `${pdf.slice(0, 40_000)}-${pdf}`,
    '',
    'QUJD',
  ]) {
    const [inspected, whole] = [readForInspection(utf8(inside(content))), read(utf8(inside(content)))];
    expect(inspected.faults).toEqual(whole.faults);
    expect(identity(inspected.tree)).toEqual(identity(whole.tree));
    expect(inspected.parts).toEqual([]);
  }
  expect(readForInspection(utf8(inside('QUJ'.repeat(9)))).faults).toEqual(read(utf8(inside('QUJ'.repeat(9)))).faults);
});

describe('header', () => {
  test('identifiers, dates, codes, version', () => {
    expect(tree(document())).toMatchObject({
      templateId: ['1.2.250.1.213.1.1.1.1'],
      id: { system: 'urn:oid:1.2.250.1.999.1.1', value: 'DOC-1' },
      setId: { value: 'SET-1' },
      versionNumber: 2,
      effectiveTime: '2021-03-05T16:15:00+01:00',
      code: { coding: [{ system: 'http://loinc.org', code: '34112-3' }] },
      title: 'Titre',
    });
  });

  test('national numbers also give the number inside', () => {
    const author =
      '<legalAuthenticator><time value="2021"/><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="810199990014"/></assignedEntity></legalAuthenticator>';
    const entity = tree(document({ header: author })).legalAuthenticator as {
      assignedEntity: { id: { value: string }[] };
    };
    expect(entity.assignedEntity.id.map((id) => id.value)).toEqual(['810199990014', '10199990014']);
  });

  test('the patient has a birth name and a used name', () => {
    const { patient } = identity(tree(document()));
    expect(patient.name).toEqual([
      {
        use: 'official',
        family: 'BELLERIVE',
        given: ['Odile'],
        extension: [
          {
            url: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name',
            valueString: 'Odile Marthe',
          },
        ],
      },
      { use: 'usual', family: 'CASTAING', given: ['Odile'] },
    ]);
    expect(patient).toMatchObject({ birthDate: '1958-04-17', gender: 'female' });
    expect(patient.identifier[0]).toEqual({ system: 'urn:oid:1.2.250.1.213.1.4.10', value: '258046938104578' });
  });

  test('older documents name the spouse with SP and give no used given name', () => {
    const name = '<name><family qualifier="BR">A</family><family qualifier="SP">B</family><given>C</given></name>';
    const { patient } = identity(tree(document({ patient: `<patient>${name}</patient>` })));
    expect(patient.name[0]).toMatchObject({ use: 'official', family: 'A', given: ['C'] });
    expect(patient.name[1]).toMatchObject({ use: 'usual', family: 'B', given: ['C'] });
  });

  test('a document inside a stylesheet is found, its places begin at the document', () => {
    const wrapped = `<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:variable>${document()}</xsl:variable></xsl:stylesheet>`;
    const { tree: inside, places, faults } = read(utf8(wrapped));
    expect(faults).toEqual([]);
    expect(inside.selfPresenting).toBe(true);
    expect(places!(['title'], inside)).toBe('/ClinicalDocument/title');
  });

  test('related documents compare equal in each of their spellings', () => {
    const related =
      '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3" extension="4"/></parentDocument></relatedDocument>';
    const { document: known } = identity(tree(document({ header: related })));
    expect(known.related).toMatchObject([{ typeCode: 'RPLC', id: [{ system: 'urn:oid:1.2.3', value: '4' }] }]);
    for (const other of [
      '1.2.3^4',
      '1.2.3.4',
      'urn:oid:1.2.3.4',
      { system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2.3.4' },
    ]) {
      expect(sameDocument(known.related[0]!.id[0]!, other)).toBe(true);
    }
    expect(sameDocument('', '')).toBe(false);
    expect(documentKey('8D5E778C-E155-4685-95C6-5FF65A362964')).toBe('8d5e778c-e155-4685-95c6-5ff65a362964');
  });
});

describe('values', () => {
  test.each([
    [
      '<value xsi:type="PQ" value="91" unit="%"/>',
      { valueQuantity: { value: 91, unit: '%', system: 'http://unitsofmeasure.org', code: '%' } },
    ],
    ['<value xsi:type="PQ" value="37,5" unit="°C"/>', { valueQuantity: { value: 37.5, unit: '°C' } }],
    [
      '<value xsi:type="PQ" value="2" unit="30009000"/>',
      { valueQuantity: { value: 2, unit: '30009000', system: 'http://standardterms.edqm.eu', code: '30009000' } },
    ],
    ['<value xsi:type="PQ" nullFlavor="NAV"/>', { nullFlavor: 'NAV' }],
    [
      '<value xsi:type="CD" code="U07.1" codeSystem="2.16.840.1.113883.6.3"/>',
      { valueCodeableConcept: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'U07.1' }] } },
    ],
    [
      '<value xsi:type="IVL_PQ"><low value="0.5" unit="mg"/></value>',
      { valueQuantity: { value: 0.5, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg', comparator: '>=' } },
    ],
    [
      '<value xsi:type="IVL_PQ"><high value="5" inclusive="false"/></value>',
      { valueQuantity: { value: 5, comparator: '<' } },
    ],
    [
      '<value xsi:type="IVL_PQ"><low value="1"/><high value="2"/></value>',
      { valueRange: { low: { value: 1 }, high: { value: 2 } } },
    ],
    [
      '<value xsi:type="RTO"><numerator value="1"/><denominator value="8"/></value>',
      { valueRatio: { numerator: { value: 1 }, denominator: { value: 8 } } },
    ],
    ['<value xsi:type="INT" value="2"/>', { valueInteger: 2 }],
    ['<value xsi:type="INT" value="9999999999"/>', { valueQuantity: { value: 9999999999 } }],
    ['<value xsi:type="REAL" value="2.5"/>', { valueQuantity: { value: 2.5 } }],
    ['<value xsi:type="BL" value="true"/>', { valueBoolean: true }],
    ['<value xsi:type="ST">  a\n b </value>', { valueString: 'a b' }],
    ['<value xsi:type="ED">&lt; 1 mg</value>', { valueString: '< 1 mg' }],
    ['<value xsi:type="TS" value="20190712"/>', { valueDateTime: '2019-07-12' }],
    ['<value xsi:type="IVL_TS"><low value="2019"/></value>', { valuePeriod: { start: '2019' } }],
    [
      '<value value="3" unit="kg"/>',
      { valueQuantity: { value: 3, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' } },
    ],
    [
      '<value code="a" codeSystem="1.2"/>',
      { valueCodeableConcept: { coding: [{ system: 'urn:oid:1.2', code: 'a' }] } },
    ],
  ])('%s', (xml, expected) => expect(firstValue(xml)).toEqual(expected));

  test('what is no date or number is said and left out', () => {
    const broken = document({
      body: section('t', observation('<value xsi:type="PQ" value="lots"/>', '<effectiveTime value="20211345"/>')),
    });
    expect(codes(broken)).toEqual(['cda-value', 'cda-value']);
    expect(read(utf8(broken)).faults[0]!.place).toBe(
      '/ClinicalDocument/component/structuredBody/component/section/entry/observation/value',
    );
  });

  test('a code with original text, translations, qualifiers, null flavour', () => {
    const coded = `<value xsi:type="CD" code="a" codeSystem="1.2" displayName="A"><originalText><reference value="#t1"/></originalText><qualifier><name code="l" displayName="Côté"/><value code="d" displayName="droit"/></qualifier><translation code="b" codeSystem="1.3"/></value>`;
    const read = firstSection(document({ body: section('<content ID="t1">mots</content>', observation(coded)) }));
    const entry = read.entry[0] as { observation: { value: { valueCodeableConcept: unknown }[] } };
    expect(entry.observation.value[0]!.valueCodeableConcept).toEqual({
      coding: [
        { system: 'urn:oid:1.2', code: 'a', display: 'A' },
        { system: 'urn:oid:1.3', code: 'b' },
      ],
      text: 'mots (Côté : droit)',
      extension: [
        {
          url: 'http://passerelle.example/fhir/StructureDefinition/qualifier',
          extension: [
            { url: 'name', valueCoding: { code: 'l', display: 'Côté' } },
            { url: 'value', valueCoding: { code: 'd', display: 'droit' } },
          ],
        },
      ],
    });
  });

  test('a name without value says what the code stands for, a number has no code, a ticked box is no name', () => {
    const coded = `<value xsi:type="CD" code="a" displayName="A"><originalText><reference value="#t1"/></originalText><qualifier><name code="v" displayName="Voyage"/></qualifier><qualifier><name code="g" displayName="Age"/><value xsi:type="PQR" value="50"/></qualifier></value>`;
    const read = firstSection(document({ body: section('<content ID="t1">Oui</content>', observation(coded)) }));
    const entry = read.entry[0] as { observation: { value: { valueCodeableConcept: unknown }[] } };
    expect(entry.observation.value[0]!.valueCodeableConcept).toEqual({
      coding: [
        { code: 'a', display: 'A' },
        { code: 'v', display: 'Voyage' },
      ],
      text: 'A (Voyage) (Age : 50)',
    });
  });

  test('times of acts', () => {
    const times =
      '<effectiveTime xsi:type="IVL_TS"><low value="20210305"/><high nullFlavor="UNK"/></effectiveTime><effectiveTime xsi:type="PIVL_TS" operator="A"><period value="8" unit="h"/></effectiveTime><effectiveTime xsi:type="EIVL_TS"><event code="ACM"/></effectiveTime>';
    const body = section('t', `<entry><substanceAdministration>${times}</substanceAdministration></entry>`);
    const administration = firstSection(document({ body })).entry[0]!.substanceAdministration as CdaNode;
    expect(administration.effectiveTime).toEqual([
      { start: '2021-03-05' },
      { timing: { repeat: { frequency: 1, period: 8, periodUnit: 'h' } } },
      { timing: { repeat: { when: ['ACM'] } } },
    ]);
  });
});

describe('narrative', () => {
  const div = (text: string) => firstSection(document({ body: section(text) })).text?.div;

  test('keeps structure, ids and emphasis', () => {
    expect(
      div(
        '<paragraph ID="p1">a <content styleCode="Bold">b</content></paragraph><list listType="ordered"><caption>c</caption><item>d</item></list><table border="1" onclick="x"><tbody><tr> <td colspan="2">e &lt; f</td></tr></tbody></table>',
      ),
    ).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml"><p id="p1">a <span><b>b</b></span></p><p>c</p><ol><li>d</li></ol><table><tbody><tr><td colspan="2">e &lt; f</td></tr></tbody></table></div>',
    );
  });

  test('lets nothing active through', () => {
    const bad = div(
      '<linkHtml href="javascript:alert(1)">x</linkHtml><script>y</script><content onclick="z" styleCode="url(http://evil)">t</content><linkHtml href="https://example.org/a?b=1&amp;c=2">ok</linkHtml>',
    );
    expect(bad).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml"><span>x</span>y<span>t</span><a href="https://example.org/a?b=1&amp;c=2">ok</a></div>',
    );
  });

  test('an empty one is none', () => expect(div('<br/> ')).toBeUndefined());

  test('references resolve with and without #', () => {
    for (const reference of ['#here', 'here']) {
      const body = section(
        '<table><tr><td ID="here">un</td><td>x</td></tr></table>',
        observation('', `<text><reference value="${reference}"/></text>`),
      );
      expect((firstSection(document({ body })).entry[0]!.observation as CdaNode).text).toBe('un');
    }
  });
});

describe('payloads', () => {
  const pdf = Buffer.from('%PDF-1.4 invented\n%%EOF');
  const n1 = (content: string) =>
    document({
      body: `<component><nonXMLBody><text mediaType="application/pdf" representation="B64">${content}</text></nonXMLBody></component>`,
    });

  test.each([
    ['as encoders write it', pdf.toString('base64')],
    ['unpadded', pdf.toString('base64').replace(/=+$/, '')],
    ['in lines', pdf.toString('base64').replace(/.{10}/g, '$&\r\n  ')],
    ['in CDATA', `<![CDATA[${pdf.toString('base64')}]]>`],
  ])('the level 1 body %s', (_, content) => {
    const { parts, tree: read1, faults } = read(utf8(n1(content)));
    expect(faults).toEqual([]);
    expect(parts).toHaveLength(1);
    expect(Buffer.from(parts[0]!.bytes)).toEqual(pdf);
    expect(parts[0]).toMatchObject({
      contentType: 'application/pdf',
      place: '/ClinicalDocument/component/nonXMLBody/text',
    });
    expect(read1.component?.nonXMLBody?.text?.contentType).toBe('application/pdf');
  });

  test('what is not base64 is said', () => expect(codes(n1('%PDF-1.4 plain'))).toEqual(['cda-media']));

  test('media in an entry', () => {
    const body = section(
      't',
      `<entry><observationMedia ID="m"><value mediaType="image/png" representation="B64">${pdf.toString('base64')}</value></observationMedia></entry>`,
    );
    expect(read(utf8(document({ body }))).parts[0]).toMatchObject({ contentType: 'image/png' });
  });

  test('a media type that is none is plain text', () => {
    const body = '<component><nonXMLBody><text mediaType="a/b; rm -rf">x</text></nonXMLBody></component>';
    expect(read(utf8(document({ body }))).parts[0]).toMatchObject({ contentType: 'text/plain' });
  });

  test('property: any payload comes out byte for byte, however large', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(1, 300, 4000), (bytes, times) => {
        const payload = Buffer.concat(Array.from({ length: times }, () => bytes));
        const { parts } = read(utf8(n1(payload.toString('base64'))));
        expect(Buffer.from(parts[0]?.bytes ?? []).equals(payload)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

test('a pseudonym is a nickname, a bare number a telephone, death and language are the patient’s', () => {
  const role = tree(
    document({
      ids: '<id root="1.2.250.1.999.1.2" extension="42"/><telecom value="04 99 00 00 12"/><telecom value="boîte 7"/>',
      patient:
        '<patient><name><family qualifier="BR">BELLERIVE</family><given>Odile</given></name><name use="P"><given>Dilou</given></name>' +
        '<sdtc:deceasedTime xmlns:sdtc="urn:hl7-org:sdtc" value="20210304"/><languageCommunication><languageCode code="fr"/><preferenceInd value="true"/></languageCommunication></patient>',
    }),
  ).recordTarget?.[0]?.patientRole;
  expect(role?.telecom).toEqual([
    { system: 'phone', value: '04 99 00 00 12' },
    { system: 'other', value: 'boîte 7' },
  ]);
  expect(role?.patient?.name?.map(({ use, given }) => [use, given])).toEqual([
    ['official', ['Odile']],
    ['nickname', ['Dilou']],
  ]);
  expect(role?.patient).toMatchObject({
    sdtc_deceasedTime: '2021-03-04',
    languageCommunication: [{ languageCode: 'fr', preferenceInd: true }],
  });
});

test('a narrative keeps captions, footnotes and what a version took out, as XHTML allows', () => {
  const text =
    '<paragraph><caption>C</caption>a<footnote ID="f1">note</footnote> <content revised="delete">b</content><content revised="insert">c</content></paragraph>' +
    '<list><item><caption>d</caption>e</item></list><table><caption>f</caption><tbody><tr><td>g</td></tr></tbody></table>';
  const body = `<component><structuredBody><component><section><text>${text}</text></section></component></structuredBody></component>`;
  expect(firstSection(document({ body })).text.div).toBe(
    '<div xmlns="http://www.w3.org/1999/xhtml"><p><b>C</b> a<span id="f1">note</span> <span style="text-decoration: line-through">b</span><span>c</span></p>' +
      '<ul><li><b>d</b> e</li></ul><table><caption>f</caption><tbody><tr><td>g</td></tr></tbody></table></div>',
  );
});

test('a concept without a code of its own is what its first qualifier says; an amount of money has its currency', () => {
  expect(
    firstValue(
      '<value xsi:type="CD"><qualifier><name code="21909-7" displayName="Stade"/><value code="IB" displayName="None" codeSystem="2.16.840.1.113883.15.6"/></qualifier></value>',
    ),
  ).toMatchObject({ valueCodeableConcept: { coding: [{ code: 'IB' }], text: '(Stade : IB)' } });
  expect(firstValue('<value xsi:type="MO" value="12.5" currency="EUR"/>')).toEqual({
    valueQuantity: { value: 12.5, unit: 'EUR', system: 'urn:iso:std:iso:4217', code: 'EUR' },
  });
});

describe('whom a statement is about', () => {
  const subject = (code: string) =>
    `<subject><relatedSubject><code code="${code}" codeSystem="2.16.840.1.113883.5.111"/></relatedSubject></subject>`;
  const entry = (inner: string) => `<entry>${inner}</entry>`;
  const sectionOf = (inner: string) =>
    firstSection(
      document({
        body: `<component><structuredBody><component><section>${inner}</section></component></structuredBody></component>`,
      }),
    );
  const about = (node: unknown) =>
    (node as { subject?: { relatedSubject: { code: { coding: { code: string }[] } } } }).subject?.relatedSubject.code
      .coding[0]?.code;

  test('what a section says holds for all below, unless a statement names somebody itself', () => {
    const { entry: entries } = sectionOf(
      subject('MTH') + entry('<observation/>') + entry(`<observation>${subject('FTH')}</observation>`),
    );
    expect(entries.map(({ observation }) => about(observation))).toEqual(['MTH', 'FTH']);
  });

  test('a group inside a group passes its own on, not to the statements beside it', () => {
    const { entry: entries } = sectionOf(
      entry(
        `<organizer><component><observation/></component><component><organizer>${subject('CHILD')}<component><procedure/></component></organizer></component></organizer>`,
      ),
    );
    const { component } = entries[0]!.organizer as { component: CdaNode[] };
    const inner = component[1]!.organizer as { component: CdaNode[] };
    expect([about(component[0]!.observation), about(inner.component[0]!.procedure)]).toEqual([undefined, 'CHILD']);
  });
});

describe('hostile and broken', () => {
  test.each([
    [
      'entity bomb',
      '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><ClinicalDocument>&b;</ClinicalDocument>',
      'xml-doctype',
    ],
    [
      'external entity',
      '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ClinicalDocument>&a;</ClinicalDocument>',
      'xml-doctype',
    ],
    ['deep nesting', document({ body: `<component>${'<section>'.repeat(3000)}` }), 'xml-limit'],
    ['truncated', document().slice(0, 700), 'xml-malformed'],
    ['another root', document({ root: 'Document' }), 'cda-root'],
    ['a stylesheet without document', '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>', 'cda-root'],
    ['another namespace', '<ClinicalDocument xmlns="urn:other"/>', 'cda-root'],
    ['no id', document({ id: '' }), 'cda-missing'],
    ['an id without root', document({ id: '<id extension="1"/>' }), 'cda-missing'],
    ['no patient', document({ patient: '' }), 'cda-missing'],
    ['no body', document({ body: '' }), 'cda-missing'],
    ['plain text', 'Compte rendu', 'xml-malformed'],
    ['nothing', '', 'xml-malformed'],
  ])('refuses %s', (_, text, code) => {
    const fault = read(utf8(text)).faults[0];
    expect(fault).toMatchObject({ code, severity: 'error' });
  });

  test('names that could reach a prototype go nowhere', () => {
    const odd = tree(
      document({ header: '<__proto__ admin="1"/><constructor/><participant __proto__="x"><time/></participant>' }),
    );
    expect(({} as { admin?: string }).admin).toBeUndefined();
    expect(Object.getPrototypeOf(odd)).toBe(Object.prototype);
  });

  test('an attribute named like a repeating element does no harm', () => {
    const odd = tree(document({ header: '<participant time="x" telecom="y"><telecom value="tel:1"/></participant>' }));
    expect(odd.participant).toEqual([{ time: 'x', telecom: [{ system: 'phone', value: '1' }] }]);
  });

  test('an element CDA has once is taken once', () => {
    const twice = document({ header: '<title>Autre</title>' });
    expect(tree(twice).title).toBe('Titre');
    expect(codes(twice)).toEqual(['cda-repeated']);
  });

  test('property: whatever the bytes, faults instead of exceptions', () => {
    const text = document({
      body: section('<paragraph>é</paragraph>', observation('<value xsi:type="PQ" value="1"/>')),
    });
    const mutation = fc.record({
      at: fc.nat({ max: text.length }),
      cut: fc.nat({ max: 30 }),
      insert: fc.string({ maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        let broken = text;
        for (const { at, cut, insert } of mutations) broken = broken.slice(0, at) + insert + broken.slice(at + cut);
        read(utf8(broken));
      }),
      { numRuns: 500 },
    );
  });
});

describe('places', () => {
  const body = section(
    't',
    observation('') +
      observation('<value xsi:type="CD" code="a" codeSystem="1.2"><translation code="b" codeSystem="1.3"/></value>'),
  );
  const { tree: known, places } = read(utf8(document({ body }))) as {
    tree: CdaTree & { component: CdaNode };
    places: (path: (string | number)[], owner: object) => string;
  };
  const entry = ['component', 'structuredBody', 'component', 0, 'section', 'entry', 1, 'observation'];
  const at = '/ClinicalDocument/component/structuredBody/component/section/entry[2]/observation';

  test.each([
    [['title'], '/ClinicalDocument/title'],
    [
      ['recordTarget', 0, 'patientRole', 'id', 1, 'value'],
      '/ClinicalDocument/recordTarget/patientRole/id[2]/@extension',
    ],
    [
      ['recordTarget', 0, 'patientRole', 'patient', 'name', 0, 'family'],
      '/ClinicalDocument/recordTarget/patientRole/patient/name/family',
    ],
    [[...entry, 'code', 'coding', 0, 'code'], `${at}/code/@code`],
    [[...entry, 'value', 0, 'valueCodeableConcept', 'coding', 1, 'code'], `${at}/value/translation/@code`],
    [[...entry, 'moodCode'], `${at}/@moodCode`],
  ])('%j', (path, place) => expect(places(path, known)).toBe(place));
});
