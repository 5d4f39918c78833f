import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, BundleEntry, DocumentReference, List } from '@medplum/fhirtypes';
import { writeXml } from '../../src/formats/fhir/index.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.10';
const LUCIE = '284026912345689';
const OTHER = '185057800608436';
const PDSM = 'https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition';
const MHD = 'https://profiles.ihe.net/ITI/MHD';
const URI = 'urn:ietf:rfc:3986';
const sha1 = (text: string) => createHash('sha1').update(text).digest('base64');
const person = (value: string) => `Patient?identifier=${INS}|${value}`;

/** A submission of documents about one patient; everything may be changed before it is sent. */
function submission(number: string, count = 1, subject = person(LUCIE)) {
  const urn = () => `urn:uuid:${randomUUID()}`;
  const parts = Array.from({ length: count }, (_, index) => {
    const text = `Document ${number}.${index}, été`;
    const [fullUrl, url] = [urn(), urn()];
    const document: DocumentReference = {
      resourceType: 'DocumentReference',
      meta: { profile: [`${PDSM}/pdsm-comprehensive-document-reference`] },
      contained: [
        {
          resourceType: 'Practitioner',
          id: 'who',
          identifier: [{ system: 'urn:oid:1.2.250.1.71.4.2.1', value: '899700301127' }],
          name: [{ family: 'ESTEREL', given: ['Fanny'] }],
        },
        { resourceType: 'Organization', id: 'org', name: 'Hôpital des Tilleuls' },
        {
          resourceType: 'PractitionerRole',
          id: 'role',
          practitioner: { reference: '#who' },
          organization: { reference: '#org' },
        },
      ],
      masterIdentifier: { system: URI, value: `urn:oid:1.2.250.1.999.9.${number}.${index}` },
      identifier: [{ use: 'official', system: URI, value: fullUrl }],
      status: 'current',
      type: { coding: [{ system: 'http://loinc.org', code: index === 0 ? '34112-3' : '11490-0' }] },
      category: [{ coding: [{ system: 'urn:oid:1.2.250.1.213.1.1.4.1', code: '10' }] }],
      subject: { reference: subject },
      date: '2026-11-20T10:00:00+01:00',
      author: [{ reference: '#role' }],
      custodian: { reference: '#org' },
      securityLabel: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }] }],
      content: [
        {
          attachment: {
            contentType: 'text/plain',
            language: 'fr-FR',
            url,
            size: Buffer.byteLength(text),
            hash: sha1(text),
            title: `Titre ${index}`,
            creation: '2026-11-19T09:00:00+01:00',
          },
          format: { system: 'urn:oid:1.3.6.1.4.1.19376.1.2.3', code: 'urn:ihe:iti:xds:2017:mimeTypeSufficient' },
        },
      ],
      context: {
        period: { start: '2026-11-10T08:00:00+01:00', end: '2026-11-19T08:00:00+01:00' },
        event: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' }] }],
        facilityType: { coding: [{ system: 'urn:sector', code: 'SA01' }] },
        practiceSetting: { coding: [{ system: 'urn:setting', code: 'ETABLISSEMENT' }] },
      },
    };
    return { fullUrl, url, text, document };
  });
  const list = (code: 'submissionset' | 'folder'): List => ({
    resourceType: 'List',
    contained: [{ resourceType: 'Organization', id: 'org', name: 'Hôpital des Tilleuls' }],
    extension: [
      {
        url: `${MHD}/StructureDefinition/ihe-designationType`,
        valueCodeableConcept: { coding: [{ system: 'urn:sector', code: '03' }] },
      },
      {
        url: `${MHD}/StructureDefinition/ihe-sourceId`,
        valueIdentifier: { system: URI, value: 'urn:oid:1.2.250.1.999.7' },
      },
    ],
    identifier: [{ use: 'usual', system: URI, value: `urn:oid:1.2.250.1.999.8.${number}.${code}` }],
    status: 'current',
    mode: 'working',
    title: `Lot ${number}`,
    code: { coding: [{ system: `${MHD}/CodeSystem/MHDlistTypes`, code }] },
    subject: { reference: subject },
    date: '2026-11-20T10:00:00+01:00',
    entry: parts.map((one) => ({ item: { reference: one.fullUrl } })),
  });
  const post = (fullUrl: string, resource: BundleEntry['resource']): BundleEntry => ({
    fullUrl,
    resource,
    request: { method: 'POST', url: resource!.resourceType },
  });
  const entry = [
    post(urn(), list('submissionset')),
    ...parts.map((one) => post(one.fullUrl, one.document)),
    ...parts.map((one) =>
      post(one.url, {
        resourceType: 'Binary',
        contentType: 'text/plain',
        data: Buffer.from(one.text).toString('base64'),
      }),
    ),
  ];
  const bundle = {
    resourceType: 'Bundle',
    meta: { profile: [`${PDSM}/pdsm-comprehensive-provide-document-bundle`] },
    type: 'transaction',
    entry,
  } satisfies Bundle;
  return { bundle, parts, list: entry[0]!.resource as List, folder: post(urn(), list('folder')) };
}

describe('the manager of documents', () => {
  let gateway: RunningGateway;
  let authorization: string;

  beforeAll(async () => {
    gateway = await startGateway();
    authorization = `Bearer ${await gateway.token()}`;
    for (const [id, value] of [
      ['lucie', LUCIE],
      ['other', OTHER],
    ] as const) {
      const birthDate = id === 'lucie' ? '1984-02-29' : '1985-05-05';
      const patient = {
        resourceType: 'Patient',
        id,
        identifier: [{ system: INS, value }],
        name: [{ family: 'ESSAI' }],
        birthDate,
      };
      expect((await send('PUT', `/Patient/${id}`, patient)).status).toBe(201);
    }
  }, 120_000);
  afterAll(() => gateway.remove());

  async function send(method: string, path: string, body?: unknown, type = 'application/fhir+json', more: object = {}) {
    const response = await fetch(`${gateway.url}/fhir/R4${path}`, {
      method,
      headers: { authorization, 'content-type': type, ...more },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text.startsWith('{') ? JSON.parse(text) : undefined,
    };
  }
  const provide = (bundle: unknown) => send('POST', '', bundle);
  const search = async (path: string): Promise<any[]> =>
    ((await send('GET', path)).body.entry ?? [])
      .filter((one: any) => one.search?.mode !== 'outcome')
      .map((one: any) => one.resource);
  const reasons = (body: any): string[] =>
    body.issue.map((one: any) => `${one.details?.coding?.[0]?.code} ${one.expression?.[0] ?? ''}`.trim());
  const count = async () => {
    const of = async (type: string) => (await send('GET', `/${type}/_history?_count=1000`)).body.entry?.length ?? 0;
    return [await of('List'), await of('DocumentReference'), await of('Binary')];
  };
  const refused = async (bundle: unknown) => {
    const before = await count();
    const { status, body } = await provide(bundle);
    expect(await count()).toEqual(before);
    return { status, reasons: reasons(body) };
  };
  const answers = (body: any) =>
    body.entry.map((one: any) => `${one.response.status.slice(0, 3)} ${one.response.location.split('/').at(-4)}`);
  const all = `?patient.identifier=${encodeURIComponent(`${INS}|${LUCIE}`)}&status=current`;

  test('several documents and a folder, entries in any order: each answered in its place', async () => {
    const { bundle, folder, parts } = submission('1', 2);
    const entry = [...bundle.entry, folder].reverse();
    const { status, body } = await provide({ ...bundle, entry });
    expect([status, body.type]).toEqual([200, 'transaction-response']);
    expect(answers(body)).toEqual([
      '201 List',
      '201 Binary',
      '201 Binary',
      '201 DocumentReference',
      '201 DocumentReference',
      '201 List',
    ]);
    for (const { document, text } of parts) {
      const id = encodeURIComponent(`${URI}|${document.masterIdentifier!.value}`);
      const [found] = await search(`/DocumentReference?patient=lucie&status=current&identifier=${id}`);
      expect(found.subject.reference).toBe('Patient/lucie');
      const bytes = await send('GET', `/${found.content[0].attachment.url}`, undefined, undefined, {
        accept: 'text/plain',
      });
      expect([bytes.text, bytes.headers.get('content-type')]).toEqual([text, 'text/plain']);
    }
    const lists = await search(`/List${all}&code=${encodeURIComponent(`${MHD}/CodeSystem/MHDlistTypes|folder`)}`);
    expect(lists[0].entry.every((one: any) => /^DocumentReference\//.test(one.item.reference))).toBe(true);
  });

  test('the same in XML, asked for in XML', async () => {
    const { bundle } = submission('2');
    const xml = Buffer.from(writeXml(bundle as Bundle)).toString();
    const { status, text } = await send('POST', '', xml, 'application/fhir+xml', { accept: 'application/fhir+xml' });
    expect(status).toBe(200);
    expect(text.match(/<status value="201/g)).toHaveLength(3);
  });

  test('subject by identifier alone: named literally, so that it is found', async () => {
    const { bundle, list, parts } = submission('3');
    const subject = { identifier: { system: INS, value: LUCIE } };
    list.subject = subject;
    parts[0]!.document.subject = subject;
    expect((await provide(bundle)).status).toBe(200);
    const found = await search(`/DocumentReference${all}&identifier=urn:oid:1.2.250.1.999.9.3.0`);
    expect(found).toHaveLength(1);
  });

  test('the patient may come along, and is not made twice', async () => {
    const { bundle, list, parts } = submission('4');
    const fullUrl = `urn:uuid:${randomUUID()}`;
    const patient = {
      resourceType: 'Patient',
      identifier: [{ system: INS, value: LUCIE }],
      name: [{ family: 'ESSAI' }],
    } as const;
    list.subject = { reference: fullUrl };
    parts[0]!.document.subject = { reference: fullUrl };
    const entry = [{ fullUrl, resource: patient, request: { method: 'POST', url: 'Patient' } }, ...bundle.entry];
    expect((await provide({ ...bundle, entry })).status).toBe(200);
    expect(await search(`/Patient?identifier=${encodeURIComponent(`${INS}|${LUCIE}`)}`)).toHaveLength(1);
  });

  test.each<[string, (one: ReturnType<typeof submission>) => void, number, string]>([
    [
      'no custodian',
      ({ parts }) => delete parts[0]!.document.custodian,
      422,
      'provide-incomplete Bundle.entry[1].resource.custodian',
    ],
    [
      'no author',
      ({ parts }) => delete parts[0]!.document.author,
      422,
      'provide-incomplete Bundle.entry[1].resource.author',
    ],
    [
      'no period',
      ({ parts }) => delete parts[0]!.document.context!.period,
      422,
      'provide-incomplete Bundle.entry[1].resource.context.period.start',
    ],
    [
      'another size',
      ({ parts }) => Object.assign(parts[0]!.document.content[0]!.attachment, { size: 1 }),
      422,
      'provide-content-differs Bundle.entry[1].resource.content[0].attachment.size',
    ],
    [
      'another type',
      ({ parts }) => Object.assign(parts[0]!.document.content[0]!.attachment, { contentType: 'application/pdf' }),
      422,
      'provide-content-differs Bundle.entry[1].resource.content[0].attachment.contentType',
    ],
    [
      'content elsewhere',
      ({ parts }) => Object.assign(parts[0]!.document.content[0]!.attachment, { url: 'Binary/none' }),
      422,
      'provide-content-missing Bundle.entry[1].resource.content[0].attachment.url',
    ],
    [
      'two patients',
      ({ parts }) => Object.assign(parts[0]!.document, { subject: { reference: person(OTHER) } }),
      422,
      'provide-patients-differ Bundle.entry[1].resource.subject',
    ],
    [
      'a wrong INS key',
      ({ parts }) => Object.assign(parts[0]!.document, { subject: { reference: person('284026912345600') } }),
      422,
      'provide-ins-invalid Bundle.entry[1].resource.subject',
    ],
    [
      'no source',
      ({ list }) => Object.assign(list, { extension: list.extension!.slice(0, 1) }),
      422,
      'provide-incomplete Bundle.entry[0].resource.extension(sourceId)',
    ],
    [
      'PUT in the place of POST',
      ({ bundle }) => Object.assign(bundle.entry[1]!, { request: { method: 'PUT', url: 'DocumentReference/x' } }),
      422,
      'provide-method Bundle.entry[1].resource',
    ],
    [
      'an unknown parent',
      ({ parts }) =>
        Object.assign(parts[0]!.document, {
          relatesTo: [{ code: 'replaces', target: { reference: 'DocumentReference/none' } }],
        }),
      404,
      'provide-parent-unknown Bundle.entry[1].resource.relatesTo[0].target',
    ],
    ['no submission set', ({ bundle }) => bundle.entry.shift(), 422, 'provide-incomplete Bundle.entry'],
  ])('%s: refused, nothing is stored', async (_name, change, status, reason) => {
    const made = submission('90');
    change(made);
    const answer = await refused(made.bundle);
    expect([answer.status, answer.reasons.includes(reason) ? reason : answer.reasons]).toEqual([status, reason]);
  });

  test('one broken document of two: neither is stored', async () => {
    const { bundle, parts } = submission('91', 2);
    Object.assign(parts[1]!.document.content[0]!.attachment, { hash: sha1('other') });
    expect(await refused(bundle)).toEqual({
      status: 422,
      reasons: ['provide-content-differs Bundle.entry[2].resource.content[0].attachment.hash'],
    });
  });

  test('two documents of one identifier in one submission: refused', async () => {
    const { bundle, parts } = submission('92', 2);
    parts[1]!.document.masterIdentifier = parts[0]!.document.masterIdentifier;
    expect((await refused(bundle)).reasons).toEqual(['provide-exists Bundle.entry[2].resource.masterIdentifier']);
  });

  test('a closed record takes nothing', async () => {
    const patient = {
      resourceType: 'Patient',
      id: 'closed',
      active: false,
      identifier: [{ system: INS, value: '290017505601234' }],
    };
    await send('PUT', '/Patient/closed', patient);
    const { bundle } = submission('93', 1, 'Patient/closed');
    expect((await refused(bundle)).reasons).toEqual(['provide-record-closed Bundle.entry[1].resource.subject']);
  });

  test.each<[string, string, boolean]>([
    ['List', '', true],
    ['List', 'designationType=03', true],
    ['List', 'sourceId=urn:oid:1.2.250.1.999.7', true],
    ['List', 'title=Lot 1', true],
    ['List', 'date=2026-11-20', true],
    ['List', 'date=2025', false],
    ['List', 'identifier=urn:oid:1.2.250.1.999.8.1.folder', true],
    ['DocumentReference', 'type=http://loinc.org|34112-3', true],
    ['DocumentReference', 'type=http://loinc.org|1-1', false],
    ['DocumentReference', 'category=10', true],
    ['DocumentReference', 'facility=SA01', true],
    ['DocumentReference', 'setting=ETABLISSEMENT', true],
    ['DocumentReference', 'format=urn:ihe:iti:xds:2017:mimeTypeSufficient', true],
    ['DocumentReference', 'creation=2026-11-19', true],
    ['DocumentReference', 'creation=2024', false],
    ['DocumentReference', 'period=2026-11', true],
    ['DocumentReference', 'period-start=2026-11-10', true],
    ['DocumentReference', 'period-end=gt2026-11-20', false],
    ['DocumentReference', 'event=IMP', true],
    ['DocumentReference', 'security-label=N', true],
    ['DocumentReference', 'author.identifier=urn:oid:1.2.250.1.71.4.2.1|899700301127', false],
    ['DocumentReference', 'author:PractitionerRole.practitioner.identifier=899700301127', true],
    ['DocumentReference', 'author.family=esterel', true],
    ['DocumentReference', 'isArchived=true', false],
  ])('%s by %s: GET and POST agree', async (type, parameter, isThere) => {
    const [name = '', value = ''] = parameter.split(/=(.*)/s);
    const query = `${all.slice(1)}${name ? `&${name}=${encodeURIComponent(value)}` : ''}`;
    const found = await search(`/${type}?${query}`);
    const posted = await send('POST', `/${type}/_search`, query, 'application/x-www-form-urlencoded');
    expect((posted.body.entry ?? []).map((one: any) => one.resource.id)).toEqual(found.map((one) => one.id));
    expect([posted.status, found.length > 0]).toEqual([200, isThere]);
  });

  describe('metadata', () => {
    const archived = `${PDSM}/pdsm-ext-is-archived`;
    const of = (number: string) =>
      `/DocumentReference?identifier=${encodeURIComponent(`${URI}|urn:oid:1.2.250.1.999.9.${number}.0`)}`;
    const xml = (operation: string) => `<diff xmlns:f="http://hl7.org/fhir">${operation}</diff>`;
    const fhirPath = (type: string, path: string, value: object, name?: string) => ({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: type },
            { name: 'path', valueString: path },
            ...(name ? [{ name: 'name', valueString: name }] : []),
            { name: 'value', ...value },
          ],
        },
      ],
    });
    const [JSON_PATCH, XML_PATCH, FHIR] = [
      'application/json-patch+json',
      'application/xml-patch+xml',
      'application/fhir+json',
    ];
    const label = { coding: [{ system: 'urn:oid:1.2.250.1.213.1.1.4.13', code: 'INVISIBLE_PATIENT' }] };
    const extension = {
      part: [
        { name: 'url', valueUri: archived },
        { name: 'value', valueBoolean: true },
      ],
    };

    beforeAll(async () => {
      for (const number of ['20', '21', '22']) expect((await provide(submission(number).bundle)).status).toBe(200);
    });

    test.each<[string, string, string, unknown, unknown]>([
      [
        'JSON Patch, label',
        '20',
        JSON_PATCH,
        [{ op: 'add', path: '/securityLabel/-', value: label }],
        { securityLabel: [expect.anything(), label] },
      ],
      [
        'JSON Patch, archived',
        '20',
        JSON_PATCH,
        [{ op: 'add', path: '/extension', value: [{ url: archived, valueBoolean: true }] }],
        { extension: [{ url: archived, valueBoolean: true }] },
      ],
      ['JSON Patch, no longer', '20', JSON_PATCH, [{ op: 'remove', path: '/extension/0' }], {}],
      [
        'JSON Patch, status',
        '20',
        JSON_PATCH,
        [
          { op: 'test', path: '/status', value: 'current' },
          { op: 'replace', path: '/status', value: 'superseded' },
        ],
        { status: 'superseded' },
      ],
      [
        'FHIRPath Patch, label',
        '21',
        FHIR,
        fhirPath('replace', 'DocumentReference.securityLabel[0]', { valueCodeableConcept: label }),
        { securityLabel: [label] },
      ],
      [
        'FHIRPath Patch, archived',
        '21',
        FHIR,
        fhirPath('add', 'DocumentReference', extension, 'extension'),
        { extension: [{ url: archived, valueBoolean: true }] },
      ],
      [
        'FHIRPath Patch, no longer',
        '21',
        FHIR,
        fhirPath('replace', `DocumentReference.extension.where(url='${archived}').value`, { valueBoolean: false }),
        { extension: [{ url: archived, valueBoolean: false }] },
      ],
      [
        'FHIRPath Patch, status',
        '21',
        FHIR,
        fhirPath('replace', 'DocumentReference.status', { valueCode: 'superseded' }),
        { status: 'superseded' },
      ],
      [
        'XML Patch, label',
        '22',
        XML_PATCH,
        xml('<add sel="f:DocumentReference"><f:securityLabel><f:text value="x"/></f:securityLabel></add>'),
        { securityLabel: [expect.anything(), { text: 'x' }] },
      ],
      [
        'XML Patch, archived',
        '22',
        XML_PATCH,
        xml(
          `<add sel="f:DocumentReference" pos="prepend"><f:extension url="${archived}"><f:valueBoolean value="true"/></f:extension></add>`,
        ),
        { extension: [{ url: archived, valueBoolean: true }] },
      ],
      [
        'XML Patch, no longer',
        '22',
        XML_PATCH,
        xml(`<replace sel="f:DocumentReference/f:extension[@url='${archived}']/f:valueBoolean/@value">false</replace>`),
        { extension: [{ url: archived, valueBoolean: false }] },
      ],
      [
        'XML Patch, status',
        '22',
        XML_PATCH,
        xml('<replace sel="f:DocumentReference/f:status/@value">superseded</replace>'),
        { status: 'superseded' },
      ],
    ])('%s', async (_name, number, type, patch, becomes) => {
      const { status, body } = await send('PATCH', of(number), patch, type);
      expect(status).toBe(200);
      expect(body).toMatchObject(becomes as object);
    });

    test.each<[string, string, unknown]>([
      ['JSON Patch', JSON_PATCH, [{ op: 'replace', path: '/description', value: 'x' }]],
      [
        'JSON Patch that hides it behind status',
        JSON_PATCH,
        [
          { op: 'replace', path: '/status', value: 'current' },
          { op: 'remove', path: '/author' },
        ],
      ],
      [
        'JSON Patch of another extension',
        JSON_PATCH,
        [{ op: 'add', path: '/extension/0', value: { url: 'urn:x', valueString: 'x' } }],
      ],
      ['JSON Patch that copies', JSON_PATCH, [{ op: 'copy', from: '/date', path: '/extension/-' }]],
      ['FHIRPath Patch', FHIR, fhirPath('replace', 'DocumentReference.type', { valueCodeableConcept: label })],
      ['FHIRPath Patch that adds', FHIR, fhirPath('add', 'DocumentReference', { valueString: 'x' }, 'description')],
      ['XML Patch', XML_PATCH, xml('<replace sel="f:DocumentReference/f:date/@value">2020</replace>')],
      [
        'XML Patch of another extension',
        XML_PATCH,
        xml('<add sel="*"><f:extension url="urn:x"><f:valueString value="x"/></f:extension></add>'),
      ],
    ])('%s: 405, by condition and by id, and nothing changes', async (_name, type, patch) => {
      const [before] = await search(of('21'));
      for (const path of [of('21'), `/DocumentReference/${before.id}`]) {
        const { status, body } = await send('PATCH', path, patch, type);
        expect([status, reasons(body)[0]]).toEqual([405, 'metadata-fixed']);
      }
      expect((await search(of('21')))[0].meta.versionId).toBe(before.meta.versionId);
    });

    test('nobody matches: 404, several: 412, in every form', async () => {
      const several = `/DocumentReference?patient=lucie`;
      for (const [type, patch] of [
        [JSON_PATCH, [{ op: 'replace', path: '/status', value: 'superseded' }]],
        [FHIR, fhirPath('replace', 'DocumentReference.status', { valueCode: 'superseded' })],
        [XML_PATCH, xml('<replace sel="f:DocumentReference/f:status/@value">superseded</replace>')],
      ] as const) {
        expect((await send('PATCH', of('404'), patch, type)).status).toBe(404);
        expect((await send('PATCH', several, patch, type)).status).toBe(412);
      }
    });

    test('a submission set is limited likewise, another list is not', async () => {
      const [set] = await search(`/List${all}`);
      const title = [{ op: 'replace', path: '/title', value: 'x' }];
      expect((await send('PATCH', `/List/${set.id}`, title, JSON_PATCH)).status).toBe(405);
      const made = await send('POST', '/List', {
        resourceType: 'List',
        status: 'current',
        mode: 'working',
        title: 'Courses',
      });
      expect((await send('PATCH', `/List/${made.body.id}`, title, JSON_PATCH)).status).toBe(200);
    });
  });

  test('ITI-105 may replace: the old document is superseded in the same step', async () => {
    expect((await provide(submission('30').bundle)).status).toBe(200);
    const old = 'urn:oid:1.2.250.1.999.9.30.0';
    const document = {
      resourceType: 'DocumentReference',
      masterIdentifier: { system: URI, value: 'urn:oid:1.2.250.1.999.9.31.0' },
      status: 'current',
      type: { coding: [{ system: 'http://loinc.org', code: '34112-3' }] },
      subject: { reference: person(LUCIE) },
      relatesTo: [{ code: 'replaces', target: { identifier: { system: URI, value: old } } }],
      content: [{ attachment: { contentType: 'text/plain', title: 'x', data: Buffer.from('neu').toString('base64') } }],
    };
    const { status, body } = await send('POST', '/DocumentReference', document);
    expect([status, body.relatesTo[0].target.reference]).toEqual([201, expect.stringMatching(/^DocumentReference\//)]);
    const [before] = await search(`/DocumentReference?identifier=${encodeURIComponent(`${URI}|${old}`)}`);
    expect(before.status).toBe('superseded');
  });
});
