/** What one row of the corpus' index states about an HL7 v2 message. */
export interface Hl7Facts {
  file: string;
  /** MSH-9 … MSH-21 by field number, as written; `-` for none. */
  header: Map<number, string>;
  /** Names of the segments in order, runs of one name once. */
  segments: string[];
  endOfLine: string;
  ins?: string;
  name?: string;
  birth?: string;
  sex?: string;
  status?: string;
  type?: string;
  documentId?: string;
  parentId?: string;
  availability?: string;
  order?: string;
  /** OBX-3.1 → OBX-11 of documents and mail texts. */
  results: [string, string][];
  metadata: Record<string, boolean>;
  /** `row 1`, `OUTSIDE`. */
  combination?: string;
  feed?: string;
  consult?: string;
  acknowledges?: string;
  text: string;
}

/** Rows `| hl7v2-…/file | origin | licence | what | facts |` of the index, messages only. */
export function hl7Rows(index: string): Hl7Facts[] {
  return index
    .split('\n')
    .filter((line) => /^\| hl7v2-[a-z]+\/\S+\.(?:er7|hl7) \|/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map((cells) => factsOf(cells[1]!, cells[4]!, cells.slice(5).join('|')));
}

function factsOf(file: string, what: string, text: string): Hl7Facts {
  const one = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const header = new Map(
    [...text.matchAll(/MSH-(\d+) ([^;(]+);/g)].map(([, number, value]) => [Number(number), value!.trim()]),
  );
  const zfa = one(/ZFA `([^`]+)`/)?.split('¦');
  return {
    file,
    header,
    segments: (one(/segments ([^;]+);/) ?? '').split(' ').map((name) => name.replace(/×\d+$/, '')),
    endOfLine: one(/eol (\w+)/) ?? '',
    ins: one(/PID-3 INS (\d+)/),
    name: one(/PID-5 ([^;]+);/),
    birth: one(/PID-7 (\d+)/),
    sex: one(/PID-8 (\w)/),
    status: one(/PID-32 (\w+)/),
    type: one(/TXA-2 ([^,;]+)/),
    documentId: one(/TXA-12 `([^`]+)`/),
    parentId: one(/TXA-13 `([^`]+)`/),
    availability: one(/TXA-17 (\w+)/),
    order: one(/ORC-1 (\w+)/),
    results: [...text.matchAll(/OBX (\S+) OBX-11=(\w)/g)].map(([, code, status]) => [code!, status!]),
    metadata: Object.fromEntries(
      [...text.matchAll(/([A-Z_]{5,})=([YN])/g)].map(([, flag, answer]) => [flag, answer === 'Y']),
    ),
    combination: one(/MSSanté combination (row \d|OUTSIDE)/),
    feed: zfa?.[9],
    consult: zfa?.[11],
    acknowledges: one(/(?:ack of|original MSH-10) ([^\s|;]+)/),
    text: `${what} ${text}`,
  };
}
