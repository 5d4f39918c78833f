-- HAPI FHIR keeps its own database beside the journal.
CREATE DATABASE hapi;
