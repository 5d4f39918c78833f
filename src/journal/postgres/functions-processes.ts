/**
 * Processes beside each other. Each tells of itself by a lock of its listening session, which PostgreSQL lets go when the
 * process ends, however it ends; and reserves the patients it works on by locks of another session of its own.
 */
export const PROCESS_FUNCTIONS = `
CREATE TABLE process (
  owner text COLLATE "C" PRIMARY KEY,
  since bigint NOT NULL
);

-- Says that this session belongs to a process. Shared: a session that broke may linger beside the one that replaces it.
CREATE FUNCTION journal_enlist(p_owner text, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_lock_shared(hashtext('passerelle process'), hashtext(p_owner));
  INSERT INTO process (owner, since) VALUES (p_owner, journal_now(p_now)) ON CONFLICT DO NOTHING;
END $$;

-- Processes without a session.
CREATE FUNCTION journal_absent() RETURNS TABLE (o_owner text) LANGUAGE sql VOLATILE AS $$
  SELECT owner FROM process WHERE pg_try_advisory_xact_lock(hashtext('passerelle process'), hashtext(owner))
$$;

-- The leases of a process that is gone end now; what it had in its hands counts as perhaps written.
CREATE FUNCTION journal_bury(p_owner text, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := journal_now(p_now);
  v_stream text;
BEGIN
  PERFORM journal_lock_lanes();
  FOR v_stream IN SELECT stream FROM journal_streams() LOOP
    UPDATE work SET due = v_now WHERE stream = v_stream AND place = 1 AND due > v_now AND owner = p_owner;
  END LOOP;
  DELETE FROM process WHERE owner = p_owner;
  PERFORM journal_ring();
END $$;

-- All of the keys or none.
CREATE FUNCTION journal_reserve(p_keys bigint[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  FOR at IN 1 .. cardinality(p_keys) LOOP
    IF NOT pg_try_advisory_lock(p_keys[at]) THEN
      PERFORM pg_advisory_unlock(k) FROM unnest(p_keys[1:at - 1]) AS k;
      RETURN false;
    END IF;
  END LOOP;
  RETURN true;
END $$;

CREATE FUNCTION journal_release(p_keys bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_unlock(k) FROM unnest(p_keys) AS k;
END $$;
`;
