import { beforeAll, expect, test } from '@jest/globals';
import { Parameters } from '../../src/store/parameters.ts';
import { fhirPath } from '../../src/store/path.ts';

// They tell which types are resources, whose elements paths name.
beforeAll(() => void new Parameters());

test.each([
  ['Observation', '(Observation.value as Quantity)', 'valueQuantity'],
  ['Observation', 'Observation.effective', 'effective{DateTime,Period,Timing,Instant}'],
  ['Organization', "extension.where(url='x').value", "extension.where(url='x').value{*}"],
  // Elements of several types that have no beginning in common; it went on looking for one.
  [
    'Organization',
    "extension.where(url='x').value.value",
    "extension.where(url='x').value{*}.{value,valueCodeableConcept,valueQuantity,valueRange,valueReference}",
  ],
  // `codeFilter` is no type of `code`.
  ['Organization', "extension.where(url='x').value.code", "extension.where(url='x').value{*}.code"],
])('%s: %s', (type, expression, text) => {
  expect(fhirPath(expression, type)?.text).toBe(text);
});
