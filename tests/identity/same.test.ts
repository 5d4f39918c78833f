import { describe, expect, test } from '@jest/globals';
import { sentence } from '../../src/errors.ts';
import { sameIdentity } from '../../src/identity/index.ts';
import { A, person, sketch } from './people.ts';

/** message | document | the same, or the elements that differ (with `warn` when it is only said). */
const table = `
the same INS and traits | A | A | same
the same INS, the document has more numbers | A bichat:1 | A pitie:9 | same
the same INS, the document has more given names | given=MARIE list= A | given=MARIE list=MARIE_LOUISE_ANNE A | same
another INS | A | B | ins
another INS but one local number in common | A bichat:1 | B bichat:1 | ins
the number of another authority | A | test:A | ins
the same number with a wrong key on both sides | bad:A | bad:A | same
no INS in the message, one local number in common | bichat:1 | A bichat:1 | same
no INS in the document, one local number in common | A bichat:1 | bichat:1 | same
no INS on one side, no number in common | A bichat:1 | pitie:1 | identifier
no INS on either side, one local number in common | bichat:1 | bichat:1 | same
the same local number of two hospitals | bichat:1 | pitie:1 | identifier
a number without its issuer | nosystem:1 | nosystem:1 | identifier
no number in the document | A | bare | identifier
birth place by another code | place=63220 A | place=51215 A | warn birthPlace
birth date off | A | born=1980-05-13 A | birthDate
sex off | A | sex=male A | sex
birth name off | A | family=PETIT A | birthName
given name off | A | given=ANNE list=ANNE A | given
everything off | A | paul A | birthName, given, birthDate, sex
used name in the message, birth name in the document | family= given= used=DURAND A | A | same
a used name that is neither | family= given= used=PETIT A | A | birthName
names swapped | family=MARIE given=DURAND list= A | A | warn birthName, given
year of birth only | born=1980 A | A | same
case, accents and hyphens | family=du-rand given=Marié A | A | same
`;

describe('one patient in message and document', () => {
  const cases = table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()) as [string, string, string, string]);

  test.each(cases)('%s', (_name, message, document, expected) => {
    const verdict = sameIdentity(person(sketch(message)), person(sketch(document)), ['PID', 'OBX[1]-5']);
    const elements = [...new Set(verdict.faults.flatMap((one) => String(one.params?.elements).split(', ')))].join(', ');
    const said = verdict.same ? (elements ? `warn ${elements}` : 'same') : elements;
    expect(said).toBe(expected);
  });

  test('the sentence names elements only; the values are private', () => {
    const [mismatch] = sameIdentity(person(sketch('A')), person(sketch('paul B')), ['PID', 'OBX[1]-5']).faults;
    expect(mismatch?.code).toBe('identity-mismatch');
    const told = sentence(mismatch!, 'fr') + sentence(mismatch!, 'en') + JSON.stringify(mismatch?.params);
    for (const secret of [A, 'DURAND', 'PETIT', '1980', '1950']) expect(told).not.toContain(secret);
    expect(mismatch?.detail).toContain(A);
  });
});
