import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { type Fixture, openFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(() => {
  fixture = openFixture();
});
afterAll(() => fixture.close());

/** Follows the next links to the end; `meanwhile` runs between the pages. */
async function pages(
  path: string,
  meanwhile: (page: number) => Promise<unknown>,
): Promise<{ ids: string[]; totals: (number | undefined)[] }> {
  const ids: string[] = [];
  const totals: (number | undefined)[] = [];
  let next: string | undefined = path;
  for (let page = 0; next; page++) {
    const bundle: Bundle = await fixture.search(next);
    ids.push(...(bundle.entry ?? []).map((entry) => entry.resource!.id!));
    totals.push(bundle.total);
    next = bundle.link!.find((link) => link.relation === 'next')?.url;
    await meanwhile(page);
  }
  return { ids, totals };
}

const observation = (tag: string, id: string, date: string | undefined, value: number) => ({
  resourceType: 'Observation',
  id,
  meta: { tag: [{ code: tag }] },
  status: 'final',
  code: { text: 'x' },
  ...(date ? { effectiveDateTime: date } : {}),
  valueQuantity: { value },
});

describe('pages', () => {
  test('hold every match once and in order, while others are added, changed and deleted', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }), fc.integer({ min: 0, max: 3 })),
          { maxLength: 25 },
        ),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(
          '',
          '&_sort=date',
          '&_sort=-date',
          '&_sort=value-quantity,-date',
          '&_sort=-_lastUpdated',
          '&_sort=status,-_id',
        ),
        async (held, count, sort) => {
          const tag = `p${run++}`;
          const make = (index: number, day: number | undefined, value: number) =>
            fixture.put(
              observation(tag, `${tag}-${String(index).padStart(3, '0')}`, day ? `2026-01-0${day}` : undefined, value),
            );
          for (const [index, [day, value]] of held.entries()) await make(index, day, value);
          const whole = (await fixture.ids(`Observation?_tag=${tag}&_count=1000${sort}`)) as string[];
          const paged = await pages(`Observation?_tag=${tag}&_count=${count}${sort}`, (page) =>
            make(500 + page, 1 + (page % 9), page % 4),
          );
          expect(paged.ids).toEqual(whole);
          expect(new Set(paged.totals)).toEqual(new Set([held.length]));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('of thousands, walked by an index, are the same as all at once', async () => {
    const total = 2500;
    for (let from = 0; from < total; from += 500) {
      await Promise.all(
        Array.from({ length: 500 }, (_, place) => {
          const index = from + place;
          const date = index % 10 === 0 ? undefined : `2026-0${1 + (index % 9)}-0${1 + ((index * 7) % 9)}`;
          return fixture.put(observation('many', `many-${index}`, date, index % 3));
        }),
      );
    }
    for (const sort of ['', '&_sort=-date', '&_sort=date', '&_sort=-_lastUpdated']) {
      const { ids } = await pages(`Observation?_tag=many&value-quantity=lt2&_count=137${sort}`, async () => {});
      expect(ids).toHaveLength(new Set(ids).size);
      expect(ids).toHaveLength(Math.ceil((total * 2) / 3));
      if (sort === '')
        expect(ids).toEqual([...ids].sort((one, other) => Number(one.slice(5)) - Number(other.slice(5))));
    }
  });

  test('deleted matches are missing, the others are not shifted', async () => {
    for (let index = 0; index < 9; index++)
      await fixture.put(observation('del', `del-${index}`, `2026-01-0${index + 1}`, 0));
    const { ids } = await pages('Observation?_tag=del&_sort=date&_count=3', async (page) => {
      if (page === 0)
        await Promise.all([fixture.send('DELETE', 'Observation/del-1'), fixture.send('DELETE', 'Observation/del-5')]);
    });
    expect(ids).toEqual(['del-0', 'del-1', 'del-2', 'del-3', 'del-4', 'del-6', 'del-7', 'del-8']);
  });
});

describe('$everything', () => {
  test('pages the compartment once, with what it refers to', async () => {
    await fixture.put({ resourceType: 'Organization', id: 'org', name: 'Hôpital' });
    await fixture.put({
      resourceType: 'Patient',
      id: 'whole',
      managingOrganization: { reference: 'Organization/org' },
    });
    await fixture.put({ resourceType: 'Patient', id: 'other' });
    for (let index = 0; index < 7; index++) {
      const subject = { reference: index === 6 ? 'Patient/other' : 'Patient/whole' };
      await fixture.put({ ...observation('ev', `ev-${index}`, `2026-01-0${index + 1}`, 1), subject });
    }
    const seen: string[] = [];
    let path: string | undefined = 'Patient/whole/$everything?_count=2';
    while (path) {
      const bundle = (await fixture.get(path)).body as Bundle;
      seen.push(...bundle.entry!.map((entry) => `${entry.resource!.resourceType}/${entry.resource!.id}`));
      path = bundle.link!.find((link) => link.relation === 'next')?.url;
    }
    expect(seen).toEqual([
      'Patient/whole',
      'Observation/ev-0',
      'Observation/ev-1',
      'Organization/org',
      'Observation/ev-2',
      'Observation/ev-3',
      'Observation/ev-4',
      'Observation/ev-5',
    ]);
    const some = (await fixture.get('Patient/whole/$everything?_type=Observation&start=2026-01-02&end=2026-01-03'))
      .body as Bundle;
    expect(some.entry!.map((entry) => entry.resource!.id)).toEqual(['ev-1', 'ev-2']);
    expect((await fixture.get('Patient/nobody/$everything')).status).toBe(404);
  });
});
