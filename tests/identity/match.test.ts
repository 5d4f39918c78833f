import { describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import { match } from '../../src/identity/index.ts';
import { A, BICHAT, marie, matricule, NIR, person, sketch } from './people.ts';

/**
 * One line a case: name | claim of the message | records a look-up by identifier brings | namesakes a look-up by name
 * brings | what must come of it. Everybody is Marie Durand unless the line says otherwise (`family=`, `bare`, `paul`);
 * `A` `B` `C` are valid INS, `old:A` a superseded one, `test:A` one of the test authority, `bad:` one with a wrong key,
 * `bichat:1` and `pitie:1` numbers of two hospitals. Expected: `link` (to the first record), `new`, `review` (held until a
 * person decides), with `+` when a question to a person goes along, then the elements named.
 */
const table = `
INS and all traits agree | A | A | | link
INS written in groups | grouped:A | A | | link
INS agrees, no trait sent | bare A | A | | link
INS agrees, lower case and accents | family=Dûrand given=Marié A | A | | link
INS agrees, hyphen and apostrophe | family=D'URAND-LE_GALL A | family=D_URAND_LE-GALL A | | link
INS agrees, typographic apostrophe | family=D’ARTOIS A | family=D'ARTOIS A | | link
INS agrees, ligature | family=LEBŒUF A | family=LEBOEUF A | | link
INS agrees, second given name used as first | given=LOUISE list= A | A | | link
INS agrees, compound given name cut | given=MARIE-LOUISE list= A | list= A | | link
INS agrees, compound given name without hyphen | given=MARIELOUISE list= A | given=MARIE-LOUISE list= A | | link
INS agrees, birth name off | family=MARTIN A | A | | review birthName
INS agrees, one letter of the birth name off | family=DURANT A | A | | review birthName
INS agrees, given name off | given=PAULINE list=PAULINE A | A | | review given
INS agrees, birth date off by a day | born=1980-05-13 A | A | | review birthDate
INS agrees, day and month swapped | born=1980-12-05 A | A | | review birthDate
INS agrees, sex off | sex=male A | A | | review sex
INS agrees, sex unknown | sex=unknown A | A | | link
INS agrees, birth place off | place=51215 A | A | | link
INS agrees, birth place unknown | place=99999 A | A | | link
INS agrees, two traits off | family=MARTIN born=1981-05-12 A | A | | review birthName, birthDate
INS agrees, names swapped | family=MARIE given=DURAND list= A | A | | link
INS agrees, used name sent as birth name | family=PETIT A | used=PETIT A | | link
INS agrees, known birth name sent as used name | family=PETIT used=DURAND A | A | | link
INS agrees, only a used name sent, the known birth name | family= given= used=DURAND A | A | | link
INS agrees, year of birth only | born=1980 A | A | | link
INS agrees, month of birth only, another month | born=1980-06 A | A | | review birthDate
foreign-born, unknown day written 31 December | place=99351 born=1980-12-31 C | place=99351 C | | link
foreign-born, unknown day written 1 January | place=99351 born=1980-01-01 C | place=99351 C | | link
foreign-born, another year | place=99351 born=1981-01-01 C | place=99351 C | | review birthDate
born in France, 31 December is a date like another | born=1980-12-31 A | A | | review birthDate
Corsican NIR with 2A | place=2A004 corsica | place=2A004 corsica | | link
Corsican commune before and after 1976 | place=20004 corsica | place=2A004 corsica | | link
unknown INS, nobody there | A | | | new
the test authority is another authority | test:A | | B | new
two INS of one authority in one claim | A B | A | | review ins
two records answer to one INS | A | A ; A | | review ins
superseded INS from a sender who has not heard | A | B old:A | | link
new INS with the old one marked | B old:A | A | | link
new INS with the old one marked, birth date off | born=1980-05-13 B old:A | A | | review birthDate
NIA becomes NIR, both sent | A oldnia:C | nia:C | | link
NIA and a NIR that nothing ties together | A bichat:1 | nia:C bichat:1 | | review ins
invalid key, known local number | bad:A bichat:1 | bichat:1 | | link
invalid key twice, same traits | bad:A | bad:A | | link
invalid key shared by two people | bad:A | paul bad:A | | review birthName, given, birthDate, sex
invalid key, nobody there | bad:A | | | new
calculated INS never links | insc:123 bichat:9 | | insc:123 pitie:1 | new+ homonym
local number, traits agree | bichat:1 | bichat:1 | | link
local number alone | bare bichat:1 | bichat:1 | | link
local number, birth name corrected | family=DURANT bichat:1 | bichat:1 | | link
local number, given name corrected | given=MARION list= bichat:1 | bichat:1 | | link
local number, both names off | family=PETIT given=ANNE list= bichat:1 | bichat:1 | | review birthName, given
local number, birth date off | born=1958-05-12 bichat:1 | bichat:1 | | review birthDate
local number, sex off | sex=male bichat:1 | bichat:1 | | review sex
local number re-used for somebody else | paul bichat:1 | bichat:1 | | review birthName, given, birthDate, sex
the same local number at another hospital | paul pitie:1 | | | new
local number without issuer, same traits as somebody | nosystem:1 | | bichat:1 | new+ homonym
local number, INS arrives, all traits agree | A bichat:1 | bichat:1 | | link
local number, INS arrives, name off | family=DURANT A bichat:1 | bichat:1 | | review birthName
local number, INS arrives, birth place off | place=13055 A bichat:1 | bichat:1 | | review birthPlace
local number of a record with another INS | B bichat:1 | A bichat:1 | | review ins
local number known, INS forgotten by the sender | bichat:1 | A bichat:1 | | link
INS of one record, local number of another | A bichat:1 | A ; bichat:1 | | link+ localIdentifier
INS of one record, local number of another with its own INS | A bichat:1 | A ; family=PETIT B bichat:1 | | link+ localIdentifier
two local numbers, two records | bichat:1 pitie:2 | bichat:1 ; pitie:2 | | review localIdentifier
homonym: all traits agree, another local number | pitie:7 | | bichat:1 | new+ homonym
homonym with another INS is certainly somebody else | B | | A | new
homonym born elsewhere | place=13055 pitie:7 | | bichat:1 | new
twins: another given name | given=LUCIE list=LUCIE bichat:2 | | bichat:1 | new
twins of different sex | sex=male bichat:2 | | bichat:1 | new
newborn twins without given names | given=SANS_PRENOM list= bichat:2 | | given=SANS_PRENOM list= bichat:1 | new
newborn gets a given name under the same number | bichat:2 | given=Nouveau-né list= bichat:2 | | link
INS without traits does not settle on a local record | bare A bichat:1 | bichat:1 | | link
father and son of one name | sex=male given=JEAN list=JEAN born=2001-05-12 bichat:3 | | sex=male given=JEAN list=JEAN born=1975-05-12 bichat:1 | new
qualified and provisional status agree on the person | status=PROV A | status=VALI A | | link
`;

const cases = table
  .trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()) as [string, string, string, string, string]);

const people = (cell: string, name: string) =>
  cell === '' ? [] : cell.split(';').map((one, index) => person(sketch(one), `${name}-${index}`));

describe('who is who, case by case', () => {
  test('the table has at least sixty cases', () => expect(cases.length).toBeGreaterThanOrEqual(60));

  test.each(cases)('%s', (_name, claim, candidates, namesakes, expected) => {
    const verdict = match(person(sketch(claim)), people(candidates, 'known'), people(namesakes, 'namesake'));
    const outcome = verdict.outcome + (verdict.duplicates.length > 0 ? '+' : '');
    expect(`${outcome} ${verdict.elements.join(', ')}`.trim()).toBe(expected);
    if (verdict.outcome === 'link') expect(verdict.patient?.id).toBe('known-0');
    if (verdict.outcome === 'review') expect(verdict.candidates.length).toBeGreaterThan(0);
  });

  test('an identifier that belongs to another record is contested, so it is not added', () => {
    const known: Patient[] = [
      person({ ...marie, ids: [[NIR, A]] }, '1'),
      person({ ...marie, ids: [[BICHAT, '1']] }, '2'),
    ];
    const verdict = match(
      person({
        ...marie,
        ids: [
          [NIR, A],
          [BICHAT, '1'],
        ],
      }),
      known,
    );
    expect(verdict.contested).toEqual([`${BICHAT}|1`]);
  });

  test('an INS that comes without traits is not taken over by a local record', () => {
    const verdict = match(
      person({
        ids: [
          [NIR, A],
          [BICHAT, '1'],
        ],
      }),
      [person({ ...marie, ids: [[BICHAT, '1']] }, '1')],
    );
    expect(verdict.contested).toEqual([`${NIR}|${A}`]);
  });

  test('the wrong key is said, and only said', () => {
    const verdict = match(person({ ...marie, ids: [[NIR, `${matricule('1800175056001').slice(0, 13)}00`]] }), []);
    expect(verdict.faults.map((one) => [one.code, one.severity])).toEqual([['ins-key-invalid', 'warning']]);
  });
});
