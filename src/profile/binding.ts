import { isAbsolute } from './primitives.ts';
import type { Terminology } from './terminology.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

/** Judges a value at the present place of a trial; leaves values of the wrong JSON type to the check of the base type. */
export type ValueCheck = (value: unknown, trial: Trial) => void;

interface Binding {
  strength: string;
  valueSet: string;
}

/**
 * The check of a binding on a type that carries codes; undefined when there is nothing to check: a `preferred` or
 * `example` binding, or a type without codes.
 *
 * `required` → error, `extensible` → warning, https://hl7.org/fhir/R4/terminologies.html#strength
 */
export function bindingCheck(terminology: Terminology, binding: Binding, type: string): ValueCheck | undefined {
  const { strength, valueSet } = binding;
  if (valueSet === LANGUAGES && type === 'CodeableConcept' && strength === 'preferred') return languageCheck;
  if (strength !== 'required' && strength !== 'extensible') {
    return undefined;
  }
  const required = strength === 'required';
  let shown: string | undefined;
  const fail = (trial: Trial) => {
    shown ??= withExamples(terminology, valueSet);
    trial.report(required ? 'error' : 'warning', required ? 'binding' : 'binding-extensible', { valueSet: shown });
  };
  const unknown = (trial: Trial) => {
    trial.report('information', 'not-checked', { what: valueSet });
  };
  switch (type) {
    case 'code':
    case 'string':
    case 'uri':
    case 'canonical':
      return (value, trial) => {
        if (typeof value !== 'string') {
          return;
        }
        const found = terminology.holdsBare(valueSet, value);
        if (found === 'out') {
          fail(trial);
        } else if (found === 'unknown' && required && !anyCode.has(valueSet)) {
          unknown(trial);
        }
      };
    case 'Coding':
    case 'Quantity':
    case 'Age':
    case 'Duration':
    case 'Money':
      return (value, trial) => {
        if (!isObject(value)) {
          return;
        }
        const found = memberOf(terminology, valueSet, value);
        if (found === 'out') {
          fail(trial);
        } else if (found === 'unknown' && required) {
          unknown(trial);
        }
      };
    case 'CodeableConcept':
      return (value, trial) => {
        if (isObject(value)) {
          judgeConcept(terminology, valueSet, required, value, trial, fail, unknown);
        }
      };
    default:
      return undefined;
  }
}

/** A value set with its codes, when they are few. */
function withExamples(terminology: Terminology, valueSet: string): string {
  const allowed = terminology.examples(valueSet);
  return allowed.length > 0 ? `${valueSet} (${allowed.join(', ')})` : valueSet;
}

const LANGUAGES = 'http://hl7.org/fhir/ValueSet/languages';

/** Languages have one system (BCP 47): one that is not even an absolute URL names nothing, whatever the strength. */
function languageCheck(value: unknown, trial: Trial): void {
  if (!isObject(value) || !Array.isArray(value.coding)) return;
  const strange = value.coding.some(
    (one) => isObject(one) && typeof one.system === 'string' && !isAbsolute(one.system),
  );
  if (strange) trial.report('error', 'url');
}

/** Value sets of R4 that hold any code of a format of its own (mime types, time zones): nothing to report. */
const anyCode = new Set(['http://hl7.org/fhir/ValueSet/mimetypes', 'http://hl7.org/fhir/ValueSet/timezones']);

function memberOf(terminology: Terminology, valueSet: string, coding: Json): 'in' | 'out' | 'unknown' | 'none' {
  const { system, code } = coding;
  if (typeof code !== 'string') {
    return 'none';
  }
  return terminology.holds(valueSet, typeof system === 'string' ? system : undefined, code);
}

function judgeConcept(
  terminology: Terminology,
  valueSet: string,
  required: boolean,
  concept: Json,
  trial: Trial,
  fail: (trial: Trial) => void,
  unknown: (trial: Trial) => void,
): void {
  const codings = Array.isArray(concept.coding) ? concept.coding.filter(isObject) : [];
  if (codings.length === 0) {
    if (required) {
      fail(trial);
    }
    return;
  }
  const found = codings.map((one) => memberOf(terminology, valueSet, one));
  if (found.includes('in')) {
    const stranger = codings.some(
      (one, index) => found[index] !== 'in' && terminology.exists(textOf(one.system), textOf(one.code)) === 'unknown',
    );
    if (required && stranger) {
      trial.report('warning', 'binding-other-coding');
    }
  } else if (found.includes('unknown')) {
    if (required) {
      unknown(trial);
    }
  } else {
    fail(trial);
  }
}
