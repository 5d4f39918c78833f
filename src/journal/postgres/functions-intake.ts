/** Intake, and the counters. */
export const INTAKE_FUNCTIONS = `
CREATE FUNCTION journal_count(p_name text, p_n bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO tally_change (name, n) SELECT p_name, p_n WHERE p_n <> 0
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
  v_waits boolean := false;
  v_states jsonb := '{}';
BEGIN
  FOR i IN 1 .. array_length(p_id, 1) LOOP
    v_found := NULL;
    IF p_dedupe[i] IS NOT NULL THEN
      SELECT * INTO v_found FROM journal_found(p_dedupe[i], NULL);
      IF v_found.state <> 'refused' THEN
        RETURN QUERY SELECT v_found.id, true, v_found.state, v_found.faults;
        CONTINUE;
      END IF;
      IF v_found.state = 'refused' AND p_state[i] = 'refused' AND EXISTS (
        SELECT 1 FROM message_body b
          WHERE b.seq = v_found.seq AND (b.hash = p_hash[i] OR (p_hash[i] IS NULL AND b.bytes = p_bytes[i]))
      ) THEN
        UPDATE outcome SET settled_at = v_now, faults = p_faults[i] WHERE seq = v_found.seq;
        RETURN QUERY SELECT v_found.id, true, 'refused'::text, p_faults[i];
        CONTINUE;
      END IF;
      UPDATE message SET dedupe_key = coalesce(dedupe_key, dedupe), dedupe = NULL WHERE seq = v_found.seq;
    END IF;
    v_seq := NULL;
    INSERT INTO message
      (id, dedupe, dedupe_key, door, sender, kind, lane, format, route, size, received_at, faults, envelope)
      VALUES (p_id[i], p_dedupe[i], p_key[i], p_door[i], p_sender[i], p_kind[i], p_lane[i], p_format[i], p_route[i],
        p_size[i], p_received[i], p_faults[i], p_envelope[i])
      ON CONFLICT DO NOTHING RETURNING seq INTO v_seq;
    IF v_seq IS NULL THEN
      RETURN QUERY SELECT f.id, true, f.state, f.faults FROM journal_found(p_dedupe[i], p_id[i]) f;
      CONTINUE;
    END IF;
    INSERT INTO message_body (seq, bytes, hash) VALUES (v_seq, p_bytes[i], p_hash[i]);
    PERFORM journal_refer(p_hash[i]);
    IF p_state[i] = 'accepted' THEN
      INSERT INTO work (stream, seq, lane, place, since, size)
        VALUES ('', v_seq, p_lane[i], 0, p_received[i], p_size[i]);
      v_waits := true;
    ELSE
      INSERT INTO outcome (seq, state, settled_at, attempts, faults) VALUES (v_seq, p_state[i], v_now, 0, p_faults[i]);
    END IF;
    v_states := jsonb_set(v_states, ARRAY[p_state[i]], to_jsonb(coalesce((v_states ->> p_state[i])::int, 0) + 1));
    RETURN QUERY SELECT p_id[i], false, p_state[i], NULL::text;
  END LOOP;
  PERFORM journal_count('state:' || key, value::bigint) FROM jsonb_each_text(v_states);
  IF v_waits THEN PERFORM journal_ring(); END IF;
END $$;

-- The message of a key or, failing that, of an id, and what became of it.
CREATE FUNCTION journal_found(p_dedupe text, p_id text) RETURNS TABLE (seq bigint, id text, state text, faults text)
LANGUAGE sql AS $$
  SELECT m.seq, m.id, coalesce(o.state, 'accepted'), coalesce(o.faults, m.faults)
    FROM message m LEFT JOIN outcome o ON o.seq = m.seq
    WHERE m.dedupe = p_dedupe OR m.id = p_id
    ORDER BY m.dedupe = p_dedupe DESC NULLS LAST LIMIT 1
$$;

-- Counts one more row that refers to a payload; the payload was written just before.
CREATE FUNCTION journal_refer(p_hash text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_hash IS NULL THEN RETURN; END IF;
  UPDATE payload SET refs = refs + 1 WHERE hash = p_hash;
  IF NOT FOUND THEN RAISE EXCEPTION 'payload % is gone', p_hash; END IF;
END $$;
`;
