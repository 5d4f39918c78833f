/** The ends of messages and deliveries, replay and purge. */
export const SETTLE_FUNCTIONS = `
-- Counts the codes that a message brought and no table knows, and takes back those of its last attempt.
CREATE FUNCTION journal_count_unmapped(p_sender text, p_seq bigint, p_before text, p_after text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_before IS NOT NULL THEN
    UPDATE unmapped u SET count = u.count - 1
      FROM (SELECT DISTINCT c ->> 'table' AS tbl, coalesce(c ->> 'system', '') AS system, c ->> 'code' AS code
        FROM json_array_elements(p_before::json) c) b
      WHERE u.sender = p_sender AND u.tbl = b.tbl AND u.system = b.system AND u.code = b.code;
    DELETE FROM unmapped WHERE sender = p_sender AND count < 1;
  END IF;
  IF p_after IS NOT NULL THEN
    INSERT INTO unmapped AS u (sender, tbl, system, code, display, place, count, last_message)
      SELECT DISTINCT ON (a.tbl, a.system, a.code) p_sender, a.tbl, a.system, a.code, a.display, a.place, 1, p_seq
        FROM (SELECT c.c ->> 'table' AS tbl, coalesce(c.c ->> 'system', '') AS system, c.c ->> 'code' AS code,
          c.c ->> 'display' AS display, c.c ->> 'place' AS place, c.n
          FROM json_array_elements(p_after::json) WITH ORDINALITY AS c (c, n)) a
        ORDER BY a.tbl, a.system, a.code, a.n DESC
      ON CONFLICT (sender, tbl, system, code) DO UPDATE
        SET count = u.count + 1, display = excluded.display, place = excluded.place, last_message = p_seq;
  END IF;
END $$;

-- Enters a delivery. One of the same id: what was delivered or waits is left alone, what was dead is tried again.
CREATE FUNCTION journal_deliver(
  p_now bigint, p_message bigint, p_lane text, p_id text, p_destination text, p_kind text, p_key text, p_encoding text,
  p_bytes bytea, p_hash text, p_size bigint, p_recipient text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint;
  v_dead record;
  v_root text;
BEGIN
  INSERT INTO delivery (id, message, destination, kind, lane, key, size, created_at, recipient)
    VALUES (p_id, p_message, p_destination, p_kind, p_lane, p_key, p_size, p_now, p_recipient)
    ON CONFLICT (id) DO NOTHING RETURNING seq INTO v_seq;
  IF v_seq IS NOT NULL THEN
    INSERT INTO delivery_body (seq, encoding, bytes, hash) VALUES (v_seq, p_encoding, p_bytes, p_hash);
    IF p_hash IS NOT NULL THEN PERFORM journal_refer(p_hash); END IF;
    INSERT INTO work (stream, seq, lane, place, since, size) VALUES (p_destination, v_seq, p_lane, 0, p_now, p_size);
    PERFORM journal_count('waiting:' || p_destination, 1);
    RETURN;
  END IF;
  DELETE FROM delivery_outcome o USING delivery d WHERE d.id = p_id AND o.seq = d.seq AND o.state = 'dead'
    RETURNING d.seq, d.destination, d.size, o.attempts INTO v_dead;
  IF v_dead.seq IS NULL THEN RETURN; END IF;
  v_root := coalesce((SELECT root FROM lane_tie WHERE lane = p_lane), p_lane);
  INSERT INTO work (stream, seq, lane, place, attempts, since, size)
    VALUES (v_dead.destination, v_dead.seq, v_root, 2, v_dead.attempts, p_now, v_dead.size);
  PERFORM journal_seat(v_dead.destination, v_root);
  PERFORM journal_count('dead:' || v_dead.destination, -1), journal_count('waiting:' || v_dead.destination, 1);
END $$;

-- Ends messages, or puts them off; answers for each whether its lease was still held. Deliveries name their message's place.
CREATE FUNCTION journal_settle(
  p_now bigint, p_owner text, p_id text[], p_attempt integer[], p_state text[], p_faults text[], p_refs text[],
  p_maps text[], p_unmapped text[], p_response text[], p_delay bigint[], p_ambiguous boolean[],
  d_of integer[], d_id text[], d_destination text[], d_kind text[], d_key text[], d_encoding text[], d_bytes bytea[],
  d_hash text[], d_size bigint[], d_recipient text[]
) RETURNS SETOF boolean LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := journal_now(p_now);
  v_states text[] := '{}';
  v_before text;
  e record;
  m record;
  w record;
  d record;
BEGIN
  PERFORM journal_lock_lanes();
  FOR e IN SELECT * FROM unnest(p_id, p_attempt, p_state, p_faults, p_refs, p_maps, p_unmapped, p_response, p_delay,
      p_ambiguous) WITH ORDINALITY
    AS x (id, attempt, state, faults, refs, maps, unmapped, response, delay, ambiguous, i)
  LOOP
    SELECT seq, sender, lane INTO m FROM message WHERE id = e.id;
    IF e.state = 'accepted' THEN
      UPDATE work SET owner = NULL, due = greatest(v_now + e.delay, 1), ambiguous = ambiguous OR e.ambiguous
        WHERE stream = '' AND seq = m.seq AND owner = p_owner AND attempts = coalesce(e.attempt, attempts)
        RETURNING lane, attempts INTO w;
    ELSE
      DELETE FROM work
        WHERE stream = '' AND seq = m.seq AND owner = p_owner AND attempts = coalesce(e.attempt, attempts)
        RETURNING lane, attempts INTO w;
    END IF;
    RETURN NEXT w.lane IS NOT NULL;
    CONTINUE WHEN w.lane IS NULL;
    PERFORM journal_seat('', w.lane);
    IF e.state = 'accepted' THEN
      INSERT INTO outcome (seq, state, settled_at, attempts, faults)
        VALUES (m.seq, 'accepted', v_now, w.attempts, e.faults)
        ON CONFLICT (seq) DO UPDATE SET state = 'accepted', settled_at = excluded.settled_at,
          attempts = excluded.attempts, faults = excluded.faults;
      CONTINUE;
    END IF;
    v_before := CASE WHEN w.attempts > 1 THEN (SELECT o.unmapped FROM outcome o WHERE o.seq = m.seq) END;
    IF v_before IS NOT NULL OR e.unmapped IS NOT NULL THEN
      PERFORM journal_count_unmapped(m.sender, m.seq, v_before, e.unmapped);
    END IF;
    INSERT INTO outcome (seq, state, settled_at, attempts, faults, refs, maps, unmapped, response)
      VALUES (m.seq, e.state, v_now, w.attempts, e.faults, e.refs, e.maps, e.unmapped, e.response)
      ON CONFLICT (seq) DO UPDATE SET state = excluded.state, settled_at = excluded.settled_at,
        attempts = excluded.attempts, faults = excluded.faults, refs = excluded.refs, maps = excluded.maps,
        unmapped = excluded.unmapped, response = excluded.response;
    v_states := v_states || e.state;
    CONTINUE WHEN NOT e.i = ANY (d_of);
    FOR d IN SELECT * FROM unnest(d_of, d_id, d_destination, d_kind, d_key, d_encoding, d_bytes, d_hash, d_size,
        d_recipient) AS x (of, id, destination, kind, key, encoding, bytes, hash, size, recipient) WHERE x.of = e.i
    LOOP
      PERFORM journal_deliver(v_now, m.seq, m.lane, d.id, d.destination, d.kind, d.key, d.encoding, d.bytes, d.hash, d.size,
        d.recipient);
    END LOOP;
  END LOOP;
  PERFORM journal_count_all(v_states), journal_count('state:accepted', -cardinality(v_states));
  PERFORM journal_ring();
END $$;

-- The same for deliveries.
CREATE FUNCTION journal_settle_deliveries(
  p_now bigint, p_owner text, p_id text[], p_attempt integer[], p_outcome text[], p_faults text[], p_refs text[],
  p_response text[], p_key text[], p_delay bigint[]
) RETURNS SETOF boolean LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := journal_now(p_now);
  e record;
  d record;
  w record;
BEGIN
  PERFORM journal_lock_lanes();
  FOR e IN SELECT *, x.outcome IN ('delivered', 'permanent') AS is_end
    FROM unnest(p_id, p_attempt, p_outcome, p_faults, p_refs, p_response, p_key, p_delay)
    AS x (id, attempt, outcome, faults, refs, response, key, delay)
  LOOP
    SELECT seq, destination INTO d FROM delivery WHERE id = e.id;
    IF e.is_end THEN
      DELETE FROM work
        WHERE stream = d.destination AND seq = d.seq AND owner = p_owner AND attempts = coalesce(e.attempt, attempts)
        RETURNING lane, attempts INTO w;
    ELSE
      UPDATE work SET owner = NULL, due = greatest(v_now + e.delay, 1), ambiguous = ambiguous OR e.outcome = 'ambiguous'
        WHERE stream = d.destination AND seq = d.seq AND owner = p_owner AND attempts = coalesce(e.attempt, attempts)
        RETURNING lane, attempts INTO w;
    END IF;
    RETURN NEXT w.lane IS NOT NULL;
    CONTINUE WHEN w.lane IS NULL;
    PERFORM journal_seat(d.destination, w.lane);
    INSERT INTO delivery_outcome (seq, state, settled_at, attempts, faults, refs, response)
      VALUES (d.seq, CASE e.outcome WHEN 'delivered' THEN 'delivered' WHEN 'permanent' THEN 'dead' ELSE 'waiting' END,
        v_now, w.attempts, e.faults, e.refs, e.response)
      ON CONFLICT (seq) DO UPDATE SET state = excluded.state, settled_at = excluded.settled_at,
        attempts = excluded.attempts, faults = excluded.faults, refs = excluded.refs, response = excluded.response;
    IF e.key IS NOT NULL THEN UPDATE delivery SET key = e.key WHERE seq = d.seq; END IF;
    IF e.is_end THEN PERFORM journal_count('waiting:' || d.destination, -1); END IF;
    IF e.outcome = 'permanent' THEN PERFORM journal_count('dead:' || d.destination, 1); END IF;
  END LOOP;
  PERFORM journal_ring();
END $$;
`;
