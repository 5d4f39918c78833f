import { readFileSync } from 'node:fs';
import type { Identifier } from '@medplum/fhirtypes';
import { parse } from 'csv-parse/sync';
import { fault, PasserelleError } from '../../errors.ts';
import { professionalIdentifiers } from '../../formats/national.ts';

/** A mailbox of somebody, as a directory knows it. */
export interface Mailbox {
  address: string;
  /** `APP`, `PER`, `ORG`, `CAB`. */
  type: string;
  /** Must be neither shown nor used. */
  redListed: boolean;
}

/** Where addresses are looked up: by identifier, never by name. Resolves to none when nobody is known by it. */
export interface Directory {
  mailboxesOf(identifier: Identifier): Promise<Mailbox[]>;
}

/** A CSV file kept by the house; read once. The identifier is the bare number or `system|number`. */
export function csvDirectory(file: string): Directory {
  const boxes = new Map<string, Mailbox[]>();
  for (const row of rowsOf(file)) {
    const identifier = row.identifier?.trim();
    const address = row.address?.trim();
    if (!identifier || !address) continue;
    const redListed = /^(y|o|1|true|oui|yes)/i.test(row.red_list?.trim() ?? '');
    const box = { address, type: row.type?.trim().toUpperCase() ?? '', redListed };
    boxes.set(identifier, [...(boxes.get(identifier) ?? []), box]);
  }
  return {
    mailboxesOf: async ({ system, value }) => [
      ...(boxes.get(`${system}|${value}`) ?? []),
      ...(boxes.get(value ?? '') ?? []),
    ],
  };
}

function rowsOf(file: string): Record<string, string>[] {
  try {
    return parse(readFileSync(file), {
      bom: true,
      columns: (names: string[]) => names.map((one) => one.trim().toLowerCase()),
      delimiter: [',', ';'],
      skip_empty_lines: true,
      relax_column_count: true,
    });
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'not a CSV';
    throw new PasserelleError(fault('directory-unreadable', { params: { file, reason } }), { cause: error });
  }
}

/** The receiving program's own box first, then a person's, an organisation's. */
const preference = ['APP', 'PER', 'ORG', 'CAB', ''];

/** The address to use among several, in the order of the directories; red-listed ones do not count. Asked by each form of a national number. */
export async function addressOf(identifier: Identifier, directories: Directory[]): Promise<string | undefined> {
  for (const directory of directories) {
    for (const form of formsOf(identifier)) {
      const usable = (await directory.mailboxesOf(form)).filter((one) => !one.redListed);
      const rank = ({ type }: Mailbox) => (preference.indexOf(type) + 1 || preference.length + 1) - 1;
      const [best] = usable.sort((a, b) => rank(a) - rank(b));
      if (best) return best.address;
    }
  }
  return undefined;
}

/** As it is written, then as RPPS number and as national number (8 and the RPPS number): directories have one or the other. */
function formsOf({ system, value = '' }: Identifier): Identifier[] {
  const others = professionalIdentifiers(system, value).filter((one) => one.system !== system || one.value !== value);
  return [{ system, value }, ...others];
}
