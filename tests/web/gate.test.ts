import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Door, FhirEndpoint } from '../../src/adapter.ts';
import { type House, openHouse, outcome } from './house.ts';

/** Stands where the FHIR API will: shows what the gate let through. */
const mirror: Door = {
  http(router) {
    router.use('/fhir/R4', (asked, response) => {
      const { method, originalUrl, caller } = asked;
      response.json({ method, url: originalUrl, body: String(asked.body), client: caller?.clientId });
    });
  },
};

/** A FHIR server that holds one vital sign, `Observation/v1` of `Patient/p1`. */
const oneObservation: FhirEndpoint = {
  async send({ path, body }) {
    const [type, query] = path.replace('/_search', '').split('?') as [string, string];
    const asked = new URLSearchParams(typeof body === 'string' ? body : query);
    const fits = (name: string, value: string) => !asked.has(name) || asked.get(name) === value;
    const found =
      type === 'Observation' && fits('_id', 'v1') && fits('category', 'vital-signs') && fits('patient', 'p1');
    const resource = { resourceType: 'Observation', id: 'v1', subject: { reference: 'Patient/p1' } };
    const entry = found ? [{ resource, search: { mode: 'match' } }] : [];
    return {
      status: 200,
      headers: {},
      body: { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry },
    };
  },
};

let house: House;
beforeAll(async () => {
  house = await openHouse(undefined, { fhir: oneObservation, more: [mirror] });
});
afterAll(() => house.close());

const call = async (
  method: 'get' | 'post' | 'put' | 'patch' | 'delete',
  url: string,
  scope: string,
  more: { body?: unknown; patient?: string } = {},
) => {
  const asked = request(house.app)
    [method](url)
    .set('Authorization', await house.token(scope, more));
  return more.body === undefined
    ? asked
    : asked.set('Content-Type', 'application/fhir+json').send(JSON.stringify(more.body));
};

describe('without a token', () => {
  test('401 says where to get one', async () => {
    const answer = await request(house.app).get('/fhir/R4/CarePlan');
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="passerelle"');
    expect(answer.headers['content-type']).toBe('application/fhir+json; charset=utf-8');
    expect(answer.body).toEqual(
      outcome({
        code: 'token-missing',
        issue: 'login',
        text: 'An access token is needed. Ask /oauth2/token for one and send it in Authorization: Bearer.',
      }),
    );
  });

  test('in French for those who ask in French', async () => {
    const answer = await request(house.app).post('/in/cda').set('Accept-Language', 'fr-FR,fr;q=0.9');
    expect(answer.status).toBe(401);
    expect(answer.body.issue[0].details.text).toMatch(/^Un jeton d’accès est nécessaire/);
  });

  test.each(['get', 'post', 'put', 'patch', 'delete', 'options'] as const)('%s is no way round', async (method) => {
    for (const path of [
      '/in/fhir',
      '/fhir/R4',
      '/fhir/R4/Patient/1',
      '/messages',
      '/unmapped',
      '/elsewhere',
      '/IN/cda',
      '//in/cda',
    ]) {
      expect((await request(house.app)[method](path)).status).toBe(401);
    }
  });

  test('what can be read in two ways is not read at all', async () => {
    for (const path of [
      '/fhir/R4/metadata/%2e%2e/Patient',
      '/health%2f..%2fin',
      '/fhir/R4/%',
      '/oauth2/token/%2e%2e/x',
    ]) {
      const answer = await request(house.app).get(path);
      expect(answer.status).toBe(400);
      expect(answer.body.issue[0].details.coding[0].code).toBe('request-malformed');
    }
  });
});

test('a token that is not valid: 401 says so, and nothing more', async () => {
  for (const value of ['Bearer x', 'Bearer a.b.c', 'bearer  e30.e30.e30']) {
    const answer = await request(house.app).get('/fhir/R4/Patient').set('Authorization', value);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="passerelle", error="invalid_token"');
    expect(answer.body.issue[0].details.coding[0].code).toBe('token-invalid');
  }
  for (const value of ['Basic abc', 'Bearer', 'Bearer a b', `Bearer ${'é'}`]) {
    const answer = await request(house.app).get('/fhir/R4/Patient').set('Authorization', encodeURI(value));
    expect(answer.status).toBe(401);
  }
});

describe('with a token', () => {
  test('a GP reads the care plan, the patient and the tasks', async () => {
    const url = '/fhir/R4/CarePlan?patient.identifier=a|b&_include=CarePlan:subject&_revinclude=Task:based-on';
    const answer = await call('get', url, 'user/CarePlan.rs user/Patient.rs user/Task.rs');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ url, client: 'tester' });
  });

  test('403 names the scope that is missing', async () => {
    const answer = await call('get', '/fhir/R4/CarePlan?_revinclude=Task:based-on', 'user/CarePlan.rs');
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="passerelle", error="insufficient_scope", scope="user/Task.s"',
    );
    expect(answer.body).toEqual(
      outcome({
        code: 'scope-missing',
        issue: 'forbidden',
        text: 'The token lacks the scope user/Task.s. Ask for a token that carries it.',
      }),
    );
  });

  test('a token without any scope opens nothing', async () => {
    for (const [method, path] of [
      ['get', '/fhir/R4/Patient'],
      ['post', '/in/cda'],
      ['post', '/in/fhir'],
      ['get', '/messages'],
    ] as const) {
      expect((await call(method, path, 'openid')).status).toBe(403);
    }
  });
});

describe('a scope that reaches only some resources', () => {
  const some = 'system/Observation.cruds?category=vital-signs';
  const vital = { resourceType: 'Observation', category: [{ coding: [{ code: 'vital-signs' }] }] };

  test('adds its constraint to a search, by GET and by POST', async () => {
    expect((await call('get', '/fhir/R4/Observation?code=1', some)).body.url).toBe(
      '/fhir/R4/Observation?code=1&category=vital-signs',
    );
    expect((await call('get', '/fhir/R4/Observation', some)).body.url).toBe(
      '/fhir/R4/Observation?category=vital-signs',
    );
    const posted = await request(house.app)
      .post('/fhir/R4/Observation/_search')
      .set('Authorization', await house.token(some))
      .type('form')
      .send('code=1');
    expect(posted.body.body).toBe('code=1&category=vital-signs');
  });

  test('lets one be read when it fits', async () => {
    expect((await call('get', '/fhir/R4/Observation/v1', some)).status).toBe(200);
    expect((await call('get', '/fhir/R4/Observation/other', some)).status).toBe(403);
    expect((await call('delete', '/fhir/R4/Observation/other', some)).status).toBe(403);
  });

  test('lets one be written when it fits before and after', async () => {
    expect((await call('post', '/fhir/R4/Observation', some, { body: vital })).status).toBe(200);
    expect((await call('post', '/fhir/R4/Observation', some, { body: { resourceType: 'Observation' } })).status).toBe(
      403,
    );
    expect((await call('put', '/fhir/R4/Observation/v1', some, { body: vital })).status).toBe(200);
    expect((await call('put', '/fhir/R4/Observation/other', some, { body: vital })).status).toBe(403);
    expect((await call('put', '/fhir/R4/Observation/v1', some, { body: { resourceType: 'Observation' } })).status).toBe(
      403,
    );
    expect((await call('patch', '/fhir/R4/Observation/v1', some, { body: [] })).status).toBe(403);
  });

  test('does not reach what cannot be limited', async () => {
    expect((await call('get', '/fhir/R4/Observation/_history', some)).status).toBe(403);
    expect((await call('get', '/fhir/R4/Patient/p1/Observation', some)).status).toBe(403);
  });

  test('of one patient: searches are about that patient', async () => {
    const mine = { patient: 'p1' };
    expect((await call('get', '/fhir/R4/Observation', 'patient/*.rs', mine)).body.url).toBe(
      '/fhir/R4/Observation?patient=p1',
    );
    expect((await call('get', '/fhir/R4/Patient?name=x', 'patient/*.rs', mine)).body.url).toBe(
      '/fhir/R4/Patient?name=x&_id=p1',
    );
    expect((await call('get', '/fhir/R4/Observation/v1', 'patient/*.rs', mine)).status).toBe(200);
    expect((await call('get', '/fhir/R4/Observation/v1', 'patient/*.rs', { patient: 'p2' })).status).toBe(403);
    expect((await call('post', '/in/fhir', 'patient/*.cruds', { ...mine, body: {} })).status).toBe(403);
  });
});

describe('what the body asks for', () => {
  const transaction = (...entries: [method: string, url: string][]) => ({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: entries.map(([method, url]) => ({
      request: { method, url },
      resource: { resourceType: url.split(/[/?]/)[0] },
    })),
  });

  test('a transaction is allowed when each entry is', async () => {
    const body = transaction(['POST', 'Patient'], ['PUT', 'Observation?identifier=a']);
    expect((await call('post', '/fhir/R4', 'system/Patient.c system/Observation.u', { body })).status).toBe(200);
    const answer = await call('post', '/fhir/R4', 'system/Patient.c system/Bundle.cruds', { body });
    expect(answer.status).toBe(403);
    expect(answer.body.issue[0].details.text).toContain('system/Observation.u');
    expect((await call('post', '/in/fhir', 'system/Patient.c system/Bundle.cruds', { body })).status).toBe(403);
  });

  test('an entry that says one type and carries another is no way round', async () => {
    const entry = (method: string, url: string) => ({
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ request: { method, url }, resource: { resourceType: 'Patient' } }],
    });
    for (const [method, url] of [
      ['POST', 'Observation'],
      ['PUT', 'Observation/1'],
      ['GET', 'Observation/1'],
      ['PATCH', 'Observation/1'],
    ] as const) {
      const answer = await call('post', '/in/fhir', 'system/Observation.cruds system/Bundle.cruds', {
        body: entry(method, url),
      });
      expect(answer.status).toBe(403);
    }
    expect(
      (await call('post', '/fhir/R4', 'system/Observation.cruds', { body: entry('POST', 'Observation') })).status,
    ).toBe(403);
  });

  test('a search in a batch brings nothing along that may not be seen', async () => {
    const body = transaction(['GET', 'CarePlan?_revinclude=Task:based-on']);
    expect((await call('post', '/fhir/R4', 'system/CarePlan.s', { body: { ...body, type: 'batch' } })).status).toBe(
      403,
    );
  });

  test('a search by POST neither', async () => {
    const answer = await request(house.app)
      .post('/fhir/R4/CarePlan/_search')
      .set('Authorization', await house.token('system/CarePlan.rs'))
      .type('form')
      .send('_revinclude=Task:based-on');
    expect(answer.status).toBe(403);
  });

  test('one resource asks for its type, or for Bundle', async () => {
    const body = { resourceType: 'Observation', status: 'final' };
    expect((await call('post', '/in/fhir', 'system/Observation.c', { body })).status).toBe(202);
    expect((await call('post', '/in/fhir', 'system/Bundle.c', { body })).status).toBe(202);
    expect((await call('post', '/in/fhir', 'system/Patient.c', { body })).status).toBe(403);
  });

  test('what cannot be read needs a scope all the same', async () => {
    expect((await call('post', '/fhir/R4', 'system/Patient.rs', { body: 'nonsense' })).status).toBe(403);
    expect((await call('post', '/in/fhir', 'system/Bundle.c', { body: 'nonsense' })).status).toBe(202);
  });
});
