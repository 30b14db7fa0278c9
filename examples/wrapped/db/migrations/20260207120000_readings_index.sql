-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY readings_taken_at_idx ON readings (taken_at);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY readings_taken_at_idx;
