import type { ErrorEntry } from './entry.ts';

/** What the readers find: syntax, character sets, structure, payloads. */
export const formatErrors = {
  'format-unknown': {
    http: 415,
    issue: 'not-supported',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Ce contenu n’est ni HL7 v2, ni CDA, ni FHIR, ni un format de route connu. Un format de fournisseur a besoin du nom de sa route (mappings/routes.json).',
      en: 'This content is neither HL7 v2, CDA, FHIR nor the format of a known route. A vendor’s payload needs the name of its route (mappings/routes.json).',
    },
  },
  'xml-malformed': {
    http: 400,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le XML n’est pas bien formé ({reason}, ligne {line}, colonne {column}). Corrigez le document et renvoyez-le.',
      en: 'The XML is not well-formed ({reason}, line {line}, column {column}). Correct the document and send it again.',
    },
  },
  'xml-doctype': {
    http: 400,
    issue: 'security',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le document contient une déclaration DOCTYPE ; elles sont refusées. Retirez-la.',
      en: 'The document contains a DOCTYPE declaration; these are refused. Remove it.',
    },
  },
  'xml-entity': {
    http: 400,
    issue: 'security',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le document utilise l’entité {entity} ; seules amp, lt, gt, quot et apos sont acceptées.',
      en: 'The document uses the entity {entity}; only amp, lt, gt, quot and apos are accepted.',
    },
  },
  'xml-limit': {
    http: 413,
    issue: 'too-costly',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le document XML dépasse la limite de {limit} ({what}). Réduisez-le.',
      en: 'The XML document is beyond the limit of {limit} ({what}). Make it smaller.',
    },
  },
  'charset-unknown': {
    http: 400,
    issue: 'not-supported',
    msa: 'AE',
    err3: '102',
    err5: '906',
    public: {
      fr: 'Le jeu de caractères annoncé {charset} n’est pas connu. Utilisez UTF-8 ou ISO-8859-15.',
      en: 'The announced character set {charset} is not known. Use UTF-8 or ISO-8859-15.',
    },
  },
  'charset-invalid': {
    http: 400,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    err5: '906',
    public: {
      fr: 'Le contenu n’est pas écrit dans le jeu de caractères annoncé {charset}. Annoncez le bon ou convertissez-le.',
      en: 'The content is not written in the announced character set {charset}. Announce the right one or convert it.',
    },
  },
  'cda-root': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'La racine du document n’est pas un ClinicalDocument CDA R2 ({root}).',
      en: 'The root of the document is not a CDA R2 ClinicalDocument ({root}).',
    },
  },
  'cda-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    err5: '906',
    public: {
      fr: 'L’élément obligatoire {element} de l’en-tête CDA manque. Complétez le document.',
      en: 'The mandatory element {element} of the CDA header is missing. Complete the document.',
    },
  },
  'cda-value': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La valeur de {element} n’est pas un {type} valable ; elle n’a pas été reprise, le document exact est gardé.',
      en: 'The value of {element} is not a valid {type}; it was left out, the exact document is kept.',
    },
  },
  'cda-repeated': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'L’élément {element} ne peut figurer qu’une fois ; seul le premier est repris, le document exact est gardé.',
      en: 'The element {element} may appear only once; the first is taken, the exact document is kept.',
    },
  },
  'cda-media': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    err5: '906',
    public: {
      fr: 'Le contenu incorporé n’est pas du base64 valable. Recodez-le et renvoyez le document.',
      en: 'The embedded content is not valid base64. Encode it again and send the document again.',
    },
  },
  'fhir-syntax': {
    http: 400,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le contenu n’est pas du JSON valable ({reason}). Corrigez-le et renvoyez-le.',
      en: 'The content is not valid JSON ({reason}). Correct it and send it again.',
    },
  },
  'fhir-limit': {
    http: 413,
    issue: 'too-costly',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La ressource dépasse la limite de {limit} ({what}). Réduisez-la.',
      en: 'The resource is beyond the limit of {limit} ({what}). Make it smaller.',
    },
  },
  'fhir-resource-type': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le contenu n’est pas une ressource FHIR R4 ({type}).',
      en: 'The content is not a FHIR R4 resource ({type}).',
    },
  },
  'fhir-element': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'L’élément {element} n’existe pas ou n’a pas cette forme en FHIR R4. Corrigez la ressource.',
      en: 'The element {element} does not exist in FHIR R4 or has not this shape. Correct the resource.',
    },
  },
  'cda-section-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    err5: '906',
    public: {
      fr: 'La section obligatoire {template} (LOINC {code}) manque au document. Le document est pris tel quel ; complétez le modèle.',
      en: 'The mandatory section {template} (LOINC {code}) is missing. The document is taken as it is; complete the template.',
    },
  },
} satisfies Record<string, ErrorEntry>;
