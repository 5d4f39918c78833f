import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway } from '../e2e/running.ts';

/** Each file of the rows pdsm, pdsm4dmp and cercle-de-soins of the corpus: taken, or refused for the reason its row names. */
const CORPUS = join(import.meta.dirname, '../../../shared/corpus');
const present = existsSync(join(CORPUS, 'INDEX.md'));
if (!present) console.warn(`SKIPPED: the corpus is not at ${CORPUS}; conformance of the shared record was not tested.`);

const folders = ['pdsm', 'pdsm4dmp', 'cercle-de-soins'];
const rows = present
  ? [
      ...readFileSync(join(CORPUS, 'INDEX.md'), 'utf8').matchAll(
        /^\| ((?:pdsm|pdsm4dmp|cercle-de-soins)\/\S+\.json) \|/gm,
      ),
    ].map((match) => match[1]!)
  : [];
const load = (file: string): any => JSON.parse(readFileSync(join(CORPUS, file), 'utf8'));
const copy = <T>(value: T): T => structuredClone(value);

const PROVIDE = 'pdsm/pdsm_iti65_CRH_provide.json';
const TD2 = 'pdsm4dmp/Bundle-example-td2-iti65-lot-soumission.json';
const ITI105 = 'pdsm4dmp/DocumentReference-example-td2-iti105-publication-simplifiee.json';
const SIMPLIFIED = 'pdsm/DocumentReference-PDSmSimplifiedExample.json';
const COMPREHENSIVE = 'pdsm/DocumentReference-exemple-pdsm-documentreference.json';
const CIRCLE = 'cercle-de-soins/Bundle-cds-bundle-transaction-creation-example.json';
/** Files with a test of their own below. */
const special = [
  PROVIDE,
  TD2,
  ITI105,
  SIMPLIFIED,
  COMPREHENSIVE,
  CIRCLE,
  'pdsm/pdsm_patch_superseded.json',
  'pdsm/Bundle-a9c10f8a-882d-4000-a280-7150e0aeb478.json',
  'pdsm4dmp/Bundle-example-annexe-searchset-documentreferences.json',
];

(present ? describe : describe.skip)('shared record and care circle: the corpus (skipped when it is absent)', () => {
  let gateway: RunningGateway;
  const types = ['List', 'DocumentReference', 'Binary'];

  beforeAll(async () => {
    gateway = await startGateway();
  }, 120_000);
  afterAll(() => gateway.remove());

  const authorized = async (method: string, path: string, body?: unknown, type = 'application/fhir+json') => {
    const response = await fetch(`${gateway.url}/fhir/R4${path}`, {
      method,
      headers: { authorization: `Bearer ${await gateway.token()}`, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const put = (resource: any) => authorized('PUT', `/${resource.resourceType}/${resource.id}`, resource);
  const provide = (bundle: unknown) => authorized('POST', '', bundle);
  /** Last versions of what a submission writes, however it is searched for. */
  const stored = async () => {
    const counts: Record<string, number> = {};
    for (const type of types) {
      const { body } = await gateway.get(`/fhir/R4/${type}/_history?_count=1000`);
      counts[type] = body.entry?.length ?? 0;
    }
    return counts;
  };
  const codes = (body: any): string[] => body.issue.map((one: any) => one.details?.coding?.[0]?.code);
  const reasons = (body: any): string[] =>
    body.issue.map((one: any) => `${one.details?.coding?.[0]?.code} ${one.expression?.[0] ?? ''}`);
  const refused = async (work: () => Promise<{ status: number; body: any }>) => {
    const before = await stored();
    const answer = await work();
    expect(await stored()).toEqual(before);
    return answer;
  };

  test('every row of the index has a test', () => {
    expect(rows.length).toBeGreaterThanOrEqual(58);
    expect(rows.filter((one) => !folders.includes(one.split('/')[0]!))).toEqual([]);
  });

  test.each(rows.filter((one) => !special.includes(one)))('%s is taken and given back', async (file) => {
    const resource = load(file);
    const { status } = await put(resource);
    expect([200, 201]).toContain(status);
    const { body } = await gateway.get(`/fhir/R4/${resource.resourceType}/${resource.id}?_format=json`);
    const { meta: _given, ...given } = resource;
    const { meta: _got, ...got } = body;
    expect(got).toEqual(given);
  });

  describe('ITI-65', () => {
    const subject = { system: 'urn:oid:1.2.250.1.213.1.4.10', value: '279035121518989' };
    let bundle: any;
    beforeEach(() => {
      bundle = load(PROVIDE);
    });

    test('an unknown patient: 404, nothing is stored', async () => {
      const { status, body } = await refused(() => provide(bundle));
      expect(status).toBe(404);
      expect(new Set(codes(body))).toEqual(new Set(['provide-subject-unknown']));
    });

    test('all faults at once, nothing is stored', async () => {
      const patient = { resourceType: 'Patient', id: 'crh', identifier: [subject], name: [{ family: 'PAT-TROIS' }] };
      await put(patient);
      const document = bundle.entry[1].resource;
      document.custodian = undefined;
      document.securityLabel = undefined;
      document.context.period = { end: document.context.period.end };
      document.content[0].attachment.hash = 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=';
      document.content[0].attachment.size = 7;
      document.content[0].attachment.title = undefined;
      const { status, body } = await refused(() => provide(bundle));
      expect(status).toBe(422);
      const at = 'Bundle.entry[1].resource';
      expect(reasons(body).sort()).toEqual(
        [
          `provide-incomplete ${at}.custodian`,
          `provide-incomplete ${at}.securityLabel`,
          `provide-incomplete ${at}.context.period.start`,
          `provide-incomplete ${at}.content[0].attachment.title`,
          `provide-content-differs ${at}.content[0].attachment.hash`,
          `provide-content-differs ${at}.content[0].attachment.size`,
        ].sort(),
      );
    });

    test('a document about another patient than subject: refused', async () => {
      const other = { system: subject.system, value: '284026912345689' };
      await put({ resourceType: 'Patient', id: 'other', identifier: [other], name: [{ family: 'MARTIN-TEST' }] });
      const text = JSON.stringify(bundle).replaceAll(`|${subject.value}`, `|${other.value}`);
      const { status, body } = await refused(() => provide(JSON.parse(text)));
      expect([status, codes(body)]).toEqual([422, ['provide-subject-differs']]);
    });

    test('the derived CRH: 201 each, in the order of the request, its bytes as they were sent', async () => {
      const { status, body } = await provide(bundle);
      expect(status).toBe(200);
      expect(body.type).toBe('transaction-response');
      expect(
        body.entry.map((one: any) => [one.response.status.slice(0, 3), one.response.location.split('/').at(-4)]),
      ).toEqual([
        ['201', 'List'],
        ['201', 'DocumentReference'],
        ['201', 'Binary'],
      ]);
      const token = encodeURIComponent(`${subject.system}|${subject.value}`);
      const found = await gateway.get(`/fhir/R4/DocumentReference?patient.identifier=${token}&status=current`);
      expect(found.body.entry).toHaveLength(1);
      const { url } = found.body.entry[0].resource.content[0].attachment;
      const { body: binary } = await gateway.get(`/fhir/R4/${url}?_format=json`);
      expect(binary.data).toBe(bundle.entry[2].resource.data);
    });

    test('the same document again: refused as a duplicate', async () => {
      const { status, body } = await refused(() => provide(bundle));
      expect([status, new Set(codes(body))]).toEqual([422, new Set(['provide-exists'])]);
    });

    const next = (number: number, target: string) => {
      const text = JSON.stringify(bundle).replaceAll('29.9999.1.1', `29.9999.1.${number}`);
      const following = JSON.parse(text.replaceAll('-000000000222', `-00000000030${number}`));
      following.entry[1].resource.relatesTo = [{ code: 'replaces', target: { reference: target } }];
      return following;
    };
    const by = (value: string) => `DocumentReference?identifier=${encodeURIComponent(`urn:ietf:rfc:3986|${value}`)}`;
    const first = 'urn:oid:1.2.250.1.213.1.1.1.29.9999.1.1';

    test('a replacement of an unknown document: 404', async () => {
      const { status, body } = await refused(() => provide(next(2, by('urn:oid:1.2.3.4'))));
      expect([status, codes(body)]).toEqual([404, ['provide-parent-unknown']]);
    });

    test('a replacement supersedes the old document in the same transaction; the old version cannot be replaced again', async () => {
      const { status, body } = await provide(next(3, by(first)));
      expect(status).toBe(200);
      expect(body.entry).toHaveLength(3);
      const old = await gateway.get(`/fhir/R4/${by(first)}`);
      expect(old.body.entry[0].resource.status).toBe('superseded');
      const again = await refused(() => provide(next(4, by(first))));
      expect([again.status, codes(again.body)]).toEqual([422, ['document-not-latest']]);
    });

    test('metadata: the patch of the corpus is taken, any other element is 405', async () => {
      const third = by('urn:oid:1.2.250.1.213.1.1.1.29.9999.1.3');
      const patch = load('pdsm/pdsm_patch_superseded.json');
      const answer = await authorized('PATCH', `/${third}`, patch);
      expect(answer.status).toBe(200);
      expect(answer.body.status).toBe('superseded');
      const json = 'application/json-patch+json';
      const archived = 'https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived';
      const extension = [{ op: 'add', path: '/extension', value: [{ url: archived, valueBoolean: true }] }];
      expect((await authorized('PATCH', `/${third}`, extension, json)).status).toBe(200);
      const change = [{ op: 'replace', path: '/extension/0/valueBoolean', value: false }];
      expect((await authorized('PATCH', `/${third}`, change, json)).status).toBe(200);
      for (const path of ['/type', '/subject/reference', '/content/0/attachment/title', '']) {
        const other = await authorized('PATCH', `/${third}`, [{ op: 'replace', path, value: 'x' }], json);
        expect([path, other.status, codes(other.body)]).toEqual([path, 405, ['metadata-fixed']]);
      }
      const title = copy(patch);
      title.parameter[0].part[1].valueString = 'DocumentReference.description';
      expect((await authorized('PATCH', `/${third}`, title)).status).toBe(405);
      expect((await authorized('PATCH', `/${by('urn:oid:1.2.3.4')}`, patch)).status).toBe(404);
      expect((await authorized('PATCH', '/DocumentReference?type=34112-3', patch)).status).toBe(412);
    });
  });

  test('ITI-67 without patient is 400; without status a warning, or 400 when strict', async () => {
    const lacking = await gateway.get('/fhir/R4/DocumentReference?status=current');
    expect([lacking.status, codes(lacking.body)]).toEqual([400, ['find-patient-missing']]);
    const lenient = await gateway.get('/fhir/R4/DocumentReference?patient=Patient/crh');
    const last = lenient.body.entry.at(-1);
    expect([last.search.mode, codes(last.resource)]).toEqual(['outcome', ['find-status-missing']]);
    const strict = await fetch(`${gateway.url}/fhir/R4/List?patient=Patient/crh`, {
      headers: { authorization: `Bearer ${await gateway.token()}`, prefer: 'handling=strict' },
    });
    expect(strict.status).toBe(400);
  });

  test('the lot of PDSm for DMP: refused for the key of its INS, its missing custodian and its placeholder', async () => {
    const { status, body } = await refused(() => provide(load(TD2)));
    expect(status).toBeGreaterThanOrEqual(400);
    const found = codes(body);
    for (const code of ['provide-ins-invalid', 'provide-subject-unknown', 'cda-missing']) expect(found).toContain(code);
    expect(reasons(body)).toContain('provide-incomplete Bundle.entry[1].resource.custodian');
  });

  test('ITI-105 of PDSm for DMP: refused for the key of its INS and its placeholder', async () => {
    const { status, body } = await refused(() => authorized('POST', '/DocumentReference', load(ITI105)));
    expect(status).toBeGreaterThanOrEqual(400);
    for (const code of ['provide-ins-invalid', 'cda-missing']) expect(codes(body)).toContain(code);
  });

  test('ITI-105 of PDSm: announced hash and size are not those of its data; without them 201 and Location', async () => {
    await put(load('pdsm/Patient-fr-patient-123.json'));
    const document = load(SIMPLIFIED);
    const { status, body } = await refused(() => authorized('POST', '/DocumentReference', document));
    expect(status).toBe(422);
    expect(new Set(codes(body))).toEqual(new Set(['provide-content-differs']));
    const { size: _size, hash: _hash, ...attachment } = document.content[0].attachment;
    document.content[0].attachment = attachment;
    const taken = await authorized('POST', '/DocumentReference', document);
    expect(taken.status).toBe(201);
    expect(taken.headers.get('location')).toMatch(/\/fhir\/R4\/DocumentReference\/[^/]+/);
    expect(taken.body.content[0].attachment).toMatchObject({ size: 11, url: expect.stringMatching(/^Binary\//) });
    expect(taken.body.content[0].attachment.data).toBeUndefined();
  });

  test('ITI-105 without title or with url: refused, all at once', async () => {
    const document = load(SIMPLIFIED);
    Object.assign(document.content[0].attachment, { title: undefined, url: 'Binary/1' });
    document.masterIdentifier.value = 'urn:uuid:6d3b7d8e-0000-4000-8000-000000000001';
    const { status, body } = await refused(() => authorized('POST', '/DocumentReference', document));
    expect(status).toBe(422);
    for (const code of ['provide-incomplete', 'provide-inline']) expect(codes(body)).toContain(code);
  });

  test('contained resources with versionId or lastUpdated (dom-4): stripped, said in the answer', async () => {
    const bundle = load(PROVIDE);
    const text = JSON.stringify(bundle)
      .replaceAll('29.9999.1', '29.9999.7')
      .replaceAll('-000000000222', '-000000000777');
    const mended = JSON.parse(text);
    const list = load('pdsm/List-ExampleSubmissionSet.json');
    mended.entry[0].resource.contained[0].meta = list.contained[0].meta;
    const { status, body } = await provide(mended);
    expect(status).toBe(200);
    expect(new Set(codes(body.entry[0].response.outcome))).toEqual(new Set(['contained-meta']));
    const [, path] = /(List\/[^/]+)/.exec(body.entry[0].response.location)!;
    const kept = await gateway.get(`/fhir/R4/${path}`);
    expect(kept.body.contained[0].meta.versionId).toBeUndefined();
  });

  test('the published DocumentReference and answers are taken as plain resources', async () => {
    for (const file of [COMPREHENSIVE, special.at(-2)!, special.at(-1)!]) {
      const resource = load(file);
      const { status } = await put({ ...resource, id: resource.id ?? 'published' });
      expect([file, [200, 201].includes(status)]).toEqual([file, true]);
    }
  });

  test('care circle: the transaction whose entries name each other by literal ids', async () => {
    // The rows above have put the single resources there under the same ids; here the ids are only the bundle's own. The
    // patient is the same person as there, and keeps one record.
    const circle = JSON.parse(JSON.stringify(load(CIRCLE)).replaceAll('-example"', '-literal"'));
    const { status, body } = await provide(circle);
    expect(status).toBe(200);
    expect(body.entry.map((one: any) => one.response.status.slice(0, 3))).toEqual(['201', '201', '200', '201']);
    const [, path] = /(CareTeam\/[^/]+)/.exec(body.entry[0].response.location)!;
    const { body: team } = await gateway.get(`/fhir/R4/${path}`);
    const named = [team.subject, ...team.participant.map((one: any) => one.member), ...team.managingOrganization];
    for (const { reference } of named) expect((await gateway.get(`/fhir/R4/${reference}`)).status).toBe(200);
    const found = await gateway.get(
      `/fhir/R4/CareTeam?patient=${team.subject.reference}&_id=${team.id}&_include=CareTeam:participant`,
    );
    expect(found.body.entry.length).toBe(3);
    const updated = await put({ ...team, name: 'Cercle de soins' });
    expect([updated.status, updated.body.meta.versionId !== team.meta.versionId]).toEqual([200, true]);
    const history = await gateway.get(`/fhir/R4/${path}/_history`);
    expect(history.body.entry).toHaveLength(2);
  });
});
