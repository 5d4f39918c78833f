/** What one row of the corpus' index states about a CDA document. */
export interface CdaFacts {
  /** Birth name and first birth given name. */
  name: string;
  usedName?: string;
  ins: string;
  insOid: string;
  ipp?: string;
  ippRoot?: string;
  sex: string;
  birth: string;
  code: string;
  codeOid: string;
  id: string;
  time: string;
  authors: { family?: string; number: string }[];
  custodian: string;
  encounter?: [string | undefined, string | undefined];
  confidentiality: string;
  sections: string[];
  level1: boolean;
  replaces: boolean;
  version?: string;
  /** Further codes quoted in the row, each to be found somewhere. */
  codes: string[];
}

const LOINC = '2.16.840.1.113883.6.1';

/** Rows `| cda-…/file.xml | origin | licence | what | facts |` of the index. */
export function cdaRows(index: string): { file: string; facts: CdaFacts }[] {
  return index
    .split('\n')
    .filter((line) => line.startsWith('| cda-') && line.includes('.xml |'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map((cells) => ({ file: cells[1]!, facts: factsOf(cells.slice(5).join('|')) }));
}

function factsOf(text: string): CdaFacts {
  const one = (pattern: RegExp) => pattern.exec(text)?.[1];
  const must = (pattern: RegExp) => one(pattern) ?? fail(pattern, text);
  const encounter = /encounter (\S+?)→([^;\s]+)/.exec(text);
  const known = (value: string | undefined) => (value === undefined || value === 'None' ? undefined : value);
  return {
    name: must(/^([^;]+);/),
    usedName: one(/used name ([^;]+)/),
    ins: must(/INS (\d+)/),
    insOid: /INS \d+ \(INS-NIR test OID/.test(text) ? '1.2.250.1.213.1.4.10' : '1.2.250.1.213.1.4.8',
    ipp: one(/IPP (\S+) @/),
    ippRoot: one(/IPP \S+ @([\d.]+\d)/),
    sex: must(/; ([FM]) \d{8};/),
    birth: must(/; [FM] (\d{8});/),
    code: must(/code ([^;\s]+)/),
    codeOid: one(/code [^;\s]+ \(([\d.]+)\)/) ?? LOINC,
    id: must(/id `([^`]+)`/),
    time: must(/time (\d[^;]*)/),
    authors: authorsOf(must(/author ([^;]+)/)),
    custodian: must(/custodian (\d+)/),
    encounter: encounter ? [known(encounter[1]), known(encounter[2])] : undefined,
    confidentiality: must(/confidentiality (\w)/),
    sections: (one(/section codes ([\d\-, ]+)/) ?? '')
      .split(',')
      .map((code) => code.trim())
      .filter(Boolean),
    level1: /body N1/.test(text),
    replaces: /relatedDocument RPLC/.test(text),
    version: one(/version (\d+)/),
    codes: quotedCodes(text),
  };
}

/** `DAVID 8…` or `- 5…/root`, several separated by commas. */
function authorsOf(text: string): CdaFacts['authors'] {
  return text.split(',').map((author) => {
    const [family, number] = author.trim().split(/\s+(?=[\d])/);
    return { family: family === '-' ? undefined : family, number: number ?? '' };
  });
}

/** `ORG-070 = 107724000`, `LOINC 94558-4`, `SNOMED 260385009`, `CIM-10 U07.1` and the like. */
function quotedCodes(text: string): string[] {
  const pairs = [...text.matchAll(/\b([A-Z]{3}-\d{3}) = ([\w.-]*\w)/g)].flatMap(([, code, value]) => [code!, value!]);
  const named = [...text.matchAll(/\b(?:LOINC|SNOMED|CIM-10) ([A-Z0-9][\w.-]*\w)/g)].map(([, code]) => code!);
  return [...pairs, ...named];
}

function fail(pattern: RegExp, text: string): never {
  throw new Error(`the index row has no ${pattern}: ${text.slice(0, 200)}`);
}
