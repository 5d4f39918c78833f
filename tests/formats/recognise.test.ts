import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { recognise } from '../../src/formats/recognise.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const cda = '<ClinicalDocument xmlns="urn:hl7-org:v3"/>';

describe('recognise', () => {
  test.each([
    ['MSH|^~\\&|A', 'hl7v2'],
    ['\u000bMSH|^~\\&|A', 'hl7v2'],
    ['MSHA|', undefined],
    [`<?xml version="1.0"?><?xml-stylesheet href="a"?><!-- <Patient> -->\n${cda}`, 'cda'],
    ['<n1:ClinicalDocument xmlns:n1="urn:hl7-org:v3">', 'cda'],
    [
      `<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform">${' '.repeat(99_000)}${cda}</xsl:stylesheet>`,
      'cda',
    ],
    ['<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>', undefined],
    ['<Patient xmlns="http://hl7.org/fhir">', 'fhir'],
    ['<f:Patient xmlns:f="http://hl7.org/fhir">', 'fhir'],
    ['<html>', undefined],
    ['<!DOCTYPE x [<!ENTITY a "b">]><ClinicalDocument/>', 'cda'],
    ['{"resourceType":"Patient"}', 'fhir'],
    [' {"id":"1", "resourceType" : "Patient"}', 'fhir'],
    ['{"payload":{"resourceType":"Patient"}}', 'json'],
    ['{"kind":"resourceType"}', 'json'],
    ['[1]', 'json'],
    ['Return-Path: <a@b>\r\nSubject: x\r\n\r\nbody', 'mail'],
    ['hello: world', undefined],
    ['PK\u0003\u0004 [Content_Types].xml', 'xlsx'],
    ['', undefined],
  ])('%j is %s', (text, format) => expect(recognise(utf8(text))).toBe(format));

  test('UTF-16 documents', () => {
    expect(recognise(Buffer.from(`\ufeff${cda}`, 'utf16le'))).toBe('cda');
    expect(recognise(Buffer.from(cda, 'utf16le').swap16())).toBe('cda');
  });
  test('a content type decides only when it is unmistakable', () => {
    expect(recognise(utf8(cda), 'text/xml; charset=utf-8')).toBe('cda');
    expect(recognise(utf8('a;b'), 'text/csv')).toBe('csv');
    expect(recognise(utf8(cda), 'application/fhir+xml')).toBe('fhir');
    expect(recognise(utf8(cda), 'constructor')).toBe('cda');
  });
  test('property: never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void recognise(bytes)));
  });
});
