-- Alone in its file, so that it can be built while the workers go on.
CREATE INDEX CONCURRENTLY "jobs_state_created_at_idx" ON "jobs"("state", "created_at");
