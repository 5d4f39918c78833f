import type { Bundle } from '@medplum/fhirtypes';
import type { Config } from '../config.ts';
import { type Fault, fault } from '../errors.ts';
import type { Converted, ConvertOptions } from '../pipeline/convert-bytes.ts';
import { exit, type Io } from './command.ts';
import { faultLine } from './text.ts';

/** Runs the pure part of the pipeline with the maps, profiles and rules that the configuration names. */
export async function convertBy(config: Config, bytes: Uint8Array, options: ConvertOptions): Promise<Converted> {
  const [{ furnished }, { convertBytes }] = await Promise.all([
    import('../gateway/furnish.ts'),
    import('../pipeline/convert-bytes.ts'),
  ]);
  return convertBytes(bytes, options, furnished(config.folders));
}

/**
 * Converts a spreadsheet row by row: stdout is a collection of the transactions of the good rows, stderr what is wrong with the
 * others, by row and column.
 */
export async function convertSheet(
  config: Config,
  bytes: Uint8Array,
  format: 'csv' | 'xlsx',
  route: string,
  io: Io,
): Promise<number> {
  const [{ furnished }, { convertBytes }, { readTable }] = await Promise.all([
    import('../gateway/furnish.ts'),
    import('../pipeline/convert-bytes.ts'),
    import('../formats/table/index.ts'),
  ]);
  const tell = (faults: Fault[]) => {
    for (const one of faults) io.err(`${faultLine(one, io.language)}\n`);
  };
  const house = furnished(config.folders);
  const table = await readTable(bytes, format);
  const read = table.faults.length > 0 ? undefined : house.translator.readSheet(route, table.rows);
  if (!read) {
    tell(table.faults.length > 0 ? table.faults : [fault('sheet-unknown', { params: { route: route || '--route' } })]);
    return exit.refused;
  }
  tell(read.faults);
  const bundles: Bundle[] = [];
  for (const { row, form, faults } of read.rows) {
    tell(faults);
    if (!form) continue;
    const json = Buffer.from(JSON.stringify(form));
    const { bundle, issues } = await convertBytes(json, { route, format: 'json', now: new Date() }, house);
    tell(issues.map((one) => ({ ...one, place: `row ${row}, ${one.place ?? ''}` })));
    if (bundle) bundles.push(bundle);
  }
  const entry = bundles.map((resource) => ({ resource }));
  io.out(`${JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }, null, 2)}\n`);
  return bundles.length === read.rows.length && bundles.length > 0 ? exit.done : exit.refused;
}
