/**
 * What the journal does in the database is done in functions there: one call is one transaction, so a process that is
 * stopped or cut off in the middle of its work never keeps a lock that others wait for.
 *
 * Whoever puts work into lanes, takes it or ends it holds the lock of the lanes for that one call; what arrives needs none.
 * Moments are milliseconds since 1970 of the database's clock, so that processes on machines with different clocks agree;
 * tests give a moment of their own.
 */
export const QUEUE_FUNCTIONS = `
CREATE FUNCTION journal_now(given bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(given, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;

CREATE FUNCTION journal_lock_lanes() RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock(hashtext('passerelle lanes ' || current_schema()))
$$;

CREATE FUNCTION journal_ring() RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_notify('passerelle_work', current_schema())
$$;

-- Sees to it that a lane has the right head: none but those leased while one is, else its oldest.
CREATE FUNCTION journal_seat(p_stream text, p_lane text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_first bigint;
BEGIN
  SELECT seq INTO v_first FROM work WHERE stream = p_stream AND lane = p_lane AND place > 0 ORDER BY seq LIMIT 1;
  IF v_first IS NULL THEN RETURN; END IF;
  IF EXISTS (SELECT 1 FROM work WHERE stream = p_stream AND lane = p_lane AND place = 1 AND owner IS NOT NULL) THEN
    v_first := -1;
  END IF;
  UPDATE work SET place = 2
    WHERE stream = p_stream AND lane = p_lane AND place = 1 AND owner IS NULL AND seq <> v_first;
  UPDATE work SET place = 1 WHERE stream = p_stream AND seq = v_first AND place = 2;
END $$;

-- Puts arrivals into lanes until there are heads enough; answers how many it looked at. More than 2,000 are left to the
-- next call, for which the bell is rung.
CREATE FUNCTION journal_arrange(p_stream text, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_heads integer;
  v_sorted integer := 0;
  v_some integer;
  v_new integer;
BEGIN
  SELECT count(*) INTO v_heads FROM
    (SELECT 1 FROM work WHERE stream = p_stream AND place = 1 AND due = 0 LIMIT p_limit) AS x;
  WHILE v_heads < p_limit AND v_sorted < 2000 LOOP
    WITH arrived AS (
      SELECT w.seq, coalesce(t.root, w.lane) AS root
        FROM work w LEFT JOIN lane_tie t ON t.lane = w.lane
        WHERE w.stream = p_stream AND w.place = 0 ORDER BY w.seq LIMIT greatest(p_limit, 100)
    ), placed AS (
      SELECT a.seq, a.root, CASE
          WHEN row_number() OVER (PARTITION BY a.root ORDER BY a.seq) > 1 THEN 2
          WHEN EXISTS (SELECT 1 FROM work x WHERE x.stream = p_stream AND x.lane = a.root AND x.place > 0) THEN 2
          ELSE 1 END AS place
        FROM arrived a
    ), moved AS (
      UPDATE work w SET place = p.place, lane = p.root FROM placed p
        WHERE w.stream = p_stream AND w.seq = p.seq RETURNING p.place
    )
    SELECT count(*), count(*) FILTER (WHERE place = 1) INTO v_some, v_new FROM moved;
    EXIT WHEN v_some = 0;
    v_sorted := v_sorted + v_some;
    v_heads := v_heads + v_new;
  END LOOP;
  RETURN v_sorted;
END $$;

-- Leases heads: of what was put off and is due at first half the limit only, then what is new, then the rest of the due.
CREATE FUNCTION journal_take(
  p_stream text, p_limit integer, p_now bigint, p_lease bigint, p_owner text, p_bytes bigint
) RETURNS TABLE (o_seq bigint, o_attempts integer, o_ambiguous boolean, o_since bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := journal_now(p_now);
  v_sorted integer;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM work WHERE stream = p_stream AND place = 0)
    AND NOT EXISTS (SELECT 1 FROM work WHERE stream = p_stream AND place = 1 AND due <= v_now) THEN
    RETURN;
  END IF;
  PERFORM journal_lock_lanes();
  v_sorted := journal_arrange(p_stream, p_limit);
  IF v_sorted >= 2000 THEN PERFORM journal_ring(); END IF;
  RETURN QUERY
    WITH candidates AS (
      (SELECT seq, size, due, CASE
          WHEN row_number() OVER (ORDER BY due, seq) <= (p_limit + 1) / 2 THEN 1 ELSE 3 END AS phase
        FROM work WHERE stream = p_stream AND place = 1 AND due > 0 AND due <= v_now ORDER BY due, seq LIMIT p_limit)
      UNION ALL
      (SELECT seq, size, due, 2 FROM work WHERE stream = p_stream AND place = 1 AND due = 0 ORDER BY seq LIMIT p_limit)
    ), ranked AS (
      SELECT seq, row_number() OVER ahead AS rank, sum(size) OVER ahead AS bytes FROM candidates
        WINDOW ahead AS (ORDER BY phase, due, seq ROWS UNBOUNDED PRECEDING)
    ), leased AS (
      UPDATE work w SET ambiguous = w.ambiguous OR w.owner IS NOT NULL, owner = p_owner, due = v_now + p_lease,
          attempts = w.attempts + 1
        FROM ranked r
        WHERE r.rank <= p_limit AND (r.bytes <= p_bytes OR r.rank = 1) AND w.stream = p_stream AND w.seq = r.seq
        RETURNING w.seq, w.attempts, w.ambiguous, w.since, r.rank
    )
    SELECT l.seq, l.attempts, l.ambiguous, l.since FROM leased l ORDER BY l.rank;
END $$;

-- Takes messages and reads them. Reading is a statement of its own: the snapshot of the one that took them is older than
-- what others wrote while it waited for the lanes.
CREATE FUNCTION journal_claim(p_limit integer, p_now bigint, p_lease bigint, p_owner text, p_bytes bigint)
RETURNS TABLE (
  attempts integer, ambiguous boolean, since bigint, id text, dedupe_key text, door text, sender text, kind text, lane text,
  format text, route text, received_at bigint, faults text, envelope text, size bigint, bytes bytea, hash text
) LANGUAGE plpgsql AS $$
DECLARE
  v_taken record;
BEGIN
  SELECT array_agg(o_seq) AS seqs, array_agg(o_attempts) AS attempts, array_agg(o_ambiguous) AS ambiguous,
    array_agg(o_since) AS since INTO v_taken FROM journal_take('', p_limit, p_now, p_lease, p_owner, p_bytes);
  RETURN QUERY SELECT t.attempts, t.ambiguous, t.since, m.id, coalesce(m.dedupe_key, m.dedupe), m.door, m.sender, m.kind,
      m.lane, m.format, m.route, m.received_at, m.faults, m.envelope, m.size, b.bytes, b.hash
    FROM unnest(v_taken.seqs, v_taken.attempts, v_taken.ambiguous, v_taken.since)
      WITH ORDINALITY AS t (seq, attempts, ambiguous, since, n)
    JOIN message m ON m.seq = t.seq LEFT JOIN message_body b ON b.seq = t.seq ORDER BY t.n;
END $$;

CREATE FUNCTION journal_claim_deliveries(
  p_stream text, p_limit integer, p_now bigint, p_lease bigint, p_owner text, p_bytes bigint
) RETURNS TABLE (
  attempts integer, ambiguous boolean, since bigint, id text, message_id text, kind text, size bigint, encoding text,
  bytes bytea, hash text
) LANGUAGE plpgsql AS $$
DECLARE
  v_taken record;
BEGIN
  SELECT array_agg(o_seq) AS seqs, array_agg(o_attempts) AS attempts, array_agg(o_ambiguous) AS ambiguous,
    array_agg(o_since) AS since INTO v_taken FROM journal_take(p_stream, p_limit, p_now, p_lease, p_owner, p_bytes);
  RETURN QUERY SELECT t.attempts, t.ambiguous, t.since, d.id, m.id, d.kind, d.size, b.encoding, b.bytes, b.hash
    FROM unnest(v_taken.seqs, v_taken.attempts, v_taken.ambiguous, v_taken.since)
      WITH ORDINALITY AS t (seq, attempts, ambiguous, since, n)
    JOIN delivery d ON d.seq = t.seq JOIN message m ON m.seq = d.message JOIN delivery_body b ON b.seq = d.seq
    ORDER BY t.n;
END $$;

CREATE FUNCTION journal_prolong(p_ids text[], p_now bigint, p_lease bigint, p_owner text) RETURNS void
LANGUAGE sql AS $$
  UPDATE work SET due = journal_now(p_now) + p_lease
    WHERE owner = p_owner AND (stream, seq) IN (
      SELECT '', m.seq FROM message m WHERE m.id = ANY (p_ids)
      UNION ALL SELECT d.destination, d.seq FROM delivery d WHERE d.id = ANY (p_ids))
$$;

-- The database's clock was ahead and has been set back: pauses and leases that end too far away end within a minute.
CREATE FUNCTION journal_shorten(p_now bigint, p_pause bigint, p_lease bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := journal_now(p_now);
  v_stream text;
BEGIN
  FOR v_stream IN SELECT stream FROM journal_streams() LOOP
    UPDATE work SET due = v_now + 60000 WHERE stream = v_stream AND place = 1
      AND due > v_now + p_pause AND (owner IS NULL OR due > v_now + p_lease);
  END LOOP;
END $$;

-- From now on both lanes are one; what is in lanes moves, what has arrived finds its lane when it is arranged.
CREATE FUNCTION journal_tie(p_lane text, p_into text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_from text;
  v_to text;
  v_stream text;
BEGIN
  PERFORM journal_lock_lanes();
  SELECT coalesce((SELECT root FROM lane_tie WHERE lane = p_lane), p_lane) INTO v_from;
  SELECT coalesce((SELECT root FROM lane_tie WHERE lane = p_into), p_into) INTO v_to;
  IF v_from = v_to THEN RETURN; END IF;
  UPDATE lane_tie SET root = v_to WHERE root = v_from;
  INSERT INTO lane_tie (lane, root) VALUES (v_from, v_to);
  FOR v_stream IN SELECT stream FROM journal_streams() LOOP
    UPDATE work SET lane = v_to WHERE stream = v_stream AND lane = v_from AND place > 0;
    PERFORM journal_seat(v_stream, v_to);
  END LOOP;
  PERFORM journal_ring();
END $$;

-- The streams that have work, by skipping from one to the next in the primary key.
CREATE FUNCTION journal_streams() RETURNS TABLE (stream text) LANGUAGE sql STABLE AS $$
  WITH RECURSIVE s (stream) AS (
    (SELECT w.stream FROM work w ORDER BY w.stream LIMIT 1)
    UNION ALL SELECT (SELECT w.stream FROM work w WHERE w.stream > s.stream ORDER BY w.stream LIMIT 1)
      FROM s WHERE s.stream IS NOT NULL
  ) SELECT s.stream FROM s WHERE s.stream IS NOT NULL
$$;

-- Milliseconds until the next of what was put off, or leased, becomes due; and since when the oldest has waited.
CREATE FUNCTION journal_outlook(p_now bigint) RETURNS TABLE (o_due_in bigint, o_waited bigint) LANGUAGE sql STABLE AS $$
  SELECT min(due.due) - journal_now(p_now), journal_now(p_now) - min(least(early.since, arrived.since))
  FROM journal_streams() s
  LEFT JOIN LATERAL (SELECT w.due FROM work w WHERE w.stream = s.stream AND w.place = 1 AND w.due > journal_now(p_now)
    ORDER BY w.due LIMIT 1) due ON true
  LEFT JOIN LATERAL (SELECT min(f.since) AS since FROM
    (SELECT w.since FROM work w WHERE w.stream = s.stream ORDER BY w.seq LIMIT 1000) f) early ON true
  LEFT JOIN LATERAL (SELECT w.since FROM work w WHERE w.stream = s.stream AND w.place = 0
    ORDER BY w.seq LIMIT 1) arrived ON true
$$;
`;
