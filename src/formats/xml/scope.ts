const XMLNS = 'http://www.w3.org/2000/xmlns/';
const XML = 'http://www.w3.org/XML/1998/namespace';
const NAME_START =
  'A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd';
const NCNAME = `[${NAME_START}][${NAME_START}\\-.0-9\\u00b7\\u0300-\\u036f\\u203f\\u2040]*`;
const QNAME = new RegExp(`^(?:(${NCNAME}):)?(${NCNAME})$`);
/** Target of an instruction: no namespaces, so a colon may stand anywhere. */
const NAME = new RegExp(`^[:${NAME_START}][:${NAME_START}\\-.0-9\\u00b7\\u0300-\\u036f\\u203f\\u2040]*$`);
const LONGEST_NAME = 200;

/** True for a Name of XML 1.0 (section 2.3). */
export function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && NAME.test(text);
}

/**
 * The namespace prefixes in force at one place of a document (https://www.w3.org/TR/xml-names/). Each written name is
 * resolved once per scope; documents have few of either.
 */
export class NamespaceScope {
  readonly #uris: Record<string, string>;
  readonly #canonical: Record<string, string>;
  readonly #elements = new Map<string, string>();
  readonly #attributes = new Map<string, string>();

  private constructor(uris: Record<string, string>, canonical: Record<string, string>) {
    this.#uris = uris;
    this.#canonical = canonical;
  }

  /** @param canonical namespace URI → prefix given to its names */
  static outermost(canonical: Record<string, string>): NamespaceScope {
    const prefixes: Record<string, string> = Object.assign(Object.create(null), canonical, { [XML]: 'xml' });
    const uris: Record<string, string> = Object.assign(Object.create(null), { xml: XML, xmlns: XMLNS });
    return new NamespaceScope(uris, prefixes);
  }

  /** The scope below an element with these attributes; undefined when a declaration is not allowed. */
  declare(attributes: string[]): NamespaceScope | undefined {
    const uris: Record<string, string> = Object.assign(Object.create(null), this.#uris);
    for (let i = 0; i < attributes.length; i += 2) {
      const name = attributes[i]!;
      const uri = attributes[i + 1]!;
      if (name === 'xmlns') uris[''] = uri;
      else if (name.startsWith('xmlns:')) {
        const prefix = name.slice(6);
        if (!uri || prefix === 'xmlns' || (prefix === 'xml') !== (uri === XML)) return undefined;
        uris[prefix] = uri;
      }
    }
    return new NamespaceScope(uris, this.#canonical);
  }

  /** The resolved name of an element; undefined when it is no name or its prefix is not declared. */
  element(raw: string): string | undefined {
    return this.#elements.get(raw) ?? this.#resolve(raw, this.#elements, this.#uris[''] ?? '');
  }

  /** The resolved name of an attribute; without a prefix it is in no namespace. */
  attribute(raw: string): string | undefined {
    return this.#attributes.get(raw) ?? this.#resolve(raw, this.#attributes, undefined);
  }

  #resolve(raw: string, cache: Map<string, string>, unprefixed: string | undefined): string | undefined {
    const parts = raw.length <= LONGEST_NAME ? QNAME.exec(raw) : null;
    if (!parts) return undefined;
    const [, prefix, local] = parts;
    const uri = prefix === undefined ? unprefixed : this.#uris[prefix];
    if (prefix !== undefined && uri === undefined) return undefined;
    const name = uri === undefined ? local! : qualified(uri, this.#canonical[uri], local!);
    if (cache.size < 2000) cache.set(raw, name);
    return name;
  }
}

function qualified(uri: string, prefix: string | undefined, local: string): string {
  if (prefix === undefined) return uri ? `{${uri}}${local}` : local;
  return prefix ? `${prefix}:${local}` : local;
}
