import type { Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { type Criterion, criterion, splitUnescaped } from './criteria.ts';
import { type Condition, indexed, type SearchContext } from './indexed.ts';
import type { Parameter } from './parameters.ts';
import { follow, type Path } from './path.ts';
import type { Row } from './values.ts';
import * as values from './values.ts';

/** `:text` looks at display and text of codes, without case and accents. */
export function byText(parameter: Parameter, alternatives: string[], context: SearchContext): Condition {
  const wanted = alternatives.map(values.fold);
  const number = context.connection.predicate((resource) =>
    parameter.columns.some((column) =>
      column
        .read(resource)
        .some((value) =>
          textsOf(value).some((text) => wanted.some((one) => one !== '' && values.fold(text).includes(one))),
        ),
    ),
  );
  return holds(number);
}

function textsOf(value: unknown): string[] {
  const { text, display, coding, type } = (value ?? {}) as Record<string, unknown>;
  return [
    text,
    display,
    ...(Array.isArray(coding) ? coding.map((one) => one?.display) : []),
    (type as { text?: unknown })?.text,
  ].filter((one) => typeof one === 'string');
}

function holds(number: number): Condition {
  return {
    test: {
      text: '(SELECT holds(?, v.content) FROM version v WHERE v.vid = r.vid) = 1',
      values: [number],
    },
  };
}

/**
 * `code-value-quantity=8480-6$gt140`: the index finds resources where each component holds somewhere; that they hold in the
 * same element is looked up in the content.
 */
export function composite(
  type: string,
  parameter: Parameter,
  alternatives: string[],
  context: SearchContext,
): Condition {
  const { roots, components } = parameter.composite!;
  const asked = alternatives.map((alternative) => {
    const parts = splitUnescaped(alternative, '$');
    if (parts.length !== components.length) {
      const expected = `composite of ${components.length} values joined by $`;
      throw new PasserelleError(fault('search-value-invalid', { params: { parameter: parameter.code, expected } }));
    }
    return components.map(({ parameter: part, paths }, index) => ({
      paths,
      part,
      criterion: criterion(part, undefined, parts[index]!, context),
    }));
  });
  const texts = asked.map((parts) => parts.map(({ part, criterion: one }) => indexed(part.columns, [one])));
  const number = context.connection.predicate((resource) =>
    asked.some((parts) => together(resource, roots, parts, type, context)),
  );
  const either = texts.map((parts) => parts.map((part) => part.test.text).join(' AND ')).join(') OR (');
  const exact = holds(number).test;
  return {
    ...(asked.length === 1 ? { source: texts[0]![0]!.source! } : {}),
    test: {
      text: `((${either})) AND ${exact.text}`,
      values: [...texts.flat().flatMap((part) => part.test.values), ...exact.values],
    },
  };
}

function together(
  resource: Resource,
  roots: Path[],
  parts: { paths: Path[]; part: Parameter; criterion: Criterion }[],
  type: string,
  context: SearchContext,
): boolean {
  const owner = `${type}/${resource.id}`;
  return roots.some((root) =>
    follow(root, resource).some((element) =>
      parts.every(({ paths, part, criterion: wanted }) =>
        paths.some((path) =>
          follow(path, element).some((value) => rowsOf(part, value, owner, context).some((row) => wanted.test(row))),
        ),
      ),
    ),
  );
}

function rowsOf(parameter: Parameter, value: unknown, owner: string, context: SearchContext): Row[] {
  if (parameter.type === 'token') return values.tokens(value);
  if (parameter.type === 'date') return values.dates(value);
  if (parameter.type === 'string') return values.strings(value);
  if (parameter.type === 'reference') return values.references(value, owner, context.local);
  return parameter.type === 'uri' ? values.uris(value) : values.quantities(value);
}
