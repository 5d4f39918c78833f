import type { ErrorEntry } from './entry.ts';

/** What forms written back, spreadsheets and terminology are refused for. */
export const formErrors = {
  'sheet-unreadable': {
    http: 400,
    issue: 'structure',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier ne se lit pas comme un tableau. Enregistrez-le de nouveau en CSV ou en classeur .xlsx.',
      en: 'The file cannot be read as a table. Save it again as CSV or as an .xlsx workbook.',
    },
  },
  'sheet-limit': {
    http: 413,
    issue: 'too-long',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le tableau dépasse la limite ({what} : {limit}). Partagez-le en plusieurs fichiers.',
      en: 'The table is beyond the limit ({what}: {limit}). Split it into several files.',
    },
  },
  'sheet-unknown': {
    http: 415,
    issue: 'not-supported',
    msa: 'AR',
    err3: '200',
    public: {
      fr: 'Aucun tableau n’est déclaré pour {route}. Ajoutez mappings/sheet-NOM.json ou envoyez le formulaire en JSON.',
      en: 'No spreadsheet is declared for {route}. Add mappings/sheet-NAME.json or send the form as JSON.',
    },
  },
  'sheet-column-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'La colonne « {column} » manque. La première ligne doit nommer les colonnes.',
      en: 'The column “{column}” is missing. The first line must name the columns.',
    },
  },
  'sheet-column-unknown': {
    http: 422,
    issue: 'informational',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'La colonne {column} n’est pas connue et n’est pas lue. Ajoutez-la à mappings/sheet-NOM.json si elle doit l’être.',
      en: 'Column {column} is not known and not read. Add it to mappings/sheet-NAME.json if it should be.',
    },
  },
  'sheet-cell-invalid': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Ligne {row}, colonne {column} : attendu {expected}. Corrigez la cellule et renvoyez le tableau ; les lignes déjà prises ne le sont pas deux fois.',
      en: 'Row {row}, column {column}: expected {expected}. Correct the cell and send the table again; rows taken before are not taken twice.',
    },
  },
  'terminology-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Inconnu ici : {what}. GET /fhir/R4/metadata dit ce qui est proposé ; docs/terminology.md dit ce qui est chargé.',
      en: 'Not known here: {what}. GET /fhir/R4/metadata tells what is offered, docs/terminology.md what is loaded.',
    },
  },
  'form-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Aucun formulaire ne s’écrit à partir de cette ressource. Demandez-le à l’une de : {allowed}.',
      en: 'No form is written from this resource. Ask one of: {allowed}.',
    },
  },
  'form-too-large': {
    http: 422,
    issue: 'too-costly',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le formulaire reposerait sur plus de {limit} ressources. Demandez-le à une ressource plus précise.',
      en: 'The form would rest on more than {limit} resources. Ask a more particular resource for it.',
    },
  },
  'form-incomplete': {
    http: 422,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Le formulaire ne peut pas être écrit : il manque ou ne convient pas au schéma {schema} ({problem}). Complétez les ressources.',
      en: 'The form cannot be written: something is missing or does not fit the schema {schema} ({problem}). Complete the resources.',
    },
  },
} satisfies Record<string, ErrorEntry>;
