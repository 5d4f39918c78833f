import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Bundle, OperationOutcome, Patient, Resource } from '@medplum/fhirtypes';
import express from 'express';
import { pino } from 'pino';
import request from 'supertest';
import type { FhirResponse } from '../../src/adapter.ts';
import { door } from '../../src/adapters/fhir-api/index.ts';
import { fault } from '../../src/errors.ts';
import { read } from '../../src/formats/fhir/index.ts';
import type { Incoming, Outcome, Verdict } from '../../src/message.ts';
import { type Fixture, openFixture } from '../store/fixture.ts';

const JSON_TYPE = 'application/fhir+json';
let fixture: Fixture;
/** What the door wrote down, and how the house behind it behaves. */
let taken: Incoming[];
let house: { verdict?: Partial<Verdict>; outcome?: Outcome | 'late'; sees?: (resource: Resource) => boolean };

/** Writes down, then applies to the real store: the least a gateway does. */
async function apply({ interaction, bytes }: Incoming): Promise<FhirResponse> {
  const { method, path, headers } = interaction!;
  const isResource = bytes.length > 0 && headers.contentType !== 'application/json-patch+json';
  const body = isResource ? read(bytes).tree : bytes.length ? JSON.parse(Buffer.from(bytes).toString()) : undefined;
  const named = { 'if-match': headers.ifMatch, 'if-none-exist': headers.ifNoneExist, prefer: headers.prefer };
  const given = Object.entries(named).filter(([, value]) => value) as [string, string][];
  return fixture.store.endpoint.send({ method, path, body, headers: Object.fromEntries(given) });
}

const app = express();
beforeAll(() => {
  fixture = openFixture();
  const answers = new Map<string, Outcome>();
  const { http } = door.create({
    name: 'api',
    config: { waitSeconds: 1 },
    log: pino({ level: 'silent' }),
    accept: async (incoming) => {
      taken.push(incoming);
      const id = `m${taken.length}`;
      if (!house.outcome && !house.verdict) {
        answers.set(id, { id, state: 'delivered', references: [], faults: [], response: await apply(incoming) });
      }
      return { id, state: 'accepted', duplicate: false, faults: [], ...house.verdict };
    },
    outcome: async (id) => (house.outcome === 'late' ? undefined : (house.outcome ?? answers.get(id))),
    receipt: async () => {},
    original: async () => undefined,
    fhir: { send: (asked) => fixture.store.endpoint.send(asked) },
  });
  app.use(express.raw({ type: () => true, limit: '10mb' }));
  app.use((asked, _, next) => {
    if (asked.get('x-caller'))
      asked.caller = { clientId: asked.get('x-caller')!, sees: (one: Resource) => house.sees?.(one) ?? true } as never;
    next();
  });
  const router = express.Router();
  http!(router);
  app.use(router);
});
afterAll(() => fixture.close());
beforeEach(() => {
  taken = [];
  house = {};
});

const post = (path: string, body: object, type = JSON_TYPE) =>
  request(app).post(`/fhir/R4${path}`).set('content-type', type).send(JSON.stringify(body));
const patient = (rest: object = {}) => ({ resourceType: 'Patient', name: [{ family: 'Exemple' }], ...rest });
const codeOf = (body: OperationOutcome) => body.issue[0]!.details!.coding![0]!.code;

describe('writes', () => {
  test('are written down with their bytes, then applied: 201 with an absolute Location', async () => {
    const answer = await post('/Patient?_format=json', patient())
      .set('x-caller', 'gp')
      .set('prefer', 'return=representation');
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/fhir\/R4\/Patient\/[\w-]+\/_history\/1$/);
    expect(answer.headers.etag).toBe('W/"1"');
    expect(taken[0]).toMatchObject({
      door: 'api',
      format: 'fhir',
      sender: 'gp',
      interaction: { method: 'POST', path: 'Patient' },
    });
    expect(Buffer.from(taken[0]!.bytes).toString()).toBe(JSON.stringify(patient()));
    expect((await request(app).get(new URL(answer.headers.location!).pathname)).body).toEqual(answer.body);
  });

  test('update, conditional create, patch and delete answer what the server says', async () => {
    const put = (body: object) =>
      request(app).put('/fhir/R4/Patient/w1').set('content-type', JSON_TYPE).send(JSON.stringify(body));
    expect((await put(patient({ id: 'w1' }))).status).toBe(201);
    expect((await put(patient({ id: 'w1', gender: 'female' })).set('if-match', 'W/"7"')).status).toBe(412);
    expect((await put(patient({ id: 'w1', gender: 'female' })).set('if-match', 'W/"1"')).status).toBe(200);
    const patched = await request(app)
      .patch('/fhir/R4/Patient/w1')
      .set('content-type', 'application/json-patch+json')
      .send('[{"op":"replace","path":"/gender","value":"male"}]');
    expect(patched.body).toMatchObject({ gender: 'male', meta: { versionId: '3' } });
    const again = await post('/Patient', patient({ identifier: [{ value: 'x1' }] })).set(
      'if-none-exist',
      'identifier=x1',
    );
    const same = await post('/Patient', patient({ identifier: [{ value: 'x1' }] })).set(
      'if-none-exist',
      'identifier=x1',
    );
    expect([again.status, same.status]).toEqual([201, 200]);
    expect((await request(app).delete('/fhir/R4/Patient/w1')).status).toBe(204);
    expect((await request(app).get('/fhir/R4/Patient/w1')).status).toBe(410);
  });

  test('a transaction comes in XML and is answered in XML', async () => {
    const xml = `<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource><Patient><active value="true"/></Patient></resource><request><method value="POST"/><url value="Patient"/></request></entry></Bundle>`;
    const answer = await request(app)
      .post('/fhir/R4')
      .set('content-type', 'application/fhir+xml')
      .set('accept', 'application/fhir+xml')
      .send(xml);
    expect([answer.status, answer.type]).toEqual([200, 'application/fhir+xml']);
    expect(answer.text ?? answer.body.toString()).toContain('201 Created');
  });

  test('a document that comes as itself becomes a Binary and is read back to the byte', async () => {
    const bytes = Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 255, 10]);
    const made = await request(app).put('/fhir/R4/Binary/pdf').set('content-type', 'application/pdf').send(bytes);
    expect(made.status).toBe(201);
    const raw = await request(app)
      .get('/fhir/R4/Binary/pdf')
      .set('accept', '*/*')
      .buffer(true)
      .parse((from, done) => {
        const chunks: Buffer[] = [];
        from.on('data', (chunk: Buffer) => chunks.push(chunk));
        from.on('end', () => done(null, Buffer.concat(chunks)));
      });
    expect([raw.headers['content-type'], raw.headers['content-disposition']]).toEqual([
      'application/pdf',
      'attachment',
    ]);
    expect(Buffer.compare(raw.body as Buffer, bytes)).toBe(0);
    const wrapped = await request(app).get('/fhir/R4/Binary/pdf?_format=json');
    expect(wrapped.body).toMatchObject({ resourceType: 'Binary', data: bytes.toString('base64') });
  });

  test('202 with Content-Location while the server is away', async () => {
    house.outcome = 'late';
    const answer = await post('/Patient', patient());
    expect([answer.status, answer.headers['content-location'], codeOf(answer.body)]).toEqual([
      202,
      '/messages/m1',
      'write-waiting',
    ]);
  });

  test('a refusal of the house is told with its codes', async () => {
    house.verdict = { state: 'refused', faults: [fault('resource-invalid', { params: { reason: 'x' } })] };
    const answer = await post('/Patient', patient());
    expect([answer.status, codeOf(answer.body)]).toEqual([422, 'resource-invalid']);
    house = {
      outcome: { id: 'm', state: 'dead', references: [], faults: [fault('fhir-refused', { params: { status: 400 } })] },
    };
    expect((await post('/Patient', patient())).status).toBe(422);
  });

  test.each([
    ['POST', '/Patient', 'text/plain', 'hello', 415, 'fhir-type-unsupported'],
    ['POST', '/Patient', JSON_TYPE, '', 400, 'body-empty'],
    ['PATCH', '/Patient/1', 'application/json-patch+json', '{oops', 400, 'fhir-request-invalid'],
    ['PATCH', '/Patient/1', 'application/json', '[]', 415, 'fhir-type-unsupported'],
    ['PATCH', '/Patient/1', 'application/xml-patch+xml', '<diff/>', 415, 'fhir-type-unsupported'],
  ])('%s %s as %s is refused and not written down', async (method, path, type, body, status, code) => {
    const asked = method === 'POST' ? request(app).post(`/fhir/R4${path}`) : request(app).patch(`/fhir/R4${path}`);
    const answer = await asked.set('content-type', type).send(body);
    expect([answer.status, codeOf(answer.body), taken]).toEqual([status, code, []]);
  });
});

describe('reads', () => {
  beforeAll(async () => {
    await fixture.put({ resourceType: 'Patient', id: 'r1', gender: 'female', name: [{ family: 'Lu' }] });
    await fixture.put({
      resourceType: 'CarePlan',
      id: 'plan',
      status: 'active',
      intent: 'plan',
      subject: { reference: 'Patient/r1' },
    });
    await fixture.put({
      resourceType: 'Task',
      id: 'call',
      status: 'requested',
      intent: 'order',
      basedOn: [{ reference: 'CarePlan/plan' }],
    });
  });

  test('in JSON or XML, by Accept or _format, with ETag and 304', async () => {
    const json = await request(app).get('/fhir/R4/Patient/r1').set('accept', 'application/fhir+json');
    expect([json.type, json.headers.etag, (json.body as Patient).gender]).toEqual([JSON_TYPE, 'W/"1"', 'female']);
    const xml = await request(app).get('/fhir/R4/Patient/r1?_format=xml');
    expect([xml.type, xml.status]).toEqual(['application/fhir+xml', 200]);
    expect(String(xml.text ?? xml.body)).toContain('<gender value="female"/>');
    expect((await request(app).get('/fhir/R4/Patient/r1').set('if-none-match', 'W/"1"')).status).toBe(304);
    const head = await request(app).head('/fhir/R4/Patient/r1');
    expect([head.status, head.headers.etag, head.text]).toEqual([200, 'W/"1"', undefined]);
  });

  test('a search has absolute links and full URLs, and its next page works', async () => {
    const first = await request(app).get('/fhir/R4/Patient?_count=1&gender=female,male&_format=json');
    const bundle = first.body as Bundle;
    expect(bundle.entry![0]!.fullUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/fhir\/R4\/Patient\//);
    expect(bundle.link!.find((one) => one.relation === 'self')!.url).toContain('/fhir/R4/Patient?');
    const posted = await request(app).post('/fhir/R4/Patient/_search').type('form').send('_id=r1&gender=female');
    expect((posted.body as Bundle).entry!.map((one) => one.resource!.id)).toEqual(['r1']);
    expect(taken).toEqual([]);
  });

  test('what a search brings along is left out when the caller may not see it', async () => {
    const path = '/fhir/R4/CarePlan?_id=plan&_include=CarePlan:subject&_revinclude=Task:based-on&bogus=1';
    const kinds = (body: Bundle) => body.entry!.map((one) => one.resource!.resourceType);
    expect(kinds((await request(app).get(path).set('x-caller', 'gp')).body)).toEqual([
      'CarePlan',
      'Patient',
      'Task',
      'OperationOutcome',
    ]);
    house.sees = (resource) => resource.resourceType !== 'Patient';
    expect(kinds((await request(app).get(path).set('x-caller', 'gp')).body)).toEqual([
      'CarePlan',
      'Task',
      'OperationOutcome',
    ]);
  });

  test('metadata says where the API is and how it is secured', async () => {
    const { body } = await request(app).get('/fhir/R4/metadata');
    expect(body.implementation.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/fhir\/R4$/);
    expect(body.rest[0].security.extension[0].extension[0]).toMatchObject({ url: 'token' });
  });

  test('$validate and $everything change nothing and are not written down', async () => {
    const judged = await post('/Patient/$validate', patient({ gender: 4 }));
    expect([judged.status, codeOf(judged.body)]).toEqual([200, 'resource-invalid']);
    const all = await request(app).get('/fhir/R4/Patient/r1/$everything');
    expect((all.body as Bundle).entry).toHaveLength(2);
    expect((await request(app).post('/fhir/R4/Patient/r1/%24everything')).status).toBe(200);
    expect(taken).toEqual([]);
  });

  test.each([
    ['/fhir/R4/Patient/nobody', 404, 'resource-unknown'],
    ['/fhir/R4/Nonsense', 404, 'type-unknown'],
    ['/fhir/R4/Patient?birthdate=x', 400, 'search-value-invalid'],
  ])('%s answers %i', async (path, status, code) => {
    const answer = await request(app).get(path);
    expect([answer.status, codeOf(answer.body)]).toEqual([status, code]);
  });

  test('other methods are not allowed', async () => {
    const answer = await request(app).options('/fhir/R4/Patient');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST, PUT, PATCH, DELETE']);
  });
});
