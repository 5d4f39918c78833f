import { afterAll, expect, test } from '@jest/globals';
import { loadSearchParameters } from '../../src/store/index.ts';
import { openFixture } from './fixture.ts';

const PROFILES = new URL('../../profiles', import.meta.url).pathname;
const fixture = openFixture({ searchParameters: loadSearchParameters(PROFILES) });
afterAll(() => fixture.close());

test('tasks by their deadline, which R4 has no parameter for', async () => {
  const deadlines = {
    late: '2026-11-23T20:00:00+01:00',
    soon: '2026-11-24T09:00:00+01:00',
    later: '2026-12-01T20:00:00+01:00',
  };
  for (const [id, end] of Object.entries(deadlines)) {
    await fixture.put({
      resourceType: 'Task',
      id,
      status: 'requested',
      intent: 'order',
      restriction: { period: { end } },
    });
  }
  await fixture.put({ resourceType: 'Task', id: 'whenever', status: 'requested', intent: 'order' });
  expect(await fixture.ids('Task?due=le2026-11-24&_sort=due')).toEqual(['late', 'soon']);
  expect(await fixture.ids('Task?due=lt2026-11-24T08:00:00Z')).toEqual(['late']);
  expect(await fixture.ids('Task?due=ge2026-11-24&_sort=-due')).toEqual(['later', 'soon']);
});
