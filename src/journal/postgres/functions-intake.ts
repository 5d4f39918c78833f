/** Intake, and the counters. */
export const INTAKE_FUNCTIONS = `
CREATE FUNCTION journal_count(p_name text, p_n bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO tally_change (name, n) SELECT p_name, p_n WHERE p_n <> 0
$$;

-- Counts one more message for each state named.
CREATE FUNCTION journal_count_all(p_states text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO tally_change (name, n) SELECT 'state:' || s, count(*) FROM unnest(p_states) s GROUP BY s
$$;

-- The counters, after folding in what was added to them, when nobody else is doing that.
CREATE FUNCTION journal_tallies() RETURNS TABLE (o_name text, o_n bigint) LANGUAGE plpgsql AS $$
BEGIN
  IF pg_try_advisory_xact_lock(hashtext('passerelle tallies ' || current_schema())) THEN
    WITH gone AS (DELETE FROM tally_change RETURNING name, n)
    INSERT INTO tally AS t (name, n) SELECT g.name, sum(g.n) FROM gone g GROUP BY g.name
      ON CONFLICT (name) DO UPDATE SET n = t.n + excluded.n;
  END IF;
  RETURN QUERY SELECT a.name, sum(a.n)::bigint FROM
    (SELECT t.name, t.n FROM tally t UNION ALL SELECT c.name, c.n FROM tally_change c) a GROUP BY a.name;
END $$;

-- Writes messages down, in their order. A key that is known answers with the message of the first time.
CREATE FUNCTION journal_append(
  p_now bigint, p_id text[], p_dedupe text[], p_key text[], p_door text[], p_sender text[], p_kind text[], p_lane text[],
  p_format text[], p_route text[], p_size bigint[], p_received bigint[], p_faults text[], p_envelope text[],
  p_state text[], p_bytes bytea[], p_hash text[]
) RETURNS TABLE (o_id text, o_duplicate boolean, o_state text, o_faults text) LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := journal_now(p_now);
  v_found record;
  v_seq bigint;
  v_states text[] := '{}';
  m record;
BEGIN
  FOR m IN SELECT * FROM unnest(p_id, p_dedupe, p_key, p_door, p_sender, p_kind, p_lane, p_format, p_route, p_size,
      p_received, p_faults, p_envelope, p_state, p_bytes, p_hash)
    AS x (id, dedupe, key, door, sender, kind, lane, format, route, size, received, faults, envelope, state, bytes, hash)
  LOOP
    IF m.dedupe IS NOT NULL THEN
      SELECT * INTO v_found FROM journal_found_key(m.dedupe);
      IF v_found.state <> 'refused' THEN
        RETURN QUERY SELECT v_found.id, true, v_found.state, v_found.faults;
        CONTINUE;
      END IF;
      IF v_found.state = 'refused' AND m.state = 'refused' AND EXISTS (
        SELECT 1 FROM message_body b
          WHERE b.seq = v_found.seq AND (b.hash = m.hash OR (m.hash IS NULL AND b.bytes = m.bytes))
      ) THEN
        UPDATE outcome SET settled_at = v_now, faults = m.faults WHERE seq = v_found.seq;
        RETURN QUERY SELECT v_found.id, true, 'refused'::text, m.faults;
        CONTINUE;
      END IF;
      IF v_found.seq IS NOT NULL THEN
        UPDATE message SET dedupe_key = coalesce(dedupe_key, dedupe), dedupe = NULL WHERE seq = v_found.seq;
      END IF;
    END IF;
    v_seq := NULL;
    INSERT INTO message
      (id, dedupe, dedupe_key, door, sender, kind, lane, format, route, size, received_at, faults, envelope)
      VALUES (m.id, m.dedupe, m.key, m.door, m.sender, m.kind, m.lane, m.format, m.route, m.size, m.received, m.faults,
        m.envelope)
      ON CONFLICT DO NOTHING RETURNING seq INTO v_seq;
    IF v_seq IS NULL THEN
      RETURN QUERY SELECT f.id, true, f.state, f.faults FROM
        (SELECT * FROM journal_found_key(m.dedupe) UNION ALL SELECT * FROM journal_found_id(m.id)) f LIMIT 1;
      CONTINUE;
    END IF;
    INSERT INTO message_body (seq, bytes, hash) VALUES (v_seq, m.bytes, m.hash);
    IF m.hash IS NOT NULL THEN PERFORM journal_refer(m.hash); END IF;
    IF m.state = 'accepted' THEN
      INSERT INTO work (stream, seq, lane, place, since, size) VALUES ('', v_seq, m.lane, 0, m.received, m.size);
    ELSE
      INSERT INTO outcome (seq, state, settled_at, attempts, faults) VALUES (v_seq, m.state, v_now, 0, m.faults);
    END IF;
    v_states := v_states || m.state;
    RETURN QUERY SELECT m.id, false, m.state, NULL::text;
  END LOOP;
  PERFORM journal_count_all(v_states);
  IF 'accepted' = ANY (v_states) THEN PERFORM journal_ring(); END IF;
END $$;

-- The message of a key, and of an id, and what became of it. Two functions: one condition on either would use no index.
CREATE FUNCTION journal_found_key(p_dedupe text) RETURNS TABLE (seq bigint, id text, state text, faults text)
LANGUAGE sql STABLE AS $$
  SELECT m.seq, m.id, coalesce(o.state, 'accepted'), coalesce(o.faults, m.faults)
    FROM message m LEFT JOIN outcome o ON o.seq = m.seq WHERE m.dedupe = p_dedupe
$$;

CREATE FUNCTION journal_found_id(p_id text) RETURNS TABLE (seq bigint, id text, state text, faults text)
LANGUAGE sql STABLE AS $$
  SELECT m.seq, m.id, coalesce(o.state, 'accepted'), coalesce(o.faults, m.faults)
    FROM message m LEFT JOIN outcome o ON o.seq = m.seq WHERE m.id = p_id
$$;

-- Counts one more row that refers to a payload; the payload was written just before.
CREATE FUNCTION journal_refer(p_hash text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payload SET refs = refs + 1 WHERE hash = p_hash;
  IF NOT FOUND THEN RAISE EXCEPTION 'payload % is gone', p_hash; END IF;
END $$;
`;
