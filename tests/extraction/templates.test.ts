import { describe, expect, test } from '@jest/globals';
import type { Questionnaire, QuestionnaireResponse } from '@medplum/fhirtypes';
import { Extractor } from '../../src/profile/extract/extractor.ts';

const SDC = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-';
const context = (valueString: string) => ({ url: `${SDC}templateExtractContext`, valueString });
const value = (valueString: string) => ({ extension: [{ url: `${SDC}templateExtractValue`, valueString }] });
const extract = (id: string, more: Record<string, string> = {}) => ({
  url: `${SDC}templateExtract`,
  extension: [
    { url: 'template', valueReference: { reference: `#${id}` } },
    ...Object.entries(more).map(([url, valueString]) => ({ url, valueString })),
  ],
});
const answer = (linkId: string, ...strings: string[]) => ({
  linkId,
  answer: strings.map((valueString) => ({ valueString })),
});

/** The Questionnaire and response of a test, whatever the types say: what comes from outside is anything. */
function run(contained: object[], asked: object, given: object, status = 'completed') {
  const questionnaire = { resourceType: 'Questionnaire', url: 'urn:q', status: 'active', contained, ...asked };
  const response = { resourceType: 'QuestionnaireResponse', questionnaire: 'urn:q', status, ...given };
  const result = new Extractor().extract(response as QuestionnaireResponse, questionnaire as Questionnaire);
  return {
    ...result,
    problem: result.faults[0]?.params?.problem,
    resources: result.extracted.map((one) => one.resource),
  };
}

describe('a template', () => {
  const note = (more: object) => ({ resourceType: 'Basic', id: 'note', ...more });
  const item = [{ linkId: 'a', type: 'string', extension: [extract('note')] }];

  test('is copied; values take the place of elements, and what finds nothing is left out', () => {
    const made = note({
      active: true,
      code: {
        text: 'x',
        _text: value('answer.value'),
        coding: [{ extension: [context("where(linkId = 'b')")], code: 'b' }],
      },
      _author: value('answer.nothing'),
      subject: value('%resource.subject'),
    });
    const { resources } = run([made], { item }, { subject: { display: 'Nobody' }, item: [answer('a', 'said')] });
    expect(resources).toEqual([
      { resourceType: 'Basic', active: true, code: { text: 'said' }, subject: { display: 'Nobody' } },
    ]);
  });

  test('makes one resource for each repetition, named so that a correction finds it', () => {
    const group = [
      {
        linkId: 'g',
        type: 'group',
        repeats: true,
        extension: [extract('note')],
        item: [{ linkId: 'a', type: 'string' }],
      },
    ];
    const made = note({ code: { _text: value("item.where(linkId = 'a').answer.value") } });
    const given = [
      { linkId: 'g', item: [answer('a', 'one')] },
      { linkId: 'g', item: [answer('a', 'two')] },
    ];
    const { extracted } = run([made], { item: group }, { item: given });
    expect(extracted.map((one) => one.key)).toEqual(['g.0/note', 'g.1/note']);
    const many = [{ linkId: 'a', type: 'string', repeats: true, extension: [extract('note')] }];
    const each = run(
      [note({ code: { _text: value('answer.value') } })],
      { item: many },
      { item: [answer('a', 'one', 'two')] },
    );
    expect(each.resources.map((one: any) => one.code.text)).toEqual(['one', 'two']);
  });

  test('repeats a list element for each item of its context, which has a name below it', () => {
    const line = {
      extension: [
        {
          url: `${SDC}templateExtractContext`,
          valueExpression: { name: 'one', language: 'text/fhirpath', expression: 'answer.value' },
        },
      ],
      _value: value("%one & '!'"),
      kind: { text: 'fixed' },
    };
    const { resources } = run([note({ line: [line] })], { item }, { item: [answer('a', 'x', 'y')] });
    expect((resources[0] as any).line).toEqual([
      { value: 'x!', kind: { text: 'fixed' } },
      { value: 'y!', kind: { text: 'fixed' } },
    ]);
  });

  test('names itself for others, and what it asks of the server', () => {
    const first = note({ code: { text: 'first' } });
    const second = { resourceType: 'Basic', id: 'other', subject: { _reference: value('%first') } };
    const extension = [
      { url: `${SDC}extractAllocateId`, valueString: 'first' },
      extract('note', { fullUrl: '%first', ifNoneExist: "'identifier=' & %resource.id" }),
      extract('other'),
    ];
    const { extracted } = run([first, second], { extension, item: [] }, { id: '7' });
    expect(extracted[0]!.request.ifNoneExist).toBe('identifier=7');
    expect((extracted[1]!.resource as any).subject.reference).toBe(extracted[0]!.request.fullUrl);
  });

  test('of answers that are not finished makes nothing', () => {
    expect(run([note({})], { item }, { item: [answer('a', 'x')] }, 'in-progress')).toMatchObject({
      extracted: [],
      faults: [],
    });
    expect(run([note({})], { item }, { item: [answer('a', 'x')] }, 'entered-in-error').extracted).toEqual([]);
  });
});

describe('what comes from outside is bounded', () => {
  const item = [{ linkId: 'a', type: 'string', extension: [extract('t')] }];
  const one = (expression: string) => [{ resourceType: 'Basic', id: 't', code: { _text: value(expression) } }];
  const problem = (expression: string, given = 'x') =>
    run(one(expression), { item }, { item: [answer('a', given)] }).problem;

  test('expressions: syntax, length, functions and variables that are not here, several values for one element', () => {
    expect(problem('answer.')).toMatch(/^contained\[0\]\.code\._text: not FHIRPath/);
    expect(problem(`'${'x'.repeat(1000)}'`)).toMatch(/more than 1000 characters/);
    expect(problem('answer.value.memberOf(1)')).toMatch(/memberOf\(\) is not known here/);
    expect(problem('%unheard')).toMatch(/%unheard is not known here/);
    expect(problem('(1 | 2)')).toMatch(/2 values for an element that takes one/);
  });

  test('work: lists multiplied, texts that grow', () => {
    const many = Array.from({ length: 400 }, (_, at) => answer(`l${at}`, 'x'));
    const nested = '%resource.item.select(%resource.item.select(%resource.item)).count()';
    const found = run(one(nested), { item }, { item: [answer('a', 'x'), ...many] });
    expect(found.problem).toMatch(/more work than is allowed/);
    expect(problem("answer.value.replace('x', %resource.item.answer.value.first())", 'x'.repeat(20_000))).toMatch(
      /more work/,
    );
    expect(problem('answer.value & answer.value', 'x'.repeat(40_000))).toMatch(/more than 65536 characters/);
  });

  test('templates and resources: depth, number, a template that is not there', () => {
    let deep: object = { text: 'x' };
    for (let at = 0; at < 40; at++) deep = { extension: [], inner: deep };
    expect(run([{ resourceType: 'Basic', id: 't', deep }], { item }, { item: [answer('a', 'x')] }).problem).toMatch(
      /32 deep/,
    );
    expect(run([], { item }, { item: [answer('a', 'x')] }).problem).toMatch(/no template #t is contained/);
    const repeated = [{ ...item[0], repeats: true }];
    const given = { item: [answer('a', ...Array.from({ length: 600 }, (_, at) => `${at}`))] };
    expect(run(one('answer.value'), { item: repeated }, given).problem).toMatch(/more than 500 resources/);
    const wide = Array.from({ length: 3000 }, (_, at) => ({ linkId: `${at}`, type: 'string' }));
    expect(run(one('answer.value'), { item: wide }, {}).problem).toMatch(/more than 2000 items/);
  });

  test('prototypes stay as they are', () => {
    const hostile = JSON.parse(
      '{"resourceType":"Basic","id":"t","__proto__":{"polluted":true},"code":{"__proto__":{"polluted":true},"text":"x"}}',
    );
    const { resources } = run([hostile], { item }, { item: [answer('a', 'x')] });
    expect(resources).toEqual([{ resourceType: 'Basic', code: { text: 'x' } }]);
    expect((resources[0] as any).polluted).toBeUndefined();
    expect(({} as any).polluted).toBeUndefined();
  });
});
