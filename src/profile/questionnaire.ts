import type { Questionnaire, QuestionnaireItem, QuestionnaireItemEnableWhen } from '@medplum/fhirtypes';
import { same } from './fhirpath/values.ts';
import type { Terminology } from './terminology.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

/** Answer properties each type of question takes. */
const answerOf: Record<string, string[]> = {
  boolean: ['valueBoolean'],
  decimal: ['valueDecimal'],
  integer: ['valueInteger'],
  date: ['valueDate'],
  dateTime: ['valueDateTime'],
  time: ['valueTime'],
  string: ['valueString'],
  text: ['valueString'],
  url: ['valueUri'],
  choice: ['valueCoding', 'valueString', 'valueInteger', 'valueDate', 'valueTime', 'valueReference'],
  'open-choice': ['valueCoding', 'valueString', 'valueInteger', 'valueDate', 'valueTime', 'valueReference'],
  attachment: ['valueAttachment'],
  reference: ['valueReference'],
  quantity: ['valueQuantity'],
};

/** Judges answers against the questionnaires that are loaded, https://hl7.org/fhir/R4/questionnaireresponse.html#link */
export class QuestionnaireBook {
  private readonly questionnaires = new Map<string, Questionnaire>();
  private readonly terminology: Terminology;

  constructor(terminology: Terminology) {
    this.terminology = terminology;
  }

  add(questionnaire: Questionnaire): void {
    this.questionnaires.set(questionnaire.url ?? '', questionnaire);
  }

  /** Judges a QuestionnaireResponse whose questionnaire is at hand; leaves every other resource alone. */
  judge(resource: Json, trial: Trial): void {
    if (resource.resourceType !== 'QuestionnaireResponse' || typeof resource.questionnaire !== 'string') {
      return;
    }
    const questionnaire = this.questionnaires.get(resource.questionnaire.split('|')[0] as string);
    if (!questionnaire) {
      trial.report('information', 'not-checked-answers');
      return;
    }
    const finished = resource.status === 'completed' || resource.status === 'amended';
    const run = new Run(this.terminology, trial, answersIn(resource), finished);
    run.items(resource, questionnaire.item ?? []);
  }
}

/** Answers by linkId, for the conditions of other questions. */
function answersIn(resource: Json): Map<string, Json[]> {
  const found = new Map<string, Json[]>();
  const waiting: unknown[] = [resource];
  for (const one of waiting) {
    if (isObject(one)) {
      const answers = Array.isArray(one.answer) ? one.answer.filter(isObject) : [];
      if (typeof one.linkId === 'string' && answers.length > 0) {
        found.set(one.linkId, [...(found.get(one.linkId) ?? []), ...answers]);
      }
      waiting.push(...(Array.isArray(one.item) ? one.item : []), ...answers);
    }
  }
  return found;
}

/** The number of each question among its siblings, worked out once for a questionnaire. */
function placesOf(questions: QuestionnaireItem[]): Map<string | undefined, number> {
  let known = places.get(questions);
  if (!known) {
    known = new Map(questions.map((one, at) => [one.linkId, at]));
    places.set(questions, known);
  }
  return known;
}

const places = new WeakMap<QuestionnaireItem[], Map<string | undefined, number>>();

class Run {
  private readonly terminology: Terminology;
  private readonly trial: Trial;
  private readonly answers: Map<string, Json[]>;
  private readonly finished: boolean;

  constructor(terminology: Terminology, trial: Trial, answers: Map<string, Json[]>, finished: boolean) {
    this.terminology = terminology;
    this.trial = trial;
    this.answers = answers;
    this.finished = finished;
  }

  /** A missing answer is only worth a warning while the form is being filled in. */
  private missing(linkId: string | undefined): void {
    this.trial.report(this.finished ? 'error' : 'warning', 'questionnaire-required', { linkId: linkId ?? '' });
  }

  /** Judges the items below a response, an item or an answer. */
  items(owner: Json, questions: QuestionnaireItem[]): void {
    const { trial } = this;
    const given = Array.isArray(owner.item) ? owner.item : [];
    // Most answers have none; looking up the places of no questions took a twentieth of judging a form.
    if (given.length === 0 && questions.length === 0) {
      return;
    }
    const order = placesOf(questions);
    const counts = new Map<unknown, number>();
    let latest = -1;
    trial.enter('item');
    for (const [at, item] of given.entries()) {
      trial.at(at);
      const linkId = isObject(item) ? item.linkId : null;
      counts.set(linkId, (counts.get(linkId) ?? 0) + 1);
      const place = isObject(item) ? order.get(textOf(linkId)) : undefined;
      if (!isObject(item) || place === undefined) {
        trial.report('error', 'questionnaire-link');
        continue;
      }
      if (place < latest) {
        trial.report('error', 'questionnaire-order');
      }
      latest = Math.max(latest, place);
      this.item(item, questions[place] as QuestionnaireItem);
    }
    trial.leave();
    for (const question of questions) {
      const count = counts.get(question.linkId) ?? 0;
      if (count === 0 && question.required && this.isEnabled(question)) {
        this.missing(question.linkId);
      }
      if (count > 1 && !(question.repeats && question.type === 'group')) {
        trial.report('error', 'questionnaire-repeated', { linkId: question.linkId ?? '' });
      }
    }
  }

  private item(item: Json, question: QuestionnaireItem): void {
    const { trial } = this;
    const answers = Array.isArray(item.answer) ? item.answer.filter(isObject) : [];
    if (!this.isEnabled(question)) {
      trial.report('error', 'questionnaire-disabled', { linkId: question.linkId ?? '' });
    }
    if (question.type === 'group' || question.type === 'display') {
      if (answers.length > 0) {
        trial.report('error', 'questionnaire-group');
      }
      this.items(item, question.item ?? []);
      return;
    }
    if (answers.length === 0 && question.required) {
      this.missing(question.linkId);
    }
    if (answers.length > 1 && !question.repeats) {
      trial.report('error', 'questionnaire-one');
    }
    trial.enter('answer');
    for (const [at, answer] of answers.entries()) {
      trial.at(at);
      this.answer(answer, question);
      this.items(answer, question.item ?? []);
    }
    trial.leave();
  }

  private answer(answer: Json, question: QuestionnaireItem): void {
    const key = Object.keys(answer).find((one) => one.startsWith('value'));
    const allowed = answerOf[question.type ?? ''] ?? [];
    if (key === undefined) {
      return;
    }
    if (!allowed.includes(key)) {
      this.trial.report('error', 'questionnaire-type', { type: question.type ?? '', allowed: allowed[0] ?? '–' });
      return;
    }
    const value = answer[key];
    if (question.maxLength && typeof value === 'string' && value.length > question.maxLength) {
      this.trial.report('error', 'questionnaire-length', { max: question.maxLength });
    }
    if (question.type === 'choice' || (question.type === 'open-choice' && key === 'valueCoding')) {
      this.option(key, value, question);
    }
  }

  private option(key: string, value: unknown, question: QuestionnaireItem): void {
    const { answerOption, answerValueSet } = question;
    const coding = isObject(value) ? value : {};
    if (answerOption) {
      const found = answerOption.some((one) => {
        const option = (one as unknown as Json)[key];
        return isObject(option) && key === 'valueCoding'
          ? option.code === coding.code && option.system === coding.system
          : same(option, value);
      });
      if (!found) {
        this.trial.report('error', 'questionnaire-option');
      }
    } else if (answerValueSet && key === 'valueCoding') {
      const system = typeof coding.system === 'string' ? coding.system : undefined;
      if (this.terminology.holds(answerValueSet.split('|')[0] as string, system, textOf(coding.code)) === 'out') {
        this.trial.report('error', 'questionnaire-option');
      }
    }
  }

  private isEnabled(question: QuestionnaireItem): boolean {
    const conditions = question.enableWhen ?? [];
    if (conditions.length === 0) {
      return true;
    }
    const met = conditions.map((one) => this.isMet(one));
    return question.enableBehavior === 'any' ? met.includes(true) : !met.includes(false);
  }

  private isMet(condition: QuestionnaireItemEnableWhen): boolean {
    const answers = this.answers.get(condition.question ?? '') ?? [];
    const key = Object.keys(condition).find((one) => one.startsWith('answer')) ?? '';
    const wanted = (condition as unknown as Json)[key];
    if (condition.operator === 'exists') {
      return answers.length > 0 === wanted;
    }
    return answers.some((answer) =>
      compare(answer[`value${key.slice('answer'.length)}`], condition.operator ?? '=', wanted),
    );
  }
}

function compare(found: unknown, operator: string, wanted: unknown): boolean {
  if (found === undefined) {
    return false;
  }
  if (isObject(found) && isObject(wanted) && 'code' in wanted && !('value' in wanted)) {
    const equal = found.code === wanted.code && (wanted.system === undefined || found.system === wanted.system);
    return operator === '!=' ? !equal : equal;
  }
  const [left, right] = [amount(found), amount(wanted)];
  switch (operator) {
    case '=':
      return same(found, wanted);
    case '!=':
      return !same(found, wanted);
    case '>':
      return left > right;
    case '<':
      return left < right;
    case '>=':
      return left >= right;
    default:
      return left <= right;
  }
}

function amount(value: unknown): number | string {
  const plain = isObject(value) ? value.value : value;
  return typeof plain === 'number' ? plain : textOf(plain);
}
