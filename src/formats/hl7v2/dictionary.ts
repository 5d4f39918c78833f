/**
 * Datatypes of the fields that maps need in a FHIR-ready form, https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html and the
 * French extension PAM.fr 2.11 (ZBE, ZFA, ZFD …). A field that is not listed is offered as components only.
 */

export type Datatype = 'CX' | 'EI' | 'HD' | 'XPN' | 'XCN' | 'XON' | 'XAD' | 'XTN' | 'CWE' | 'PL' | 'TS';

const table: Record<string, string> = {
  MSH: '3HD 4HD 5HD 6HD 7TS',
  EVN: '2TS 3TS 5XCN 6TS 7HD',
  PID: '2CX 3CX 4CX 5XPN 6XPN 7TS 8CWE 9XPN 10CWE 11XAD 13XTN 14XTN 15CWE 16CWE 17CWE 18CX 21CX 22CWE 26CWE 28CWE 29TS 32CWE 33TS 34HD',
  PD1: '3XON 4XCN',
  ROL: '1EI 3CWE 4XCN 5TS 6TS 7CWE 9CWE 10CWE 11XAD 12XTN 13PL 14XON',
  NK1: '2XPN 3CWE 4XAD 5XTN 6XTN 7CWE 8TS 9TS 13XON 15CWE 16TS 20CWE 30XPN 31XTN 32XAD 33CX',
  PV1: '2CWE 3PL 4CWE 5CX 6PL 7XCN 8XCN 9XCN 10CWE 11PL 14CWE 16CWE 17XCN 18CWE 19CX 36CWE 37CWE 42PL 43PL 44TS 45TS 50CX 52XCN',
  PV2: '1PL 3CWE 4CWE 7CWE 8TS 9TS 13XCN 14TS 22CWE 23XON 33TS 38CWE',
  MRG: '1CX 2CX 3CX 4CX 5CX 6CX 7XPN',
  ZBE: '1EI 2TS 3TS 7XON 8XON 9CWE',
  ZFA: '1CWE 2TS 3TS 4CWE 5TS 6CWE 7CWE 8TS 9CWE 10TS 11CWE 12TS',
  ZFD: '5CWE 6TS',
  ZFM: '1CWE 2CWE 3CWE 4CWE',
  ZFV: '6XAD 7CX',
  ORC: '1CWE 2EI 3EI 4EI 5CWE 9TS 10XCN 11XCN 12XCN 15TS 17CWE 21XON',
  OBR: '2EI 3EI 4CWE 6TS 7TS 8TS 10XCN 14TS 15CWE 16XCN 22TS 24CWE 25CWE 28XCN 31CWE',
  OBX: '3CWE 6CWE 8CWE 11CWE 14TS 15CWE 16XCN 17CWE 18EI 19TS 23XON 24XAD 25XCN',
  PRT: '4CWE 5XCN 7XON 8XON 9PL 10EI 11TS 12TS 13CWE 14XAD 15XTN',
  TXA: '2CWE 3CWE 4TS 5XCN 6TS 7TS 8TS 9XCN 10XCN 11XCN 12EI 13EI 14EI 15EI 17CWE 18CWE 19CWE 20CWE 22XCN 23XCN',
  NTE: '4CWE 6TS',
  SPM: '4CWE 8CWE 17TS 18TS',
  AL1: '2CWE 3CWE 4CWE 6TS',
  DG1: '3CWE 5TS 6CWE 16XCN',
  PR1: '3CWE 5TS',
  ERR: '3CWE 5CWE',
};

/** Segments without fields of interest, so that a bare name on a line is still known as one. */
const others = 'MSA GT1 IN1 IN2 IN3 ACC DB1 UB1 UB2 ZFP ZFS ZFT TQ1 TQ2 CTD CTI FT1 SFT UAC CON DSC ARV OBP PDA QPD';

const types = new Map<string, (Datatype | undefined)[]>();
for (const [segment, fields] of Object.entries(table)) {
  const list: (Datatype | undefined)[] = [];
  for (const entry of fields.split(' ')) {
    const number = Number.parseInt(entry, 10);
    list[number] = entry.slice(String(number).length) as Datatype;
  }
  types.set(segment, list);
}
/** Segments with fields that have a FHIR-ready form. */
export const typedSegments: readonly string[] = [...types.keys()];
const names = new Set([...typedSegments, ...others.split(' ')]);

/** By its three letters as one number. */
const byLetters = new Map([...names].map((name) => [letters(Buffer.from(name), 0), name]));

function letters(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

/** The name of the segment that begins there, when it is listed: one string for each, whoever writes it. */
export function nameAt(bytes: Uint8Array, at: number): string | undefined {
  return byLetters.get(letters(bytes, at));
}

/** True for segments of HL7 v2.5 and its French profiles, and for every Z segment. */
export function isSegmentName(name: string): boolean {
  return names.has(name) || name.startsWith('Z');
}

/** Datatypes of a segment's fields by number; empty for a segment that is not listed. */
export function datatypesOf(segment: string): (Datatype | undefined)[] {
  return types.get(segment) ?? [];
}

/** Segments that a message has once (or once a patient): places name the first of them without an index. */
const single = new Set('MSH EVN PID PD1 PV1 PV2 MRG TXA MSA ZBE ZFA ZFD ZFM ZFP ZFV QPD'.split(' '));

/** Place of the nth segment of its name: `PID`, `PID[2]`, `OBX[1]`. */
export function placeOfOccurrence(name: string, occurrence: number): string {
  return occurrence === 1 && single.has(name) ? name : `${name}[${occurrence}]`;
}
