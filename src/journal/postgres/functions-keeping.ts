/** What the operator asks for: replay and purge, a step at a time. */
export const KEEPING_FUNCTIONS = `
-- Puts messages back to work at their old place in their lane: by ids, or of one state upwards from a sequence number.
CREATE FUNCTION journal_replay(p_now bigint, p_ids text[], p_state text, p_after bigint, p_last bigint, p_step integer)
RETURNS TABLE (o_replayed bigint, o_seen bigint, o_last bigint) LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := journal_now(p_now);
  c record;
  v_root text;
BEGIN
  PERFORM journal_lock_lanes();
  o_replayed := 0;
  o_seen := 0;
  o_last := p_after;
  FOR c IN
    SELECT o.seq, o.state, o.attempts, m.lane, m.size FROM outcome o JOIN message m ON m.seq = o.seq
      WHERE p_ids IS NOT NULL AND m.id = ANY (p_ids) AND o.state <> 'accepted'
    UNION ALL
    (SELECT o.seq, o.state, o.attempts, m.lane, m.size FROM outcome o JOIN message m ON m.seq = o.seq
      WHERE p_ids IS NULL AND o.state = p_state AND o.seq > p_after AND o.seq <= p_last ORDER BY o.seq LIMIT p_step)
  LOOP
    o_seen := o_seen + 1;
    o_last := greatest(o_last, c.seq);
    CONTINUE WHEN NOT EXISTS (SELECT 1 FROM message_body WHERE seq = c.seq);
    UPDATE outcome SET state = 'accepted', faults = NULL WHERE seq = c.seq AND state = c.state;
    CONTINUE WHEN NOT FOUND;
    v_root := coalesce((SELECT root FROM lane_tie WHERE lane = c.lane), c.lane);
    INSERT INTO work (stream, seq, lane, place, attempts, since, size)
      VALUES ('', c.seq, v_root, 2, c.attempts, v_now, c.size);
    PERFORM journal_seat('', v_root);
    PERFORM journal_count('state:' || c.state, -1), journal_count('state:accepted', 1);
    o_replayed := o_replayed + 1;
  END LOOP;
  IF o_replayed > 0 THEN PERFORM journal_ring(); END IF;
  RETURN NEXT;
END $$;

CREATE FUNCTION journal_unrefer(p_hash text) RETURNS void LANGUAGE sql AS $$
  UPDATE payload SET refs = refs - 1 WHERE hash = p_hash
$$;

-- Removes messages, or only their bytes, received before a moment; a step of them from a sequence number on.
CREATE FUNCTION journal_purge(p_after bigint, p_step integer, p_older bigint, p_states text[], p_whole boolean)
RETURNS TABLE (o_purged bigint, o_seen bigint, o_last bigint, o_oldest bigint) LANGUAGE plpgsql AS $$
DECLARE
  c record;
  d record;
  v_hash text;
BEGIN
  o_purged := 0;
  o_seen := 0;
  o_last := p_after;
  FOR c IN
    SELECT o.seq, o.state, o.unmapped, m.sender, m.received_at FROM outcome o JOIN message m ON m.seq = o.seq
      WHERE o.seq > p_after AND o.state <> 'accepted'
        AND (p_whole OR EXISTS (SELECT 1 FROM message_body b WHERE b.seq = o.seq))
      ORDER BY o.seq LIMIT p_step
  LOOP
    o_seen := o_seen + 1;
    o_last := c.seq;
    o_oldest := least(o_oldest, c.received_at);
    CONTINUE WHEN c.received_at >= p_older OR NOT c.state = ANY (p_states);
    IF p_whole THEN
      CONTINUE WHEN EXISTS (SELECT 1 FROM delivery x JOIN work w ON w.stream = x.destination AND w.seq = x.seq
        WHERE x.message = c.seq);
      DELETE FROM outcome WHERE seq = c.seq AND state = c.state;
      CONTINUE WHEN NOT FOUND;
      FOR d IN SELECT x.seq, x.destination, o.state, b.hash FROM delivery x
        LEFT JOIN delivery_outcome o ON o.seq = x.seq LEFT JOIN delivery_body b ON b.seq = x.seq WHERE x.message = c.seq
      LOOP
        DELETE FROM receipt WHERE delivery = d.seq;
        DELETE FROM delivery_outcome WHERE seq = d.seq;
        DELETE FROM delivery_body WHERE seq = d.seq;
        DELETE FROM delivery WHERE seq = d.seq;
        PERFORM journal_unrefer(d.hash);
        IF d.state = 'dead' THEN PERFORM journal_count('dead:' || d.destination, -1); END IF;
      END LOOP;
      IF c.unmapped IS NOT NULL THEN
        PERFORM journal_lock_lanes();
        PERFORM journal_count_unmapped(c.sender, c.seq, c.unmapped, NULL);
      END IF;
      DELETE FROM message WHERE seq = c.seq;
      PERFORM journal_count('state:' || c.state, -1);
    ELSE
      PERFORM 1 FROM outcome WHERE seq = c.seq AND state = c.state FOR UPDATE;
      CONTINUE WHEN NOT FOUND;
    END IF;
    DELETE FROM message_body WHERE seq = c.seq RETURNING hash INTO v_hash;
    PERFORM journal_unrefer(v_hash);
    o_purged := o_purged + 1;
  END LOOP;
  RETURN NEXT;
END $$;
`;
