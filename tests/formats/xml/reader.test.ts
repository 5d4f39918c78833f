import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ParseOption, XmlDocument } from 'libxml2-wasm';
import { attribute, child, decodeBase64, elements, ownText, readXml, xpath } from '../../../src/formats/xml/index.ts';

const options = { namespaces: { 'urn:a': '', 'urn:b': 'b' } };
const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (text: string, more = {}) => readXml(utf8(text), { ...options, ...more });

/** The established parser's opinion on well-formedness, without network and entities. */
function libxmlAccepts(bytes: Uint8Array): boolean {
  try {
    XmlDocument.fromBuffer(bytes, { option: ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_NOENT }).dispose();
    return true;
  } catch {
    return false;
  }
}

describe('readXml', () => {
  test('names, attributes, texts, references, CDATA', () => {
    const { root } = read(
      `<?xml version="1.0"?><!-- c --><x:r xmlns:x="urn:a" xmlns:y='urn:b' k = "1 &lt; &#x32;"><y:s y:z="é"/>a&amp;b<![CDATA[<&>]]><x:t/></x:r>\n`,
    );
    expect(root?.name).toBe('r');
    expect(attribute(root!, 'k')).toBe('1 < 2');
    expect(attribute(child(root!, 'b:s')!, 'b:z')).toBe('é');
    expect(ownText(root!)).toBe('a&b<&>');
    expect(elements(root!).map((one) => one.name)).toEqual(['b:s', 't']);
    expect(xpath(child(root!, 't')!)).toBe('/r/t');
  });

  test('unknown namespaces keep their URI, the default can change inside', () => {
    const { root } = read('<r xmlns="urn:a"><s xmlns="urn:z"><t/></s><u/></r>');
    const s = elements(root!)[0]!;
    expect([root!.name, s.name, elements(s)[0]!.name, elements(root!)[1]!.name]).toEqual([
      'r',
      '{urn:z}s',
      '{urn:z}t',
      'u',
    ]);
  });

  test.each([
    ['doctype', '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>', 'xml-doctype'],
    ['entity bomb', `<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>`, 'xml-doctype'],
    ['external entity', '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', 'xml-doctype'],
    ['undeclared entity', '<r>&nbsp;</r>', 'xml-entity'],
    ['truncated', '<r><s>text</s>', 'xml-malformed'],
    ['truncated tag', '<r><s a="b', 'xml-malformed'],
    ['empty', '', 'xml-malformed'],
    ['two roots', '<r/><r/>', 'xml-malformed'],
    ['text after', '<r/>text', 'xml-malformed'],
    ['crossed tags', '<r><a></r></a>', 'xml-malformed'],
    ['longer end tag', '<r></rr>', 'xml-malformed'],
    ['attribute twice', '<r a="1" a="2"/>', 'xml-malformed'],
    ['attribute twice by namespace', '<r xmlns:p="urn:b" xmlns:q="urn:b" p:a="1" q:a="2"/>', 'xml-malformed'],
    ['no blank between attributes', '<r a="1"b="2"/>', 'xml-malformed'],
    ['undeclared prefix', '<p:r/>', 'xml-malformed'],
    ['control character', '<r>\u0001</r>', 'xml-malformed'],
    ['reference to a control character', '<r>&#1;</r>', 'xml-malformed'],
    ['surrogate reference', '<r>&#xD800;</r>', 'xml-malformed'],
    ['comment with --', '<r><!-- a -- b --></r>', 'xml-malformed'],
    ['late declaration', '<r><?xml version="1.0"?></r>', 'xml-malformed'],
    ['deep', '<r>'.repeat(5000), 'xml-limit'],
    ['unknown charset', '<?xml version="1.0" encoding="klingon"?><r/>', 'charset-unknown'],
  ])('refuses %s', (_, text, code) => {
    expect(read(text).fault?.code).toBe(code);
  });

  test('limits on elements, attributes, characters and bytes', () => {
    expect(read(`<r>${'<s/>'.repeat(50)}</r>`, { limits: { elements: 20 } }).fault?.code).toBe('xml-limit');
    expect(read('<r a="1" b="2" c="3"/>', { limits: { attributes: 2 } }).fault?.code).toBe('xml-limit');
    expect(read(`<r>${'x'.repeat(50)}</r>`, { limits: { characters: 20 } }).fault?.code).toBe('xml-limit');
    expect(read(`<r>${'x'.repeat(50)}</r>`, { limits: { bytes: 20 } }).fault?.code).toBe('xml-limit');
  });

  test('says where', () => {
    expect(read('<r>\n  <s></t>\n</r>').fault).toMatchObject({
      place: 'line 2, column 6',
      params: { reason: 'end-tag' },
    });
  });

  test('character sets', () => {
    const latin9 = Buffer.from('<?xml version="1.0" encoding="ISO-8859-15"?><r>caf\xe9 \xa4</r>', 'latin1');
    expect(ownText(readXml(latin9, options).root!)).toBe('café €');
    const latin1 = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><r>caf\xe9</r>', 'latin1');
    expect(ownText(readXml(latin1, options).root!)).toBe('café');
    const utf16 = Buffer.from('\ufeff<?xml version="1.0" encoding="UTF-16"?><r>café</r>', 'utf16le');
    expect(ownText(readXml(utf16, options).root!)).toBe('café');
    expect(ownText(read('\ufeff<r>café</r>').root!)).toBe('café');
    const wrong = Buffer.from('<r>caf\xe9</r>', 'latin1');
    expect(readXml(wrong, options).fault?.code).toBe('charset-invalid');
  });

  test('a long base64 run stays bytes, wherever it stands', () => {
    const payload = Buffer.alloc(60_000, 7).toString('base64');
    const plain = read(`<r><a>${payload}</a><b>é${payload}</b></r>`).root!;
    expect(Buffer.from(child(plain, 'a')!.lifted!).toString()).toBe(payload);
    expect(ownText(child(plain, 'b')!)).toBe(`é${payload}`);
    const cdata = read(`<r><a><![CDATA[${payload}]]></a></r>`).root!;
    expect(Buffer.from(child(cdata, 'a')!.lifted!).toString()).toBe(payload);
    const comment = read(`<r><!-- >${payload}< --><a>x</a></r>`).root!;
    expect(ownText(child(comment, 'a')!)).toBe('x');
    const hidden = read(`<r><a><![CDATA[>${payload}]]></a></r>`).root!;
    expect(ownText(child(hidden, 'a')!)).toBe(`>${payload}`);
    const mixed = read(`<r>${payload}<a/></r>`).root!;
    expect(mixed.lifted?.length ?? ownText(mixed).length).toBe(payload.length);
  });

  test('a forbidden character is what is said, whatever else is wrong before it', () => {
    for (const document of [
      '<r a="\u0001"/>',
      '<r><!-- \u0001 --></r>',
      '<r>\u0001</r>',
      '<r><?a \u0001?></r>',
      '<r a="\uffff"/>',
      '<r><![CDATA[\ufffe]]></r>',
      '<r a=b>\u0001</r>',
      '<r><\u0001/></r>',
      '<r>&nosuch; \u0001',
    ]) {
      const { fault } = read(document);
      expect(fault).toMatchObject({ code: 'xml-malformed', params: { reason: 'character' } });
      expect(fault!.place).toBe(`line 1, column ${document.search(/[\u0001\ufffe\uffff]/) + 1}`);
    }
  });

  test('the target of an instruction is a name', () => {
    expect(read('<r><?xml-stylesheet href="a"?><?a:b?></r>').root).toBeDefined();
    for (const target of ['[', '&<:[CDATA[d]', '1a', '-a']) {
      expect(read(`<r><?${target}?></r>`).fault).toMatchObject({ params: { reason: 'instruction' } });
    }
  });

  test('names of the same hash stay apart', () => {
    const { root } = read('<r><Aa x:Aa="1" xmlns:x="urn:x" BB="2"/><BB/><Aa/></r>');
    expect(elements(root!).map((one) => one.name)).toEqual(['Aa', 'BB', 'Aa']);
    expect(elements(root!)[0]!.attributes).toEqual(['{urn:x}Aa', '1', 'BB', '2']);
  });

  test('property: agrees with libxml2 on what is well-formed, mutated documents included', () => {
    const head = `<?xml version="1.0"?><r xmlns="urn:a" xmlns:b="urn:b" `;
    const base = `${head}k="v&amp;w"><b:s z='1'>t&#233;xt</b:s><!-- c --><e/><![CDATA[d]]></r>`;
    const mutation = fc.record({
      at: fc.integer({ min: head.length, max: base.length }),
      cut: fc.nat({ max: 4 }),
      insert: fc.stringMatching(/^[<>/&;="'!?\-[\]ab: \n]{0,4}$/),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        let text = base;
        for (const { at, cut, insert } of mutations) text = text.slice(0, at) + insert + text.slice(at + cut);
        // Left alone: the declaration, and namespace names, which libxml2 wants to be URIs.
        if (/<!DOCTYPE/.test(text) || !text.startsWith(head) || text.slice(head.length).includes('xmlns')) return;
        const mine = read(text);
        expect({ text, accepted: !mine.fault }).toEqual({ text, accepted: libxmlAccepts(utf8(text)) });
      }),
      { numRuns: 3000 },
    );
  });
});

describe('decodeBase64', () => {
  test('property: what was encoded comes back, padded or not, with line breaks', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), fc.nat({ max: 80 }), (bytes, padded, width) => {
        let text = Buffer.from(bytes).toString('base64');
        if (!padded) text = text.replace(/=+$/, '');
        if (width) text = text.replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n');
        expect(decodeBase64(utf8(text))).toEqual(bytes);
      }),
    );
  });
  test.each(['A', 'AA=', 'AAA==', 'AA==AA', 'A-_B', 'AAAA*', 'é'])('refuses %s', (text) => {
    expect(decodeBase64(utf8(text))).toBeUndefined();
  });
});
