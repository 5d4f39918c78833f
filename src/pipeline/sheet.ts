import { createHash } from 'node:crypto';
import type { DoorContext } from '../adapter.ts';
import { type Fault, fault } from '../errors.ts';
import { readTable } from '../formats/table/index.ts';
import type { Translator } from '../mapping/index.ts';

/** A spreadsheet that came in. */
export interface IncomingSheet {
  bytes: Uint8Array;
  format: 'csv' | 'xlsx';
  /** Route that reads a form of one row. */
  route: string;
  door: string;
  sender?: string;
}

/** What became of the rows; `row` is the line of the sheet, the headers being 1. */
export interface TakenSheet {
  accepted: { row: number; id: string; duplicate: boolean }[];
  refused: { row: number; id?: string; faults: Fault[] }[];
  /** Of the sheet as a whole; with an error no row was taken. */
  faults: Fault[];
}

const atOnce = 50;

/**
 * Takes a spreadsheet row by row: each row is a form of its own and goes the way of a form that came alone, written down
 * before it is answered. Bad rows are told by row and column, good ones go through. A row sent again as it was is the same
 * message.
 */
export async function takeSheet(
  translator: Translator,
  accept: DoorContext['accept'],
  { bytes, format, route, door, sender }: IncomingSheet,
): Promise<TakenSheet> {
  const table = await readTable(bytes, format);
  if (table.faults.length > 0) return { accepted: [], refused: [], faults: table.faults };
  const read = translator.readSheet(route, table.rows);
  if (!read) return { accepted: [], refused: [], faults: [fault('sheet-unknown', { params: { route } })] };
  const taken: TakenSheet = { accepted: [], refused: [], faults: read.faults };
  for (let at = 0; at < read.rows.length; at += atOnce) {
    await Promise.all(
      read.rows.slice(at, at + atOnce).map(async ({ row, form, faults }) => {
        if (!form) return void taken.refused.push({ row, faults });
        const json = Buffer.from(JSON.stringify(form));
        const idempotencyKey = `${sender ?? ''}/${route}/${createHash('sha256').update(json).digest('hex').slice(0, 32)}`;
        const incoming = { door, sender, route, bytes: json, contentType: 'application/json', format: 'json' as const };
        const verdict = await accept({ ...incoming, idempotencyKey });
        const isRefused = verdict.state === 'refused' || verdict.state === 'quarantined';
        if (isRefused) taken.refused.push({ row, id: verdict.id, faults: verdict.faults });
        else taken.accepted.push({ row, id: verdict.id, duplicate: verdict.duplicate });
      }),
    );
  }
  for (const list of [taken.accepted, taken.refused]) list.sort((a, b) => a.row - b.row);
  return taken;
}
