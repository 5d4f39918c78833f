import type { FhirPathAtom } from '@medplum/core';
import type { ElementSpec } from './elements.ts';
import { LanguageError } from './lexer.ts';
import { type Evaluate, FIRST_VARIABLE, SLOT_WIDTH } from './run.ts';
import type { CodeTable } from './tables.ts';

/** A variable of a map: where its value is in the slots. */
export interface Variable {
  name: string;
  slot: number;
  side: 'source' | 'target';
  /** FHIR type or pseudo type; unknown for sources. */
  type?: string;
}

/** An expression, compiled. */
export interface Compiled {
  evaluate: Evaluate;
  /** True when each evaluation makes a new value, so that it may be put into a resource without copying. */
  fresh: boolean;
  /** Type of the result when it is known. */
  type?: string;
  /** Value of a constant. */
  literal?: unknown;
  /** Values of a union of constants. */
  constants?: unknown[];
  /** Slot of the variable, when the expression is nothing but a variable. */
  slot?: number;
}

/** A node of Medplum's expression tree. */
export type Atom = FhirPathAtom['child'];

/** Compiles one node; handed around so that files need not import each other. */
export type Compile = (atom: Atom, scope: Scope, base: boolean) => Compiled;

/** What compiling needs to know besides the map's own text. */
export interface Environment {
  /** A table of the folder, or one the map itself holds. */
  table(name: string): CodeTable | undefined;
  /** The elements of a type: FHIR's, the house's own, those of partners' forms. */
  elements(type: string): ReadonlyMap<string, ElementSpec> | undefined;
  /** Compiles another expression, for functions that take one. */
  compile(text: string, scope: Scope): Compiled;
}

/** Which variable a variable was found in, and by which property names; nothing for parameters. Indexed by slot. */
export type Origins = ({ from: number; path: string[] } | undefined)[];

/** Counts the slots of one group. */
export class Frame {
  size = FIRST_VARIABLE;
  readonly origins: Origins = [];
  private readonly shares = new Map<string, number>();

  /** The place of an object that several rules share by name. */
  shared(name: string): number {
    const slot = this.shares.get(name) ?? this.take();
    this.shares.set(name, slot);
    return slot;
  }

  take(): number {
    const slot = this.size;
    this.size += SLOT_WIDTH;
    return slot;
  }
}

/** Names visible at one place of a map. */
export class Scope {
  readonly frame: Frame;
  readonly environment: Environment;
  /** True inside conditions: a bare name may be a property of `$this`. */
  readonly hasThis: boolean;
  private readonly names: Map<string, Variable>;

  constructor(frame: Frame, environment: Environment, names: Map<string, Variable> = new Map(), hasThis = false) {
    this.frame = frame;
    this.environment = environment;
    this.names = names;
    this.hasThis = hasThis;
  }

  find(name: string): Variable | undefined {
    return this.names.get(name);
  }

  all(): Iterable<Variable> {
    return this.names.values();
  }

  /** Adds a variable; an outer one of the same name is hidden from here on. */
  declare(name: string, side: 'source' | 'target', type?: string, slot = this.frame.take()): Variable {
    const variable = { name, slot, side, type };
    this.names.set(name, variable);
    return variable;
  }

  /** A scope inside this one: what it declares is not seen outside. */
  inner(): Scope {
    return new Scope(this.frame, this.environment, new Map(this.names), this.hasThis);
  }

  /** A scope in which bare names are properties of the element at hand. */
  withThis(): Scope {
    return this.hasThis ? this : new Scope(this.frame, this.environment, this.names, true);
  }
}

/** A fault in a map that its author must mend; line and rule are added by whoever knows them. */
export function fail(message: string): never {
  throw new LanguageError(message, 0);
}
