import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import MailComposer from 'nodemailer/lib/mail-composer';
import { ZipFile } from 'yazl';
import { readDossiers } from '../../src/adapters/mail/dossier.ts';
import { traitsOf } from '../../src/adapters/mail/patient.ts';
import { submissionOf } from '../../src/adapters/mail/submission.ts';
import { readArchive, write } from '../../src/formats/xdm/index.ts';
import { furnish } from '../../src/gateway/furnish.ts';
import { convertBytes } from '../../src/pipeline/convert-bytes.ts';
import { transmitted } from '../../src/pipeline/deliver.ts';
import { inspectBeforeMapping } from '../../src/pipeline/inspect.ts';
import { unwrap } from '../../src/pipeline/unwrap.ts';
import { openFixture } from '../store/fixture.ts';
import { unzip } from './unzip.ts';
import { brokenMedium, brokenRules } from './xds-rules.ts';

const root = join(import.meta.dirname, '../..');
const { house } = furnish({ mappings: join(root, 'mappings'), profiles: [join(root, 'profiles')] });
const golden = join(root, 'tests/golden');
const corpus = join(root, '../shared/corpus');
const at = new Date('2026-11-22T10:00:00Z');
const METADATA = 'IHE_XDM/SUBSET01/METADATA.XML';

/** Documents that are refused before anything could be sent. */
const REFUSED = ['cda-truncated', 'cda-entity-refused'];
const own = readdirSync(golden)
  .filter((name) => name.startsWith('cda-') && !REFUSED.includes(name))
  .map((name) => [name, join(golden, name, 'input.xml')] as const);
const official = !existsSync(corpus)
  ? []
  : readdirSync(corpus)
      .filter((folder) => folder.startsWith('cda-'))
      .flatMap((folder) =>
        readdirSync(join(corpus, folder)).map((name) => [name, join(corpus, folder, name)] as const),
      );
if (official.length === 0) console.warn('../shared/corpus is not here: only the golden documents are sent');

const fixture = openFixture({});
afterAll(() => fixture.close());

/** The archive of the mail that this document would go out by, after it has been through the house. */
async function archiveOf(file: string): Promise<Uint8Array> {
  const { bundle, outcome } = await convertBytes(readFileSync(file), { now: at }, house!);
  if (!bundle) throw new Error(JSON.stringify(outcome));
  // As JSON, as every FHIR server gets it.
  const body = JSON.parse(JSON.stringify(bundle));
  const response = await fixture.store.endpoint.send({ method: 'POST', path: '', body });
  expect(response).toMatchObject({ status: 200 });
  const written = (response.body as Bundle).entry!.map((one) => one.response?.location?.split('/_history')[0] ?? '');
  const documents = transmitted(bundle, written);
  expect(documents).toHaveLength(1);
  const patient = written.find((one) => one.startsWith('Patient/'));
  const found = await readDossiers(documents, patient, fixture.store.endpoint);
  const sending = { messageId: '<1@example>', sourceId: '1.2.250.1.999.9', from: 'CH Alpha <a@b.test>', at };
  return write(submissionOf(found.dossiers, traitsOf(found.patient as Patient), sending));
}

describe('what a mail carries keeps the rules of XDM and of XDS metadata', () => {
  test.each([...own, ...official])('%s', async (_name, file) => {
    const archive = await archiveOf(file);
    expect(brokenMedium(unzip(archive))).toEqual([]);
    expect((await readArchive(archive)).faults).toEqual([]);
  });

  test.each(REFUSED)('%s goes nowhere', async (name) => {
    const { bundle } = await convertBytes(readFileSync(join(golden, name, 'input.xml')), { now: at }, house!);
    expect(bundle).toBeUndefined();
  });
});

type Edit = (xml: string) => string;

/** Without the classification by a scheme, in the document's entry or (`set`) in the submission set. */
const without = (scheme: string): Edit =>
  dropped(new RegExp(`<rim:Classification [^>]*"urn:uuid:${scheme}.*?</rim:Classification>`));
const withoutSlot = (name: string): Edit => dropped(new RegExp(`<rim:Slot name="${name}">.*?</rim:Slot>`));
const withoutNumber = (scheme: string): Edit =>
  dropped(new RegExp(`<rim:ExternalIdentifier [^>]*"urn:uuid:${scheme}.*?</rim:ExternalIdentifier>`));
const slotSays = (name: string, value: string): Edit =>
  swapped(new RegExp(`(<rim:Slot name="${name}"><rim:ValueList><rim:Value>)[^<]*`), `$1${value}`);
const numberSays = (scheme: string, value: string): Edit =>
  swapped(new RegExp(`(identificationScheme="urn:uuid:${scheme}[^"]*" value=")[^"]*`), `$1${value}`);

function swapped(pattern: RegExp, by: string): Edit {
  return (xml) => {
    expect(xml).toMatch(pattern);
    return xml.replace(pattern, by);
  };
}

function dropped(pattern: RegExp): Edit {
  return swapped(pattern, '');
}

const warned = (...elements: string[]) => [`warning xdm-metadata-incomplete ${elements.join(', ')}`];
const entry = (name: string) => warned(`DocumentEntry.${name}`);
const set = (name: string) => warned(`SubmissionSet.${name}`);
const OTHER = '185057800608436^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH';

/**
 * What is done to METADATA.XML → the rules it breaks then, and what becomes of the mail that brings it: a warning where the
 * document says the same itself and is taken, an error where taking it could file the wrong document or the wrong patient.
 */
const table: [what: string, edit: Edit, broken: string[], outcome: string[]][] = [
  ['nothing', (xml) => xml, [], []],
  ['no classCode', without('41a5887f'), ['classCode'], entry('classCode')],
  ['no confidentialityCode', without('f4f85eac'), ['confidentialityCode'], entry('confidentialityCode')],
  ['no formatCode', without('a09d5840'), ['formatCode'], entry('formatCode')],
  ['no facility', without('f33fb8ac'), ['healthcareFacilityTypeCode'], entry('healthcareFacilityTypeCode')],
  ['no practice setting', without('cccf5598'), ['practiceSettingCode'], entry('practiceSettingCode')],
  ['no typeCode', without('f0306f51'), ['typeCode'], entry('typeCode')],
  [
    'a code without its system',
    dropped(/<rim:Slot name="codingScheme">.*?<\/rim:Slot>/),
    ['classCode'],
    entry('classCode'),
  ],
  ['no mime type', swapped(/mimeType="[^"]*"/, 'mimeType="xml"'), ['mimeType'], entry('mimeType')],
  ['no language', withoutSlot('languageCode'), ['languageCode'], entry('languageCode')],
  ['a day of the week', slotSays('creationTime', 'lundi'), ['creationTime: DTM'], entry('creationTime')],
  ['no creationTime', withoutSlot('creationTime'), ['creationTime: DTM'], entry('creationTime')],
  [
    'a start with an offset',
    slotSays('serviceStartTime', '20240120+0100'),
    ['serviceStartTime: DTM'],
    entry('serviceStartTime'),
  ],
  ['no hash', withoutSlot('hash'), ['hash'], entry('hash')],
  ['no size', withoutSlot('size'), ['size'], entry('size')],
  [
    'another hash',
    slotSays('hash', 'a9993e364706816aba3e25717850c26c9cd0d89d'),
    ['hash'],
    ['error xdm-document-altered'],
  ],
  ['another size', slotSays('size', '7'), ['size'], ['error xdm-document-altered']],
  [
    'a file that is not there',
    slotSays('URI', 'DOC00009.XML'),
    ['URI: a file of the archive', 'hash', 'size'],
    ['error xdm-document-missing'],
  ],
  [
    'a path out',
    slotSays('URI', '../../README.TXT'),
    ['URI: a file of the archive', 'hash', 'size'],
    ['error xdm-document-missing'],
  ],
  ['no patientId', withoutNumber('58a6f841'), ['patientId: CX', 'one patient'], entry('patientId')],
  [
    'a patientId without authority',
    swapped(/(identificationScheme="urn:uuid:58a6f841[^"]*" value="\d+)[^"]*/, '$1'),
    ['patientId: CX', 'one patient'],
    entry('patientId'),
  ],
  ['no uniqueId', withoutNumber('2e82c1f6'), ['uniqueId'], entry('uniqueId')],
  ['another document’s uniqueId', numberSays('2e82c1f6', '1.2.250.1.999.404'), [], ['error document-id-differs']],
  [
    'another patient',
    numberSays('58a6f841', OTHER),
    ['one patient'],
    ['error mail-several-patients', 'error identity-mismatch ins'],
  ],
  ['a set about another patient', numberSays('6b5aea1a', OTHER), ['one patient'], ['error mail-several-patients']],
  [
    'no submission set',
    dropped(/<rim:RegistryPackage .*?<\/rim:RegistryPackage>/s),
    ['one SubmissionSet'],
    warned('SubmissionSet'),
  ],
  [
    'a package that is no set',
    dropped(/<rim:Classification [^>]*classificationNode="[^"]*"\/>/),
    ['SubmissionSet: classified'],
    warned('SubmissionSet'),
  ],
  ['no content type', without('aa543740'), ['SubmissionSet.contentTypeCode'], set('contentTypeCode')],
  ['no submission time', withoutSlot('submissionTime'), ['SubmissionSet.submissionTime: DTM'], set('submissionTime')],
  ['no source', withoutNumber('554ac39e'), ['SubmissionSet.sourceId: OID'], set('sourceId')],
  ['no number of the set', withoutNumber('96fdda7c'), ['SubmissionSet.uniqueId: OID'], set('uniqueId')],
  ['no member', dropped(/<rim:Association [^>]*HasMember.*?<\/rim:Association>/), ['HasMember'], warned('HasMember')],
  ['no document', swapped(/7edca82f/, '00000000'), ['objectType'], ['error xdm-metadata-missing']],
  ['no author', without('93606bcf'), ['author'], []],
  ['an author in a form of one’s own', slotSays('authorPerson', 'Dr Who'), ['authorPerson: XCN'], entry('author')],
  [
    'a structure in a form of one’s own',
    slotSays('authorInstitution', 'CH|A'),
    ['authorInstitution: XON'],
    entry('author'),
  ],
  ['no author of the set', without('a7058bb9'), ['SubmissionSet.author'], []],
  [
    'a replaced document by its number',
    swapped(/(RPLC" [^>]*targetObject=")[^"]*/, '$11.2.250.1.999.1'),
    ['RPLC'],
    warned('RPLC'),
  ],
  ['no XML', (xml) => xml.slice(0, -40), ['not XML'], ['error xml-malformed']],
  [
    'an entity',
    swapped(/<lcm:/, '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><lcm:'),
    [],
    ['error xml-doctype'],
  ],
];

describe('a METADATA.XML that breaks a rule: what becomes of the mail', () => {
  const archived = archiveOf(join(golden, 'cda-hospital-report-replaced/input.xml')).then(unzip);

  async function mailWith(files: Map<string, Uint8Array>): Promise<Uint8Array> {
    const zip = new ZipFile();
    for (const [name, bytes] of files) zip.addBuffer(Buffer.from(bytes), name);
    zip.end();
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
    const attachments = [{ filename: 'IHE_XDM.zip', content: Buffer.concat(chunks) }];
    return new MailComposer({ from: 'a@b.test', to: 'c@d.test', subject: 'x', attachments }).compile().build();
  }

  test.each(table)('%s', async (_what, edit, broken, outcome) => {
    const files = new Map(await archived);
    const xml = edit(Buffer.from(files.get(METADATA)!).toString('utf8'));
    files.set(METADATA, Buffer.from(xml));
    const inside = new Map([...files].map(([name, bytes]) => [name.replace('IHE_XDM/SUBSET01/', ''), bytes]));
    expect(rulesBrokenBy(xml, inside)).toEqual(broken);
    const unwrapped = await unwrap({ bytes: await mailWith(files), format: 'mail' });
    const faults = [...unwrapped.faults, ...inspectBeforeMapping(unwrapped)];
    expect(
      faults.map(({ severity, code, params }) => [severity, code, params?.elements].filter(Boolean).join(' ')),
    ).toEqual(outcome);
  });
});

function rulesBrokenBy(xml: string, files: Map<string, Uint8Array>): string[] {
  try {
    return brokenRules(xml, files);
  } catch {
    return ['not XML'];
  }
}
